"""A whole application whose store is behind a faulty proxy, and another process that signs in and revokes there."""

import contextlib
import itertools
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from login_site import LoginSite, login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._core.directory import Account
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores.redis import connection_asyncio, connection_sync, follower
from safeconduct.stores.redis.client import StoreClient
from safeconduct.stores.redis.health import OPEN_SECONDS
from safeconduct.stores.redis.server import RedisServer
from worlds import Clock

#: A follower waits for a quarter of this, also when it is ended.
STALENESS_SECONDS = 0.2
HORIZON_MS = 86_400_000
LEEWAY_MS = 10_000
#: Enough for a machine that is busy with other tests.
PATIENT_SECONDS = 20.0
#: For requests whose store does not answer, which wait for all of it.
QUICK_SECONDS = 0.1
#: After so many requests a store that is back must be in use.
RECOVERS_AFTER = 3
_DECIDING: ContextVar["Decision | None"] = ContextVar("deciding", default=None)


@dataclass(frozen=True, slots=True)
class Mode:
    """How an application checks revocations."""

    consistency: str
    on_outage: str = "refuse"

    def __str__(self):
        return self.consistency if self.on_outage == "refuse" else f"{self.consistency}, {self.on_outage}"


STRICT, BOUNDED, SERVING = MODES = (Mode("strict"), Mode("bounded"), Mode("bounded", "serve"))


@dataclass(frozen=True, slots=True)
class Login:
    """Who signed in, and their tokens."""

    subject: str
    access: str = field(repr=False)
    session: str


@dataclass(slots=True)
class Decision:
    """What one request sent to the store, and how long it was allowed to wait for it."""

    deadline_seconds: float
    status: int | None = None
    #: How often it sent something.
    exchanges: int = 0
    #: How often it waited to the end of its deadline.
    timeouts: int = 0
    #: The longest single wait that it was allowed, in seconds.
    longest_grant: float = 0.0
    seconds: float = 0.0


def watch_connections(monkeypatch):
    """Let each decision count what it sends, and take the deadline that its site has at that moment."""
    for kind in (connection_sync.SyncConnection, connection_asyncio.AsyncioConnection):
        for name in ("open", "exchange"):
            monkeypatch.setattr(kind, name, _watched(getattr(kind, name), is_exchange=name == "exchange"))

    def deadline(client):
        decision = _DECIDING.get()
        return vars(client)["deadline"] if decision is None else decision.deadline_seconds

    kept = property(deadline, lambda client, seconds: vars(client).update(deadline=seconds))
    monkeypatch.setattr(StoreClient, "_deadline_seconds", kept, raising=False)
    # A follower that fails connects again at once, so that no test waits for it.
    monkeypatch.setattr(follower, "RETRY_SECONDS", 0.01)


def _watched(method, *, is_exchange):
    async def watched(connection, *arguments):
        decision = _DECIDING.get()
        if decision is None:
            return await method(connection, *arguments)
        seconds = arguments[-1]
        decision.exchanges += is_exchange
        decision.longest_grant = max(decision.longest_grant, seconds)
        began_at = time.monotonic()
        try:
            return await method(connection, *arguments)
        except BaseException:
            decision.timeouts += time.monotonic() - began_at >= seconds
            raise

    return watched


class ProxiedSite(LoginSite):
    """
    An application that asks a store through a faulty proxy.

    Args:
        world: "asgi" or "wsgi".
        mode: How it checks revocations.
        url: The store, by way of the proxy.
        monotonic: The clock of the breaker and of the view's age; the hand-moved ``ticks`` by default.
        clock: The time of requests.
        shift_ms: How far the store's clock is shifted.
        store: Further fields of the store's configuration.
        fields: Further configuration.
    """

    def __init__(self, world, mode, url, *, monotonic=None, clock=None, shift_ms=lambda: 0, store=None, **fields):
        self.mode, self.ticks = mode, Clock(1000.0)
        self.deadline_seconds = PATIENT_SECONDS
        self.decisions, self.recovered_after = [], 0
        store = {"url": url, "deadline_ms": 250, "pool_size": 4, **(store or {})}
        checks = {
            "consistency": mode.consistency, "on_outage": mode.on_outage, "staleness_seconds": STALENESS_SECONDS,
        }  # fmt: skip
        heard = []
        self.stores = RedisServer(
            StoreConfig(**store), RevocationConfig(**checks), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS,
            announce=heard.append, keeps_view=mode.consistency == "bounded", monotonic=monotonic or self.ticks,
            shift_ms=shift_ms, clock=clock or time.time,
        )  # fmt: skip
        super().__init__(world, stores=self.stores, clock=clock or time.time, store=store, revocation=checks, **fields)
        #: What the store announced.
        self.heard = heard
        protected = self.application
        self.application = self._asgi(protected) if world == "asgi" else self._wsgi(protected)

    @property
    def view(self):
        """The local view; None where none is kept."""
        return None if self.stores._follower is None else self.stores._follower.view

    def ask(self, login, path="/me"):
        """Send a request with an access token and return its status; nobody is mistaken for another."""
        response = self.request("GET", path, (("authorization", f"Bearer {login.access}"),))
        if response.status == 200 and path == "/me":
            assert login.subject == response.report["who"]
        return response.status

    @contextlib.contextmanager
    def hurried(self):
        """Use a short deadline within a block whose requests wait in vain."""
        self.deadline_seconds = QUICK_SECONDS
        yield
        self.deadline_seconds = PATIENT_SECONDS

    def let_view_age(self):
        """Let so much time pass that the view must not be believed any more."""
        self.ticks.advance(seconds=STALENESS_SECONDS)

    def wait_for_view(self):
        """Wait until the view is current; where there is none, it is."""
        polls = itertools.count(1)

        def is_current():
            if self.view is None or self.view.age_seconds < STALENESS_SECONDS:
                return True
            if next(polls) % 100 == 0:
                # The follower's breaker may have counted a failure after the last step, and admits a probe only now.
                self.ticks.advance(seconds=OPEN_SECONDS)
            return False

        until(is_current)

    def recover(self, login):
        """Ask until a credential counts again, and note how often that took; the breaker admits each probe."""
        statuses = []
        while len(statuses) < RECOVERS_AFTER:
            self.ticks.advance(seconds=OPEN_SECONDS)
            statuses.append(self.ask(login))
            if statuses[-1] == 200:
                self.recovered_after = max(self.recovered_after, len(statuses))
                self.wait_for_view()
                return
        raise AssertionError(f"not recovered: {statuses}, {self.heard}, {self.events}")

    def sent_by(self, work):
        """Return how often requests sent something to the store while *work* was done."""
        before = sum(decision.exchanges for decision in self.decisions)
        work()
        return sum(decision.exchanges for decision in self.decisions) - before

    def _asgi(self, application):
        async def counted(scope, receive, send):
            async def noted(message):
                decision.status = message.get("status", decision.status)
                await send(message)

            with self._deciding() as decision:
                await application(scope, receive, noted)

        return counted

    def _wsgi(self, application):
        def counted(environ, start_response):
            def noted(status, *rest):
                decision.status = int(status[:3])
                return start_response(status, *rest)

            with self._deciding() as decision:
                return application(environ, noted)

        return counted

    @contextlib.contextmanager
    def _deciding(self):
        decision = Decision(self.deadline_seconds)
        self.decisions.append(decision)
        before = _DECIDING.set(decision)
        began_at = time.monotonic()
        try:
            yield decision
        finally:
            decision.seconds = time.monotonic() - began_at
            _DECIDING.reset(before)


class OtherProcess:
    """Another process that shares the store, over a connection without faults."""

    def __init__(self, url, *, shift_ms=lambda: 0):
        config = login_configuration(
            store={"url": url, "deadline_ms": 20_000}, revocation={"consistency": "strict", "staleness_seconds": 1.0}
        )
        store = RedisServer(
            config.store, config.revocation, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=[].append,
            shift_ms=shift_ms,
        )  # fmt: skip
        self.auth = Auth(config, directory=MemoryDirectory(), store=store, clock=time.time)

    def sign_in(self, name="alice"):
        """Begin a session."""
        tokens = self.auth.sessions.sign_in(Account(name))
        return Login(name, tokens.access_token, tokens.session_id)

    def end(self, login):
        """End a session."""
        return self.auth.sessions.end(login.session)

    def close(self):
        """Drop every connection."""
        self.auth.close()


def until(condition):
    """Wait for what another thread brings about; the time-out of the test bounds it."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.002)


def sockets_to(port):
    """Return how many sockets of this process are connected to *port*."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text("ascii").splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}")}
    return sum(target in inodes for target in _open_files())


def _open_files():
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            yield str(link.readlink())


def descriptors():
    """Return how many descriptors this process has open."""
    return sum(1 for _ in _open_files())
