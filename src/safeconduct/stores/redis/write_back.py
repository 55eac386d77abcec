"""
Write revocations that a store has lost to it again, as far as this process knows them.

By then the loss has been noticed, and a ``lost`` epoch refuses what is older than it.  That comes first, because one
process does not know all that others were told was revoked.  What is written back adds what the epoch does not cover: a
revoked key, whose holder chooses any ``iat``, and everything after an operator has adopted the data.

Every process knows about the same, so one of them writes, under a lease in the store, and the others compare what
arrives with what they know.  They write what is missing once the lease has ended.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, Protocol

from safeconduct.errors import Unavailable
from safeconduct.events import Event, RevocationsRestored
from safeconduct.stores.view.local_view import LocalView
from safeconduct.stores.view.retained import Retained

LEASE_SECONDS: Final = 5.0
#: A script with so many keeps the server for about a millisecond.
_WRITTEN_AT_ONCE: Final = 200


class LossyStore(Protocol):
    """Writes revocations to a store again that has lost them; raises ``Unavailable`` where it cannot."""

    def lease(self, shard: int, lasts_ms: int) -> bool:
        """Take the lease for writing to *shard*; False if another process has it."""
        ...

    def write_back(self, shard: int, revocations: Sequence[Retained]) -> int:
        """Write *revocations* to *shard*, and return how many of them it lacked."""
        ...


class WriteBack:
    """
    Hold what the store lacks, and write it; used by a follower's thread alone.

    Args:
        view: Refuses what a revoked key has signed, until the store has the mark again.
        announce: Tells the listeners.
        monotonic: A clock that never goes back, in seconds.
    """

    __slots__ = ("_announce", "_due_at", "_missing", "_monotonic", "_view")

    def __init__(self, view: LocalView, *, announce: Callable[[Event], None], monotonic: Callable[[], float]) -> None:
        self._view = view
        self._announce = announce
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Begin anew in a new process, or a forked one."""
        self._missing: dict[int, dict[bytes, Retained]] = {}
        self._due_at: dict[int, float] = {}

    def miss(self, shard: int, revocations: Iterable[Retained]) -> None:
        """Note what a store that has lost data lacks, instead of what it lacked before."""
        missing: dict[bytes, Retained] = {}
        for each in revocations:
            missing[each.key] = each if each.key not in missing else _merged(missing[each.key], each)
        self._missing[shard] = missing
        self._due_at[shard] = self._monotonic()
        self._tell_view(shard)

    def arrived(self, shard: int, key: bytes) -> None:
        """Note that the store has a revocation, which another process may have written."""
        missing = self._missing.get(shard)
        if missing and missing.pop(key, None) is not None:
            self._tell_view(shard)

    def write(self, store: LossyStore) -> None:
        """Write what is missing in the shards whose turn it is; what fails is tried again later."""
        now = self._monotonic()
        for shard in [shard for shard, due_at in self._due_at.items() if due_at <= now]:
            if not self._missing[shard]:
                del self._due_at[shard]
                continue
            # Where the lease is another's, or writing fails.  Not all of the others come back at once.
            self._due_at[shard] = now + LEASE_SECONDS * (1 + random.random())  # noqa: S311 - no secret
            try:
                if store.lease(shard, int(LEASE_SECONDS * 1000)):
                    self._write(store, shard)
            except Unavailable:
                # The client has announced why, and reading may go on where writing is refused.
                continue

    def _write(self, store: LossyStore, shard: int) -> None:
        missing, written = self._missing[shard], 0
        while missing:
            some = list(islice(missing.values(), _WRITTEN_AT_ONCE))
            written += store.write_back(shard, some)
            for each in some:
                del missing[each.key]
        self._tell_view(shard)
        self._announce(RevocationsRestored(shard=shard, revocations=written))

    def _tell_view(self, shard: int) -> None:
        missing = self._missing[shard].values()
        self._view.miss(shard, frozenset(each.key for each in missing if each.before_ms is None))


def _merged(first: Retained, second: Retained) -> Retained:
    before_ms = None if first.before_ms is None else max(first.before_ms, second.before_ms or 0)
    return Retained(first.key, before_ms, max(first.expires_s, second.expires_s))
