"""The store for ``store = "none"``: nothing is ever revoked, and counters live in this process."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus
from safeconduct._core.store import Counter, IssueTime, Revocation, SingleUse, Store, Used, Written
from safeconduct.errors import NotSupported
from safeconduct.stores.memory.store import MemoryStore


class NullStore:
    """
    Answer without a store.

    Args:
        clock: The time in seconds since the epoch.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: The leeway granted to clocks.
    """

    sessions = None
    opaque_tokens = None
    api_keys = None
    view = None
    bounded_view = None

    def __init__(self, *, clock: Callable[[], float], horizon_ms: int, leeway_ms: int) -> None:
        self._clock = clock
        self.epochs = Epochs()
        self._counters = MemoryStore(clock=clock, horizon_ms=horizon_ms, leeway_ms=leeway_ms)
        # It began before any token was issued, so that ``on_new_store`` refuses none.
        self._epoch = Epoch("none", -1, "new", 0)
        self._held = RevocationStatus(self._epoch, is_empty=False, is_revoked=False, now_ms=None)

    def blocking(self) -> Store:
        """Return the port for WSGI."""
        return self

    def native(self) -> Store:
        """Return the port for ASGI."""
        return self

    async def ask(self, query: RevocationQuery) -> RevocationStatus:
        """Reply that nothing was revoked."""
        del query
        return self._held

    async def ask_all(self, queries: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Leave each to ``ask``."""
        del queries
        return {}

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """Return the only epoch."""
        del shard, reason, seen
        return self._epoch

    async def issue_time(self, query: RevocationQuery) -> IssueTime:
        """Return the current time."""
        del query
        return IssueTime(self._epoch, is_empty=False, iat_ms=int(self._clock() * 1000))

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """Refuse, because nothing could remember it."""
        raise NotSupported(f"no store to revoke a {revocation.kind} in, on shard {shard}")

    async def mark_used(self, use: SingleUse) -> Used:
        """Refuse, because nothing could remember it."""
        del use
        raise NotSupported("no store to mark a token as used in")

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count a try in this process."""
        return await self._counters.count_try(counters, try_id=try_id)

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that a try failed."""
        await self._counters.fail_try(counters, try_id=try_id)

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Uncount a try, and the failed ones that it clears."""
        await self._counters.give_back(counters, cleared, try_id=try_id)

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def end(self) -> None:
        """Refuse every later try."""
        self._counters.end()
