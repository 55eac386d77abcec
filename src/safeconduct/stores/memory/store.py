"""
The store in one process's memory.

One object serves both worlds and every thread.  Readers take no lock: they look into dictionaries that writers change
under one, and every question gets one of two answers made beforehand.
"""

import heapq
import logging
import os
import secrets
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Literal, Self

from safeconduct._core.epochs import Epoch
from safeconduct._core.log import write_log
from safeconduct._core.revocation_keys import untagged
from safeconduct._core.session_store import ForeignSession
from safeconduct._core.store import Counter, IssueTime, Revocation, RevocationQuery, RevocationStatus, Store, Written
from safeconduct.errors import Unavailable
from safeconduct.stores.expiry import MARGIN_MS, entry_expires_ms
from safeconduct.stores.memory.counters import MemoryCounters
from safeconduct.stores.memory.opaque import MemoryOpaqueTokens
from safeconduct.stores.memory.sessions import MemorySessions

#: How many expired entries a write clears away; as many as the script in Redis does.
PRUNED_AT_ONCE = 100
_INSTANCE_BYTES = 8

_logger = logging.getLogger("safeconduct.stores")
_SEVERAL_PROCESSES = "memory:// in several processes: use redis://, or a session is known to one of them only"


class MemoryStore:
    """
    Keep revocations and counters in this process.

    Args:
        clock: The time in seconds since the epoch.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: What is granted to clocks.
    """

    # Not a dataclass: ``ask`` stands on the warm path and keeps live views of two dictionaries.
    __slots__ = (
        "__weakref__",
        "_clock",
        "_counters",
        "_cut_members",
        "_cuts",
        "_entries",
        "_entry_members",
        "_epoch",
        "_expiries",
        "_held",
        "_horizon_ms",
        "_instance",
        "_is_ended",
        "_is_told",
        "_lock",
        "_pruned_ms",
        "_revoked",
        "_stamped_ms",
        "leeway_ms",
        "opaque_tokens",
        "sessions",
        "version",
    )

    #: What an earlier process knew ended with it.
    known_epochs: Mapping[int, Epoch] = MappingProxyType({})

    def __init__(self, *, clock: Callable[[], float], horizon_ms: int, leeway_ms: int) -> None:
        self._clock, self._horizon_ms, self.leeway_ms = clock, horizon_ms, leeway_ms
        #: Marks and cut-offs alike, until when.  No member is of both kinds.
        self._entries: dict[bytes, int | None] = {}
        self._entry_members = self._entries.keys()
        self._cuts: dict[bytes, int] = {}
        self._cut_members = self._cuts.keys()
        self._expiries: list[tuple[int, bytes]] = []
        self._counters = MemoryCounters()
        self._pruned_ms, self._stamped_ms = -1, 0
        self._is_ended = False
        self.version = object()
        #: The port to the sessions of this process.
        self.sessions = MemorySessions(self)
        #: The port to its opaque tokens.
        self.opaque_tokens = MemoryOpaqueTokens(self)
        self.begin_instance()
        self._epoch = Epoch(self._instance.hex(), self.now_ms(), "new", horizon_ms)
        self._held = RevocationStatus(self._epoch, is_empty=False, is_revoked=False, now_ms=None)
        self._revoked = RevocationStatus(self._epoch, is_empty=False, is_revoked=True, now_ms=None)
        _living.add(self)

    @property
    def instance(self) -> bytes:
        """What the ids of this process's sessions begin with, after their shard."""
        return self._instance

    @property
    def view(self) -> Self:
        """The answers at hand: all of them."""
        return self

    def blocking(self) -> Store:
        """Give the port for WSGI."""
        return self

    def native(self) -> Store:
        """Give the port for ASGI."""
        return self

    async def ask(self, question: RevocationQuery) -> RevocationStatus:
        """Look a credential up."""
        if question.instance is not None:
            self.refuse_foreign(question.instance)
        if not self._entry_members.isdisjoint(question.marks) or question.ends_ms <= self._pruned_ms:
            return self._revoked
        if question.kept is not None and not self.sessions.keeps(question.kept):
            return self._revoked
        if question.reference is not None and not self.opaque_tokens.keeps(question.reference):
            return self._revoked
        if not self._cut_members.isdisjoint(question.cuts) and question.issued_ms <= self.latest_cut_ms(question.cuts):
            return self._revoked
        if self._is_ended:
            raise Unavailable("the store is closed")
        return self._held

    async def ask_all(self, questions: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Leave each to ``ask``, which costs nothing here and may refuse one of them alone."""
        del questions
        return {}

    def holds(self, question: RevocationQuery) -> bool:
        """Say whether the credential counts for certain, without asking anybody."""
        return (
            self._entry_members.isdisjoint(question.marks)
            and self._cut_members.isdisjoint(question.cuts)
            and question.ends_ms > self._pruned_ms
            and (question.instance is None or question.instance == self._instance)
            and (question.kept is None or self.sessions.keeps(question.kept))
            and (question.reference is None or self.opaque_tokens.keeps_on(question.reference))
            and not self._is_ended
        )

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """Return the one epoch that there is: it begins and ends with the process."""
        del shard, reason, seen
        return self._epoch

    async def stamp(self, question: RevocationQuery) -> IssueTime:
        """Find an instant after every cut-off that would meet the new token."""
        with self.alone() as now_ms:
            iat_ms = self.stamp_alone(question.cuts, now_ms)
        return IssueTime(self._epoch, is_empty=False, iat_ms=iat_ms)

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """Write one entry and clear away what has expired; all shards are one here."""
        del shard
        with self.alone() as now_ms:
            before_ms = self.revoke_alone(revocation, now_ms)
        return Written(self._epoch, is_empty=False, before_ms=before_ms)

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count a try everywhere or nowhere."""
        with self.alone() as now_ms:
            return self._counters.count(counters, try_id, now_ms)

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that a try failed."""
        with self.alone():
            self._counters.fail(counters, try_id)

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Take a try out again."""
        with self.alone():
            self._counters.give_back(counters, cleared, try_id)

    async def close(self) -> None:
        """Do nothing: there is no connection to let go of."""

    def end(self) -> None:
        """Answer no more."""
        self._is_ended = True
        self.look_anew()

    def begin_instance(self) -> None:
        """Become another instance, with a lock that nobody holds: in a new process, or a forked one."""
        self._instance = untagged(secrets.token_bytes(_INSTANCE_BYTES))
        self._is_told = False
        self._lock = threading.Lock()
        self.sessions.forget()
        self.opaque_tokens.forget()
        self.look_anew()

    def look_anew(self) -> None:
        """Let every view of this store be looked at anew: something that was kept is gone."""
        self.version = object()

    @property
    def epoch(self) -> Epoch:
        """The one epoch that there is."""
        return self._epoch

    @contextmanager
    def alone(self) -> Generator[int]:
        """
        Hold everybody else off and say what time it is.

        Raises:
            Unavailable: If the store is closed.
        """
        if self._is_ended:
            raise Unavailable("the store is closed")
        with self._lock:
            yield self.now_ms()

    def stamp_alone(self, cuts: Sequence[bytes], now_ms: int) -> int:
        """Find the instant of a new token; whoever calls holds the others off."""
        if self._prune(now_ms):
            self.look_anew()
        iat_ms = max(now_ms, self.latest_cut_ms(cuts) + 1, self._epoch.started_ms + 1)
        self._stamped_ms = max(self._stamped_ms, iat_ms)
        return iat_ms

    def revoke_alone(self, revocation: Revocation, now_ms: int) -> int | None:
        """Write one entry and clear away what has expired; whoever calls holds the others off."""
        self._prune(now_ms)
        self._keep(revocation, now_ms)
        before_ms = None if revocation.is_mark else self._cut(revocation.member, now_ms)
        # After the entry: whoever sees the old version may look too early, and looks again at the new one.
        self.look_anew()
        return before_ms

    def latest_cut_ms(self, cuts: Iterable[bytes]) -> int:
        """Say when the last of these was cut off, -1 for never."""
        return max((self._cuts.get(member, -1) for member in cuts), default=-1)

    def refuse_foreign(self, instance: bytes) -> None:
        """
        Return if *instance* is this one.

        Raises:
            ForeignSession: If it is another process: nobody can say what became of its sessions.
        """
        if instance == self._instance:
            return
        if not self._is_told:
            self._is_told = True
            write_log(_logger, logging.ERROR, _SEVERAL_PROCESSES)
        raise ForeignSession("a session of another process")

    def now_ms(self) -> int:
        """Say what time it is."""
        return int(self._clock() * 1000)

    def _cut(self, member: bytes, now_ms: int) -> int:
        # A token may bear an instant ahead of a clock that stood still or went back, and ends all the same.
        before_ms = max(now_ms, self._stamped_ms, self._cuts.get(member, 0))
        self._cuts[member] = before_ms
        return before_ms

    def _keep(self, revocation: Revocation, now_ms: int) -> None:
        member = revocation.member
        expires_ms = entry_expires_ms(revocation, now_ms=now_ms, horizon_ms=self._horizon_ms, leeway_ms=self.leeway_ms)
        if member in self._entries:
            known_ms = self._entries[member]
            expires_ms = None if known_ms is None or expires_ms is None else max(known_ms, expires_ms)
        self._entries[member] = expires_ms
        if expires_ms is not None:
            heapq.heappush(self._expiries, (expires_ms, member))

    def _prune(self, now_ms: int) -> bool:
        known = len(self._entries)
        for _ in range(PRUNED_AT_ONCE):
            if not self._expiries or self._expiries[0][0] >= now_ms - MARGIN_MS:
                break
            expires_ms, member = heapq.heappop(self._expiries)
            # An entry that was written twice stands in the heap twice, and only its later end counts.
            if self._entries.get(member) == expires_ms:
                # First the bound that refuses what the entry refused, then the entry: readers take no lock.
                self._pruned_ms = max(self._pruned_ms, expires_ms)
                del self._entries[member]
                self._cuts.pop(member, None)
        return len(self._entries) < known


_living: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


def _begin_instances() -> None:  # pragma: no cover - runs in a forked child, which is not measured
    for store in _living:
        store.begin_instance()


os.register_at_fork(after_in_child=_begin_instances)
