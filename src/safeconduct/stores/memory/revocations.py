"""The revocations in one process's memory, under one lock that the sessions and the opaque tokens share."""

import heapq
import logging
import secrets
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager

from safeconduct._core.epochs import Epoch
from safeconduct._core.event_dispatcher import write_log
from safeconduct._core.revocation_keys import instance_from
from safeconduct._core.revocation_query import clamped_ms
from safeconduct._core.session_store import ForeignSession
from safeconduct._core.store import MARGIN_MS, Revocation, SingleUse, UseOutcome
from safeconduct.errors import Unavailable

#: How many expired entries a write removes; as many as the script in Redis does.
PRUNED_AT_ONCE = 100
_INSTANCE_BYTES = 8

_logger = logging.getLogger("safeconduct.stores")
_FOREIGN_SESSION = (
    "memory:// does not know a session that began in another process, or before a restart: sign in again; with "
    "redis:// all processes know it, also after a restart"
)


class MemoryRevocations:
    """
    Keep entries and cut-offs.  Writers hold the lock; readers look into the dictionaries without it.

    Args:
        clock: The time in seconds since the epoch.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: The leeway granted to clocks.
        on_change: Called after something was removed or revoked, so that what was known to count is looked up again.
    """

    __slots__ = (
        "_clock",
        "_expiries",
        "_horizon_ms",
        "_is_foreign_logged",
        "_last_issued_ms",
        "_lock",
        "_uses",
        "cuts",
        "entries",
        "epoch",
        "instance",
        "is_ended",
        "leeway_ms",
        "on_change",
        "pruned_ms",
    )

    def __init__(
        self, *, clock: Callable[[], float], horizon_ms: int, leeway_ms: int, on_change: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._horizon_ms = horizon_ms
        self.leeway_ms = leeway_ms
        self.on_change = on_change
        #: When each mark or cut-off may be forgotten, None for never.  No key is of both kinds.
        self.entries: dict[bytes, int | None] = {}
        #: The cut-offs, by revocation key.
        self.cuts: dict[bytes, int] = {}
        #: The use of each token that was used, by the token's mark.
        self._uses: dict[bytes, bytes] = {}
        self._expiries: list[tuple[int, bytes]] = []
        #: Entries with an earlier end may have been forgotten.
        self.pruned_ms = -1
        self._last_issued_ms = 0
        self.is_ended = False
        self.begin_instance()
        self.epoch = Epoch(self.instance.hex(), self.now_ms(), "new", horizon_ms)

    def begin_instance(self) -> None:
        """Become another instance, with a lock that no thread holds: in a new process, or a forked one."""
        self.instance = instance_from(secrets.token_bytes(_INSTANCE_BYTES))
        self._is_foreign_logged = False
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        """Return the current time."""
        return int(self._clock() * 1000)

    @contextmanager
    def locked(self) -> Generator[int]:
        """
        Hold the lock, and yield the current time.

        Raises:
            Unavailable: If the store is closed.
        """
        if self.is_ended:
            raise Unavailable("the store is closed")
        with self._lock:
            yield self.now_ms()

    def issue_time(self, cuts: Sequence[bytes], now_ms: int, earliest_ms: int = 0) -> int:
        """Return the ``iat_ms`` for a new token, *earliest_ms* or later; the caller holds the lock."""
        if self._prune(now_ms):
            self.on_change()
        iat_ms = max(now_ms, self.latest_cut_ms(cuts) + 1, self.epoch.started_ms + 1, earliest_ms)
        self._last_issued_ms = max(self._last_issued_ms, iat_ms)
        return iat_ms

    def revoke(self, revocation: Revocation, now_ms: int) -> int | None:
        """Write one entry and return its cut-off, if it has one; the caller holds the lock."""
        self._prune(now_ms)
        self._write_entry(revocation, now_ms)
        before_ms = None if revocation.is_mark else self._cut(revocation.key, now_ms)
        # After the entry: a reader that still has the old version may look too early, and looks again at the new one.
        self.on_change()
        return before_ms

    def use(self, use: SingleUse, now_ms: int) -> UseOutcome:
        """Mark a token as used, and return whether this is its first use; the caller holds the lock."""
        query, used_by = use.query, self._uses.get(use.mark)
        if used_by is not None:
            return "first" if used_by == use.use_id else "used"
        is_over = query.ends_ms <= max(now_ms, self.pruned_ms)
        if is_over or not self.entries.keys().isdisjoint(query.marks):
            return "revoked"
        if query.issued_ms <= self.latest_cut_ms(query.cuts):
            return "revoked"
        self.revoke(Revocation("token", use.mark, (query.shard,), query.ends_ms + MARGIN_MS), now_ms)
        self._uses[use.mark] = use.use_id
        return "first"

    def latest_cut_ms(self, cuts: Iterable[bytes]) -> int:
        """Return the latest of these cut-offs, -1 if there is none."""
        return max((self.cuts.get(key, -1) for key in cuts), default=-1)

    def refuse_foreign(self, instance: bytes) -> None:
        """
        Return if *instance* is this process's.

        Raises:
            ForeignSession: If it is another's: this process cannot say what became of its sessions.
        """
        if instance == self.instance:
            return
        if not self._is_foreign_logged:
            self._is_foreign_logged = True
            write_log(_logger, logging.ERROR, _FOREIGN_SESSION)
        raise ForeignSession("a session of another process, or from before a restart")

    def _cut(self, key: bytes, now_ms: int) -> int:
        # A token may bear a later instant than a clock that stood still or went back; it is cut off all the same.
        before_ms = max(now_ms, self._last_issued_ms, self.cuts.get(key, 0))
        self.cuts[key] = before_ms
        return before_ms

    def _write_entry(self, revocation: Revocation, now_ms: int) -> None:
        key, expires_ms = revocation.key, self._expires_ms(revocation, now_ms)
        if key in self.entries:
            known_ms = self.entries[key]
            expires_ms = None if known_ms is None or expires_ms is None else max(known_ms, expires_ms)
        self.entries[key] = expires_ms
        if expires_ms is not None:
            heapq.heappush(self._expiries, (expires_ms, key))

    def _expires_ms(self, revocation: Revocation, now_ms: int) -> int | None:
        if revocation.expires_ms is not None:
            return clamped_ms(revocation.expires_ms)
        if revocation.lives_ms is not None:
            return clamped_ms(now_ms + max(self._horizon_ms, revocation.lives_ms) + self.leeway_ms + MARGIN_MS)
        return None

    def _prune(self, now_ms: int) -> bool:
        count = len(self.entries)
        for _ in range(PRUNED_AT_ONCE):
            if not self._expiries or self._expiries[0][0] >= now_ms - MARGIN_MS:
                break
            expires_ms, key = heapq.heappop(self._expiries)
            # An entry that was written twice is in the heap twice, and only its later end counts.
            if self.entries.get(key) == expires_ms:
                # The bound that refuses what the entry refused comes first, because readers take no lock.
                self.pruned_ms = max(self.pruned_ms, expires_ms)
                del self.entries[key]
                self.cuts.pop(key, None)
                self._uses.pop(key, None)
        return len(self.entries) < count
