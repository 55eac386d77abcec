"""
The store in one process's memory.

One object serves both worlds and every thread.  Readers take no lock: they look into dictionaries that writers change
under one, and each query gets one of two replies made in advance.
"""

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, Self

from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus
from safeconduct._core.store import Counter, IssueTime, Revocation, SingleUse, Store, Used, Written
from safeconduct.errors import Unavailable
from safeconduct.stores.memory.api_keys import MemoryApiKeys
from safeconduct.stores.memory.counters import MemoryCounters
from safeconduct.stores.memory.opaque import MemoryOpaqueTokens
from safeconduct.stores.memory.revocations import MemoryRevocations
from safeconduct.stores.memory.sessions import MemorySessions


class MemoryStore:
    """
    Keep revocations, sessions, opaque tokens, API keys and counters in this process.

    Args:
        clock: The time in seconds since the epoch.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: The leeway granted to clocks.
    """

    # Not a dataclass: ``ask`` is on the warm path and uses live views of two dictionaries.
    __slots__ = (
        "__weakref__",
        "_counters",
        "_cut_keys",
        "_entry_keys",
        "_held",
        "_revocations",
        "_revoked",
        "api_keys",
        "epochs",
        "opaque_tokens",
        "sessions",
        "version",
    )

    #: The version changes when a session or an opaque token is dropped.
    forgets_records = False

    def __init__(self, *, clock: Callable[[], float], horizon_ms: int, leeway_ms: int) -> None:
        self._revocations = MemoryRevocations(
            clock=clock, horizon_ms=horizon_ms, leeway_ms=leeway_ms, on_change=self.renew_version
        )
        self._entry_keys = self._revocations.entries.keys()
        self._cut_keys = self._revocations.cuts.keys()
        self._counters = MemoryCounters()
        self.epochs = Epochs()
        #: The sessions of this process.
        self.sessions = MemorySessions(self._revocations)
        #: Its opaque tokens.
        self.opaque_tokens = MemoryOpaqueTokens(self._revocations, self.ask)
        #: Its API keys.
        self.api_keys = MemoryApiKeys(self._revocations)
        epoch = self._revocations.epoch
        self._held = RevocationStatus(epoch, is_empty=False, is_revoked=False, now_ms=None)
        self._revoked = RevocationStatus(epoch, is_empty=False, is_revoked=True, now_ms=None)
        self.renew_version()
        _living.add(self)

    @property
    def instance(self) -> bytes:
        """What the ids of this process's sessions begin with, after their shard."""
        return self._revocations.instance

    @property
    def view(self) -> Self:
        """The answers at hand, which are all of them."""
        return self

    @property
    def bounded_view(self) -> None:
        """The answers that may be old: there are none."""
        return None

    def blocking(self) -> Store:
        """Return the port for WSGI."""
        return self

    def native(self) -> Store:
        """Return the port for ASGI."""
        return self

    async def ask(self, query: RevocationQuery) -> RevocationStatus:
        """Look a credential up."""
        revocations = self._revocations
        if query.instance is not None:
            revocations.refuse_foreign(query.instance)
        if not self._entry_keys.isdisjoint(query.marks) or query.ends_ms <= revocations.pruned_ms:
            return self._revoked
        if query.required_session is not None and not self.sessions.keeps(query.required_session):
            return self._revoked
        if query.reference is not None and not self.opaque_tokens.keeps(query.reference):
            return self._revoked
        if query.api_key is not None and not self.api_keys.keeps(query.api_key):
            return self._revoked
        is_cut = not self._cut_keys.isdisjoint(query.cuts)
        if is_cut and query.issued_ms <= revocations.latest_cut_ms(query.cuts):
            return self._revoked
        if revocations.is_ended:
            raise Unavailable("the store is closed")
        return self._held

    async def ask_all(self, queries: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Leave each to ``ask``, which costs nothing here and may refuse one of them alone."""
        del queries
        return {}

    def holds(self, query: RevocationQuery) -> bool:
        """Return whether the credential counts for certain, without asking."""
        revocations = self._revocations
        return (
            self._entry_keys.isdisjoint(query.marks)
            and self._cut_keys.isdisjoint(query.cuts)
            and query.ends_ms > revocations.pruned_ms
            and (query.instance is None or query.instance == revocations.instance)
            and (query.required_session is None or self.sessions.keeps(query.required_session))
            and (query.reference is None or self.opaque_tokens.keeps_until_written(query.reference))
            and (query.api_key is None or self.api_keys.keeps(query.api_key))
            and not revocations.is_ended
        )

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """Return the only epoch, which begins and ends with the process."""
        del shard, reason, seen
        return self._revocations.epoch

    async def issue_time(self, query: RevocationQuery) -> IssueTime:
        """Find an instant after every cut-off that would end the new token."""
        with self._revocations.locked() as now_ms:
            iat_ms = self._revocations.issue_time(query.cuts, now_ms)
        return IssueTime(self._revocations.epoch, is_empty=False, iat_ms=iat_ms)

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """Write one entry and remove expired ones; all shards are one here."""
        del shard
        with self._revocations.locked() as now_ms:
            self.api_keys.end(revocation)
            before_ms = self._revocations.revoke(revocation, now_ms)
            if revocation.api_keys is not None and revocation.api_keys.owner:
                # What was asked about a key is looked up by the revocation key of all of its owner's.
                self._revocations.revoke(replace(revocation, key=revocation.api_keys.owner), now_ms)
        return Written(self._revocations.epoch, is_empty=False, before_ms=before_ms)

    async def mark_used(self, use: SingleUse) -> Used:
        """Mark a token as used, unless it was used or revoked before."""
        epoch, revocations = self._revocations.epoch, self._revocations
        with revocations.locked() as now_ms:
            outcome = revocations.use(use, now_ms)
        return Used(epoch, is_empty=False, now_ms=None, outcome=outcome)

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count a try in every counter, or in none."""
        with self._revocations.locked() as now_ms:
            return self._counters.count(counters, try_id, now_ms)

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that a try failed."""
        with self._revocations.locked():
            self._counters.fail(counters, try_id)

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Uncount a try, and the failed ones that it clears."""
        with self._revocations.locked():
            self._counters.give_back(counters, cleared, try_id)

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def end(self) -> None:
        """Refuse every later query."""
        self._revocations.is_ended = True
        self.renew_version()

    def begin_instance(self) -> None:
        """Forget in a forked child the sessions of its parent, which are another process's."""
        self._revocations.begin_instance()
        self.sessions.forget()
        self.opaque_tokens.forget()
        self.api_keys.forget()
        self.renew_version()

    def renew_version(self) -> None:
        """Let everything that was known to count be looked up again."""
        self.version = object()


_living: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


def _begin_instances() -> None:  # pragma: no cover - runs in a forked child, which is not measured
    for store in _living:
        store.begin_instance()


os.register_at_fork(after_in_child=_begin_instances)
