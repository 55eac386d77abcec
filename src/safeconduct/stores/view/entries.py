"""
Revocation keys and their instants in little memory: recent ones in a dictionary, many older ones packed.

Of a key seven bytes of its digest are kept.  Two keys are taken for one with a chance of one in 10^16 for each entry,
so what is found here is confirmed by the store before a credential is refused.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from struct import Struct
from typing import Final, Self

from safeconduct.stores.view.packed_table import DIGEST_BYTES, RECORD_BYTES, SPAN, PackedTable

UNPACKED_ENTRIES: Final = 10_000
"""So many entries stay in a dictionary, which is faster and takes about two megabytes."""
RECENT_ENTRIES: Final = 2_000
"""Where there are more, so many new ones wait in a dictionary until they are packed."""
#: The letter before the digest names the kind of the thing; it is part of what the digest is made of.
_DIGEST: Final = slice(1, 1 + DIGEST_BYTES)
_RECORD: Final = Struct(">x7s9x13s")


class Entries:
    """
    Map revocation keys to instants.  One thread writes; any number may call ``get`` without a lock.

    Args:
        base: The earliest instant that can be told apart, in the unit of the caller.
    """

    __slots__ = ("_base", "_packed", "_recent")

    def __init__(self, *, base: int) -> None:
        self._base = base
        self._recent: dict[bytes, int] = {}
        self._packed: PackedTable | None = None

    @classmethod
    def of(cls, records: Iterable[bytes], *, base: int, pause: Callable[[], None]) -> Self:
        """
        Make entries of a snapshot.

        Args:
            records: Any number of entries each, of ``RECORD_BYTES``.
            base: The earliest instant that can be told apart.
            pause: Called between short stretches of work, so that other threads run.
        """
        entries, records = cls(base=base), tuple(records)
        if sum(map(len, records)) > UNPACKED_ENTRIES * RECORD_BYTES:
            entries._packed = PackedTable.of(records, base=base, pause=pause)
        else:
            pairs = chain.from_iterable(map(_RECORD.iter_unpack, records))
            entries._recent = {digest: min(int(digits), base + SPAN - 1) for digest, digits in pairs}
        return entries

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._recent) + (0 if self._packed is None else len(self._packed))

    def get(self, key: bytes) -> int | None:
        """Return the instant of *key*, and None where there is no entry."""
        digest = key[_DIGEST]
        instant = self._recent.get(digest)
        if instant is None and self._packed is not None:
            return self._packed.get(digest)
        return instant

    def put(self, key: bytes, instant: int) -> None:
        """Keep *instant* for *key*, unless a later one is there."""
        known = self.get(key)
        if known is None or instant > known:
            self._recent[key[_DIGEST]] = instant

    @property
    def is_due(self) -> bool:
        """Whether the recent entries are many enough to be packed."""
        return len(self._recent) > (UNPACKED_ENTRIES if self._packed is None else RECENT_ENTRIES)

    def pack(self, *, before: int, pause: Callable[[], None]) -> None:
        """
        Pack the recent entries.

        Args:
            before: Where all are gone through, those of an earlier instant are left out.
            pause: Called between short stretches of work, so that other threads run.
        """
        recent, packed = self._recent, self._packed
        latest = max(recent.values(), default=self._base)
        if packed is None:
            base = self._base if latest < self._base + SPAN else latest - SPAN // 2
            packed = PackedTable.of((), base=base, pause=pause)
        elif not packed.holds(latest):
            packed = packed.swept(before=before, base=latest - SPAN // 2, pause=pause)
        # In this order: a reader that no longer finds an entry among the recent ones finds it in the table.
        self._packed = packed.merged(recent, pause=pause)
        self._recent = {}

    def sweep(self, *, before: int, pause: Callable[[], None]) -> None:
        """Leave out entries of an instant earlier than *before*."""
        if self._packed is not None:
            self._packed = self._packed.swept(before=before, base=self._packed.base, pause=pause)
        self._recent = {digest: instant for digest, instant in self._recent.items() if instant >= before}
