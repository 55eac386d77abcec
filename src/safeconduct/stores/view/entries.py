"""
Revocation keys and their instants in little memory: recent ones in a dictionary, many older ones packed.

Of a packed key six bytes of its digest are kept.  A key is taken for one of a million others with a chance of four in
10^9, so what is found here is confirmed by the store before a credential is refused.
"""

from collections.abc import Callable, Iterable
from typing import Final, Self

from safeconduct.stores.view.packed_table import BITS, DIGEST_BYTES, SPAN, PackedTable
from safeconduct.stores.view.snapshot_table import Page, TableBuilder

UNPACKED_ENTRIES: Final = 10_000
"""So many entries stay in a dictionary, which is faster and takes about two megabytes."""
RECENT_ENTRIES: Final = 2_000
"""Where there are more, so many new ones wait in a dictionary until they are packed."""
#: The letter before the digest names the kind of the thing; it is part of what the digest is made of.
_DIGEST: Final = slice(1, 1 + DIGEST_BYTES)
_PREFIX: Final = slice(1, 4)
_KEPT: Final = slice(3, 1 + DIGEST_BYTES)
_to_number: Final = int.from_bytes


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
    def of(cls, pages: Iterable[Page], *, base: int, pause: Callable[[], None]) -> Self:
        """
        Make entries of a snapshot.

        Args:
            pages: The pages, of which later ones count; their instants are distances from *base*.
            base: The earliest instant that can be told apart.
            pause: Called between short stretches of work, so that other threads run.
        """
        entries, pages, few, count = cls(base=base), iter(pages), list[Page](), 0
        for page in pages:
            few.append(page)
            count += len(page.instants)
            if count > UNPACKED_ENTRIES:
                break
        else:
            for page in few:
                entries._recent |= zip(page.keys, (base + distance for distance in page.instants), strict=True)
            return entries
        builder = TableBuilder(base=base)
        while few:
            builder.add(few.pop(0))
            pause()
        for page in pages:
            # No pause: while the next page is waited for, others run.
            builder.add(page)
        entries._packed = builder.table(pause=pause)
        return entries

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._recent) + (0 if self._packed is None else len(self._packed))

    def get(self, key: bytes) -> int | None:
        """Return the instant of *key*, and None where there is no entry."""
        # In this order: what is no longer among the recent entries is in the table.
        recent = self._recent
        packed = self._packed
        if packed is None:
            return recent.get(key)
        prefix = _to_number(key[_PREFIX])
        # Recent entries have their bits too, so that most look-ups end here.
        if not packed.filter[prefix >> packed.shift] & BITS[prefix & 7]:
            return None
        instant = recent.get(key)
        return packed.find(prefix, key[_KEPT]) if instant is None else instant

    def put(self, key: bytes, instant: int) -> None:
        """Keep *instant* for *key*, unless a later one is there."""
        known = self.get(key)
        if known is None or instant > known:
            self._recent[key] = instant
            if self._packed is not None:
                self._packed.expect(key[_DIGEST])

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
            packed = PackedTable.empty(base=base)
        elif not packed.holds(latest):
            packed = packed.swept(before=before, base=latest - SPAN // 2, pause=pause)
        # By rising instant: of two keys that begin alike the later one counts.
        packed.add({key[_DIGEST]: recent[key] for key in sorted(recent, key=recent.__getitem__)}, pause=pause)
        # The filter was made for fewer, and a look-up that it passes takes longer.
        self._packed = packed.refiltered(pause=pause) if packed.is_crowded else packed
        # After the table: a reader that no longer finds an entry among the recent ones finds it there.
        self._recent = {}

    def sweep(self, *, before: int, pause: Callable[[], None]) -> None:
        """Leave out entries of an instant earlier than *before*."""
        recent = {key: instant for key, instant in self._recent.items() if instant >= before}
        if self._packed is not None:
            packed = self._packed.swept(before=before, base=self._packed.base, pause=pause)
            for key in recent:
                packed.expect(key[_DIGEST])
            self._packed = packed
        self._recent = recent
