"""
Whether a server may be believed: it is a primary, and it forgets nothing by itself.

Under another policy than ``noeviction`` a revocation is evicted when memory runs short, and nobody hears of it.  A
script may not read the configuration (``CONFIG`` is refused inside Lua), so the question travels in front of an
ordinary command: on each new connection, then every five seconds, and before every command while the server is unfit,
so that the right ``CONFIG SET`` takes effect at once.  In between a request is one command, whose answer itself shows
where the server has become a replica.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from safeconduct.errors import Unavailable
from safeconduct.events import Event, StoreRecovered, StoreUnavailable
from safeconduct.stores.redis.connection import Command, Reply, ServerError

EVERY_SECONDS = 5.0
_TOLD_EVERY_SECONDS = 60.0
_POLICY = "maxmemory-policy"
_ROLE: Command = ("ROLE",)
_BY_CONFIG: Command = ("CONFIG", "GET", _POLICY)
#: Managed servers refuse CONFIG.
_BY_INFO: Command = ("INFO", "memory")
_REMEDY = "CONFIG SET maxmemory-policy noeviction"


@dataclass(frozen=True, slots=True)
class _Verdict:
    flaw: str | None
    at: float


class ServerHealth:
    """
    Judge a server.

    Args:
        accept_eviction: Whether any policy will do.
        monotonic: A clock that never goes back, in seconds.
        announce: Tells the listeners, once a minute, what is wrong and what would help.
    """

    def __init__(
        self, *, accept_eviction: bool, monotonic: Callable[[], float], announce: Callable[[Event], None]
    ) -> None:
        self._accept_eviction = accept_eviction
        self._monotonic = monotonic
        self._announce = announce
        self._told_at: float | None = None
        self.begin()

    def begin(self) -> None:
        """Forget everything: in a new process, or a forked one."""
        self._verdict: _Verdict | None = None
        self._is_config_refused = False

    def doubt(self) -> None:
        """Let the next command ask anew: an answer has shown that the server is a replica now."""
        self._verdict = None

    @property
    def is_due(self) -> bool:
        """Whether the next command must bring the questions along."""
        verdict = self._verdict
        return verdict is None or verdict.flaw is not None or self._monotonic() - verdict.at >= EVERY_SECONDS

    def questions(self) -> list[Command]:
        """Say what to ask the server."""
        if self._accept_eviction:
            return [_ROLE]
        return [_ROLE, _BY_INFO if self._is_config_refused else _BY_CONFIG]

    def hear(self, replies: Sequence[Reply]) -> bool:
        """Take the replies in and return True, or False if CONFIG is refused and the questions must be put anew."""
        flaw = _role_flaw(replies[0])
        if flaw is None and not self._accept_eviction:
            if isinstance(replies[1], ServerError) and not self._is_config_refused:
                self._is_config_refused = True
                return False
            flaw = _policy_flaw(replies[1])
        self._verdict = _Verdict(flaw, self._monotonic())
        return True

    def refuse_unfit(self) -> None:
        """
        Return if the server is fit.

        Raises:
            Unavailable: If it is not.
        """
        verdict = self._verdict
        if verdict is None or verdict.flaw is None:
            return
        if self._told_at is None or verdict.at - self._told_at >= _TOLD_EVERY_SECONDS:
            self._told_at = verdict.at
            self._announce(StoreUnavailable(reason=verdict.flaw))
        raise Unavailable("the store is unfit")


def _role_flaw(reply: Reply) -> str | None:
    # Where ROLE is forbidden, only the operator knows.
    if isinstance(reply, ServerError) or (isinstance(reply, list) and reply[:1] == [b"master"]):
        return None
    return "the store is a replica, which lags behind its primary: name the primary in store.url"


def _policy_flaw(reply: Reply) -> str | None:
    policy = _policy_of(reply)
    if policy == "noeviction":
        return None
    if policy is None:
        return f"the store does not tell its {_POLICY}: allow +config|get or +info, or set revocation.accept_eviction"
    return f"the store evicts revocations ({_POLICY} is {policy}): {_REMEDY}"


def _policy_of(reply: Reply) -> str | None:
    if isinstance(reply, list):
        match cast("list[object]", reply):
            case [_, bytes(policy)]:
                return policy.decode("ascii", "replace")
            case _:
                return None
    if not isinstance(reply, bytes):
        return None
    for line in reply.splitlines():
        name, _, value = line.partition(b":")
        if name == b"maxmemory_policy":
            return value.decode("ascii", "replace")
    return None


#: So many failures in a row open it; fewer would make an incident of one lost packet.
FAILURES = 3
#: So long nobody but one probe asks.  A server that is up again is in use within this.
OPEN_SECONDS = 0.5


class CircuitBreaker:
    """
    Let requests through while a server answers, and one in a while when it does not.

    A probe holds no lease: one that never comes back is followed by another after ``OPEN_SECONDS``.

    Args:
        monotonic: A clock that never goes back, in seconds.
        announce: Tells the listeners when it opens and when it closes.
    """

    def __init__(self, *, monotonic: Callable[[], float], announce: Callable[[Event], None]) -> None:
        self._monotonic = monotonic
        self._announce = announce
        self.begin()

    def begin(self) -> None:
        """Forget everything: in a new process, or a forked one."""
        self._failures = 0
        #: How often the server answered; two threads that count at once may count one.
        self.answers = 0
        self._next_probe_at = 0.0
        self._lock = threading.Lock()

    def admit(self) -> None:
        """
        Return if the server may be asked.

        Raises:
            Unavailable: If it may not.
        """
        if self._failures < FAILURES:
            return
        with self._lock:
            now = self._monotonic()
            if now < self._next_probe_at:
                raise Unavailable("the store does not answer")
            self._next_probe_at = now + OPEN_SECONDS

    def succeeded(self) -> None:
        """Close it."""
        self.answers += 1
        if self._failures == 0:
            return
        with self._lock:
            was_open, self._failures = self._failures >= FAILURES, 0
        if was_open:
            self._announce(StoreRecovered())

    def failed(self, reason: str) -> None:
        """Count a failure and open it at the last that is allowed."""
        with self._lock:
            self._failures += 1
            opens = self._failures == FAILURES
            self._next_probe_at = self._monotonic() + OPEN_SECONDS
        if opens:
            self._announce(StoreUnavailable(reason=reason))
