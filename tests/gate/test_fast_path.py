"""A request that was seen before is decided on the fast path, and a proven token is looked up once wherever it goes."""

import asyncio
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import WORLDS, AsgiReport, wsgi_application
from auth_setups import configuration
from memory_directory import MemoryDirectory
from safeconduct import Account, Auth
from safeconduct._core.authentication import Authenticator
from safeconduct._core.fast_path import FastPath
from safeconduct._core.gate import Gate
from safeconduct._core.validity import ValidityCheck
from table_tokens import NOW, tokens
from worlds import Clock

TOKEN = tokens()["alice"]
CARRIERS = {
    "bearer": ("authorization", f"Bearer {TOKEN}".encode()),
    "cookie": ("cookie", f"__Host-safeconduct={TOKEN}".encode()),
}
#: Wrapped by the bound on what a request asks of the store; the function itself is what runs.
DECIDES = {
    FastPath.recall.__code__: "recall",
    Gate.confirm.__wrapped__.__code__: "confirm",
    Gate.decide.__wrapped__.__code__: "decide",
    Authenticator.identify.__code__: "identify",
}
ON_THE_FAST_PATH, ON_THE_SLOW_PATH = ["recall"], ["decide", "identify"]
WITH_THE_STORE_ASKED = ["recall", "confirm"]

both = pytest.mark.parametrize("world", WORLDS)


class Counted(bytes):
    """The bytes of a header field, which count how often they are looked up."""

    looks = 0

    def __hash__(self):
        Counted.looks += 1
        return super().__hash__()


class Text(str):
    """The text of a header field, whose bytes count how often they are looked up."""

    __slots__ = ()

    def encode(self, *how):
        return Counted(super().encode(*how))


@contextmanager
def deciding():
    """Note which functions decide, in their order."""
    names = []

    def note(frame, event, _argument):
        # A coroutine that goes on is no new call, and is the same frame.
        if event == "call" and frame.f_code in DECIDES and frame not in seen:
            seen.append(frame)
            names.append(DECIDES[frame.f_code])

    seen = []
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield names
    finally:
        sys.setprofile(before)


class Scene:
    """An application in one world."""

    def __init__(self, world, **fields):
        self.world, self.clock = world, Clock(float(NOW))
        self.auth = Auth(configuration(**fields), directory=MemoryDirectory(), clock=self.clock)
        is_wsgi = world == "wsgi"
        self.application = self.auth.wsgi(wsgi_application) if is_wsgi else self.auth.asgi(AsgiReport())

    def ask(self, *headers, method="GET", target="/me"):
        """Ask for a page, and return the status and which functions decided."""
        request = SentRequest(method, target, (("host", b"app.example"), *headers), "https")
        if self.world == "wsgi":
            environ = wsgi_environ(request)
            if "HTTP_AUTHORIZATION" in environ:
                environ["HTTP_AUTHORIZATION"] = Text(environ["HTTP_AUTHORIZATION"])
            with deciding() as names:
                seen = call_wsgi(self.application, environ)
        else:
            scope = asgi_scope(request)
            scope["headers"] = [(name, Counted(value)) for name, value in scope["headers"]]
            with deciding() as names:
                seen = asyncio.run(call_asgi(self.application, scope))
        return seen.status, names

    def sign_in(self):
        """Return the header of a session that began after the store."""
        self.auth.sessions.sign_in(Account("bob"))
        self.clock.advance(seconds=1)
        signed_in = self.auth.sessions.sign_in(Account("alice"))
        return "authorization", f"Bearer {signed_in.access_token}".encode()


@both
@pytest.mark.parametrize("carried", CARRIERS)
@pytest.mark.parametrize(
    "fields",
    [{}, {"store": "none"}, {"revocation": {"consistency": "none"}}],
    ids=["memory", "no store", "consistency none"],
)
def test_a_request_that_was_seen_before_is_decided_on_the_fast_path(world, carried, fields):
    """The slow path is not entered at all.  A route is kept for the fast path when it is asked for again."""
    scene = Scene(world, **fields)
    first, _ = scene.ask(CARRIERS[carried]), scene.ask(CARRIERS[carried])

    assert 200 == first[0]
    assert ON_THE_SLOW_PATH == [name for name in first[1] if name != "recall"]
    assert [(200, ON_THE_FAST_PATH)] * 3 == [scene.ask(CARRIERS[carried]) for _ in range(3)]


@both
def test_a_requirement_that_is_met_is_no_reason_to_leave_the_fast_path(world):
    scene, reader = Scene(world), ("authorization", f"Bearer {tokens()['reader']}".encode())
    for _ in range(2):
        scene.ask(reader, target="/read")

    assert (200, ON_THE_FAST_PATH) == scene.ask(reader, target="/read")


@both
def test_what_would_be_refused_leaves_the_fast_path(world):
    """It only ever lets pass."""
    scene = Scene(world)
    for _ in range(2):
        scene.ask(CARRIERS["bearer"], target="/admin")

    assert (403, [*ON_THE_FAST_PATH, *ON_THE_SLOW_PATH]) == scene.ask(CARRIERS["bearer"], target="/admin")


@both
def test_where_the_store_must_be_asked_its_answer_decides(world):
    """A store that may have lost its data decides about each request, and nothing is read a second time."""
    scene = Scene(world, login={}, revocation={"on_new_store": "refuse"})
    header = scene.sign_in()
    for _ in range(2):
        scene.ask(header)

    assert [(200, WITH_THE_STORE_ASKED)] * 4 == [scene.ask(header) for _ in range(4)]


@both
@pytest.mark.parametrize("on_new_store", ["accept", "refuse"])
def test_what_the_store_refuses_is_refused_at_once(world, on_new_store):
    """The slow path would ask it again."""
    scene = Scene(world, login={}, revocation={"on_new_store": on_new_store})
    header = scene.sign_in()
    for _ in range(2):
        scene.ask(header)
    scene.auth.sessions.revoke_subject("alice")

    assert (401, WITH_THE_STORE_ASKED) == scene.ask(header)


@both
def test_an_inner_middleware_does_not_ask_again(world):
    """The slow path knows that the outer one has asked."""
    scene = Scene(world, login={}, revocation={"on_new_store": "refuse"})
    header = scene.sign_in()
    wrap = scene.auth.wsgi if world == "wsgi" else scene.auth.asgi
    scene.application = wrap(scene.application)
    for _ in range(2):
        scene.ask(header)

    assert (200, [*WITH_THE_STORE_ASKED, "recall", *ON_THE_SLOW_PATH]) == scene.ask(header)


@both
@pytest.mark.parametrize("on_new_store", ["accept", "refuse"])
def test_a_proven_token_is_looked_up_once_a_request(world, on_new_store):
    """On the fast path, and on the slow one where the store must be asked."""
    scene = Scene(world, login={}, revocation={"on_new_store": on_new_store})
    header = scene.sign_in()
    for _ in range(2):
        scene.ask(header)
    Counted.looks = 0

    for _ in range(5):
        scene.ask(header)

    assert 5 == Counted.looks


@both
def test_a_password_that_was_revoked_is_left_to_the_slow_path(world):
    """It is proven again there, because only its remembered proof was revoked."""
    scene = Scene(world, revocation={"on_new_store": "refuse"})
    gate = scene.application._gate
    for _ in range(2):
        scene.ask(CARRIERS["bearer"])
    entry = gate._bearer.cache.entries[CARRIERS["bearer"][1]]
    entry.passed = replace(entry.passed, proof=replace(entry.passed.proof, ambient="basic"))
    scene.auth.sessions.revoke_subject("alice")

    assert (401, [*WITH_THE_STORE_ASKED, *ON_THE_SLOW_PATH]) == scene.ask(CARRIERS["bearer"])


@both
def test_a_bug_while_the_store_is_asked_is_unavailable(world, monkeypatch):
    """It is never a pass."""
    scene = Scene(world, login={}, revocation={"on_new_store": "refuse"})
    header = scene.sign_in()
    for _ in range(2):
        scene.ask(header)

    async def broken(*_arguments, **_named):
        raise ValueError

    monkeypatch.setattr(ValidityCheck, "ask", broken)

    assert (503, WITH_THE_STORE_ASKED) == scene.ask(header)
