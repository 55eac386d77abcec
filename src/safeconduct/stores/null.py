"""The store where there is none: nothing is revoked, and counters live in this process."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from safeconduct._core.epochs import Epoch
from safeconduct._core.store import Counter, IssueTime, Revocation, RevocationQuery, RevocationStatus, Store, Written
from safeconduct.errors import NotSupported
from safeconduct.stores.memory.store import MemoryStore


class NullStore:
    """
    Stand in for a store.

    Args:
        clock: The time in seconds since the epoch.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: What is granted to clocks.
    """

    sessions = None
    opaque_tokens = None
    view = None
    known_epochs: Mapping[int, Epoch] = MappingProxyType({})

    def __init__(self, *, clock: Callable[[], float], horizon_ms: int, leeway_ms: int) -> None:
        self._clock = clock
        self._counters = MemoryStore(clock=clock, horizon_ms=horizon_ms, leeway_ms=leeway_ms)
        # It begins with time itself: no token is older, whatever ``on_new_store`` says.
        self._epoch = Epoch("none", -1, "new", 0)
        self._held = RevocationStatus(self._epoch, is_empty=False, is_revoked=False, now_ms=None)

    def blocking(self) -> Store:
        """Give the port for WSGI."""
        return self

    def native(self) -> Store:
        """Give the port for ASGI."""
        return self

    async def ask(self, question: RevocationQuery) -> RevocationStatus:
        """Say that nothing is revoked."""
        del question
        return self._held

    async def ask_all(self, questions: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Leave each to ``ask``."""
        del questions
        return {}

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """Return the one epoch that there is."""
        del shard, reason, seen
        return self._epoch

    async def issue_time(self, question: RevocationQuery) -> IssueTime:
        """Return now."""
        del question
        return IssueTime(self._epoch, is_empty=False, iat_ms=int(self._clock() * 1000))

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """Refuse."""
        raise NotSupported(f"no store to revoke a {revocation.kind} in, on shard {shard}")

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count in this process."""
        return await self._counters.count_try(counters, try_id=try_id)

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that a try failed."""
        await self._counters.fail_try(counters, try_id=try_id)

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Take a try out again."""
        await self._counters.give_back(counters, cleared, try_id=try_id)

    async def close(self) -> None:
        """Do nothing: there is no connection to let go of."""

    def end(self) -> None:
        """Answer no more tries."""
        self._counters.end()
