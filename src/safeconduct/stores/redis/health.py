"""
Whether a server may be trusted, and whether it answers.

It may be trusted if it is a primary and evicts nothing.  Under another policy than ``noeviction`` a revocation is
silently evicted when memory runs short.  A script cannot read the configuration (``CONFIG`` is refused inside Lua), so
the commands that ask for it are sent in front of an ordinary one: on each new connection, then every five seconds, and
in front of every command while the server is unfit, so that the right ``CONFIG SET`` takes effect at once.  In between
a request is one command, whose reply shows whether the server has become a replica.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from safeconduct._core.revocation_query import UntrustedStore
from safeconduct.events import Event, StoreRecovered, StoreUnavailable
from safeconduct.stores.redis.connection import Command, Reply, ServerError

EVERY_SECONDS = 5.0
#: How a replica refuses a command.
REPLICA_ERRORS = frozenset({"ReadOnlyError", "MasterDownError", "MASTERDOWN"})
_ANNOUNCED_EVERY_SECONDS = 60.0
_POLICY = "maxmemory-policy"
_ROLE: Command = ("ROLE",)
_BY_CONFIG: Command = ("CONFIG", "GET", _POLICY)
#: For managed servers, which refuse ``CONFIG``.
_BY_INFO: Command = ("INFO", "memory")
IS_REPLICA = "the store is a replica, which lags behind its primary: name its primary, or the sentinels, in store.url"
_REMEDY = "CONFIG SET maxmemory-policy noeviction"


@dataclass(frozen=True, slots=True)
class _Verdict:
    #: What makes the server unfit; None if nothing does.
    flaw: str | None
    judged_at: float


class ServerHealth:
    """
    Judge whether a server may be trusted.

    Args:
        accept_eviction: Whether any eviction policy is accepted.
        monotonic: A clock that never goes back, in seconds.
        announce: Tells the listeners, once a minute, what is wrong and what would help.
        node: What reasons begin with.
    """

    def __init__(
        self,
        *,
        accept_eviction: bool,
        monotonic: Callable[[], float],
        announce: Callable[[Event], None],
        node: str = "",
    ) -> None:
        self._node = node
        self._accept_eviction = accept_eviction
        self._monotonic = monotonic
        self._announce = announce
        self._announced_at: float | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the verdict: in a new process, or a forked one."""
        self._verdict: _Verdict | None = None
        self._is_config_refused = False

    def doubt(self) -> None:
        """Let the next command ask anew, because a reply has shown that the server is a replica now."""
        self._verdict = None

    @property
    def is_replica(self) -> bool:
        """Whether the server was a replica when it was last judged."""
        return self._verdict is not None and self._verdict.flaw == IS_REPLICA

    @property
    def is_due(self) -> bool:
        """Whether the next command must bring the health commands along."""
        verdict = self._verdict
        return verdict is None or verdict.flaw is not None or self._monotonic() - verdict.judged_at >= EVERY_SECONDS

    def commands(self) -> list[Command]:
        """Return the commands to judge the server by."""
        if self._accept_eviction:
            return [_ROLE]
        return [_ROLE, _BY_INFO if self._is_config_refused else _BY_CONFIG]

    def judge(self, replies: Sequence[Reply]) -> bool:
        """Judge the server by its replies; False if ``CONFIG`` is refused and other commands must be sent."""
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
            UntrustedStore: If it is not.
        """
        if (error := self._error()) is not None:
            raise error

    def replica_error(self) -> UntrustedStore | None:
        """Return the error for a server that was a replica when it was last judged, None for any other."""
        return self._error() if self.is_replica else None

    def _error(self) -> UntrustedStore | None:
        verdict = self._verdict
        if verdict is None or verdict.flaw is None:
            return None
        if self._announced_at is None or verdict.judged_at - self._announced_at >= _ANNOUNCED_EVERY_SECONDS:
            self._announced_at = verdict.judged_at
            self._announce(StoreUnavailable(reason=f"{self._node}{verdict.flaw}"))
        return UntrustedStore("the store is unfit")


def _role_flaw(reply: Reply) -> str | None:
    # Where ROLE is forbidden, only the operator can know.
    if isinstance(reply, ServerError) or (isinstance(reply, list) and reply[:1] == [b"master"]):
        return None
    return IS_REPLICA


def _policy_flaw(reply: Reply) -> str | None:
    policy = _policy_of(reply)
    if policy == "noeviction":
        return None
    if policy is None:
        return f"the store does not show its {_POLICY}: allow +config|get or +info, or set revocation.accept_eviction"
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


#: How many failures in a row open the circuit; with fewer, one lost packet would be an outage.
FAILURES = 3
#: How long an open circuit refuses all requests but one probe; a server that is up again is in use within this time.
OPEN_SECONDS = 0.5


class CircuitBreaker:
    """
    Let every request through while a server answers, and a probe every ``OPEN_SECONDS`` while it does not.

    A probe holds no lease: one that never returns is followed by another after ``OPEN_SECONDS``.

    Args:
        monotonic: A clock that never goes back, in seconds.
        announce: Tells the listeners when the circuit opens and when it closes.
        node: What reasons begin with.
    """

    def __init__(self, *, monotonic: Callable[[], float], announce: Callable[[Event], None], node: str = "") -> None:
        self._node = node
        self._monotonic = monotonic
        self._announce = announce
        self.reset()

    def reset(self) -> None:
        """Close the circuit: in a new process, or a forked one."""
        self.is_open = False
        self._failures = 0
        #: How often the server answered; two threads that count at the same time may count one.
        self.answers = 0
        self._next_probe_at = 0.0
        self._lock = threading.Lock()

    def admits_probe(self) -> bool:
        """Return whether this request may be the probe of an open circuit: none was within ``OPEN_SECONDS``."""
        with self._lock:
            now = self._monotonic()
            is_due = now >= self._next_probe_at
            if is_due:
                self._next_probe_at = now + OPEN_SECONDS
        return is_due

    def succeeded(self) -> None:
        """Count an answer and close the circuit."""
        self.answers += 1
        if self._failures == 0:
            return
        with self._lock:
            was_open, self.is_open, self._failures = self.is_open, False, 0
        if was_open:
            self._announce(StoreRecovered())

    def failed(self, reason: str) -> None:
        """Count a failure and open the circuit at the last that is allowed."""
        with self._lock:
            self._failures += 1
            opens = self._failures == FAILURES
            self.is_open = self._failures >= FAILURES
            self._next_probe_at = self._monotonic() + OPEN_SECONDS
        if opens:
            self._announce(StoreUnavailable(reason=f"{self._node}{reason}"))
