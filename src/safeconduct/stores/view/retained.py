"""
Retain revocations in full, so that they can be written again to a store that has lost them.

A view has a part of each digest, of which no entry can be made.  Revoked keys are few, and no epoch refuses what
their holder signs after a loss, so all of them are retained; of the other revocations the latest ones.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from safeconduct._core.revocation_query import REVOCATION_KEY_BYTES
from safeconduct.stores.view.snapshot_table import Page

RECENT_CHANGES: Final = 10_000
"""So many are retained of those that end; they take less than a megabyte."""
ENDLESS: Final = float("inf")
_KEY_LETTER: Final = b"k"
_PACKED: Final = Struct(f">H{REVOCATION_KEY_BYTES}sqd")
_NO_CUT: Final = -1


class Retained(NamedTuple):
    """A revocation, as a store has it."""

    key: bytes
    #: The cut-off, None for what is revoked without one.
    before_ms: int | None
    #: When it may be forgotten; infinite for never.
    expires_s: float


class RetainedRevocations:
    """Retain the revocations of a follower's shards; used by its thread alone."""

    __slots__ = ("_endless", "_recent")

    def __init__(self) -> None:
        self._recent: deque[bytes] = deque(maxlen=RECENT_CHANGES)
        self._endless: dict[int, set[bytes]] = {}

    def add(self, shard: int, revocation: Retained) -> None:
        """Retain a revocation that the store's log told of."""
        key, before_ms, expires_s = revocation
        if before_ms is None and expires_s == ENDLESS:
            self._endless.setdefault(shard, set()).add(key)
        else:
            self._recent.append(_PACKED.pack(shard, key, _NO_CUT if before_ms is None else before_ms, expires_s))

    def add_keys(self, shard: int, keys: Iterable[bytes], *, replaces: bool) -> None:
        """Retain the revoked keys of a snapshot, instead of the earlier ones if it *replaces* them."""
        if replaces:
            # One that is missing was lifted by hand.
            self._endless[shard] = set()
        self._endless.setdefault(shard, set()).update(keys)

    def of(self, shard: int) -> Iterator[Retained]:
        """Yield what is retained of a shard, the latest change of one thing last."""
        for key in self._endless.get(shard, ()):
            yield Retained(key, None, ENDLESS)
        for packed in self._recent:
            of_shard, key, before_ms, expires_s = _PACKED.unpack(packed)
            if of_shard == shard:
                yield Retained(key, None if before_ms == _NO_CUT else before_ms, expires_s)


def revoked_keys(page: Page) -> Iterator[bytes]:
    """Find the revoked keys among a snapshot's entries."""
    letters = page.column(0)
    found = letters.find(_KEY_LETTER)
    while found >= 0:
        yield page.key(found)
        found = letters.find(_KEY_LETTER, found + 1)
