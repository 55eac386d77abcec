"""
A table from digests to instants that takes nine bytes an entry; a dictionary takes about two hundred.

The entries stand in one ``bytes`` object, grouped by the first two bytes of their digest, and an array of offsets says
where each of the 65,536 groups begins.  An entry is the other five bytes of the digest and an instant of four bytes.

A table never changes: ``merged`` and ``swept`` return new ones, so readers of the old one need no lock.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final, Self

DIGEST_BYTES: Final = 7
"""How long every digest is."""
SPAN: Final = 1 << 32
"""How many units after its base a table's instants end."""
RECORD_BYTES: Final = 30
"""How long an entry of a snapshot is: a letter, sixteen bytes of a digest, and thirteen digits of an instant."""
_PREFIX_BYTES: Final = 2
_GROUPS: Final = 1 << (8 * _PREFIX_BYTES)
_RECORD: Final = Struct(">xH5s9x13s")
_ENTRY: Final = Struct(">5sI")
_KEPT_BYTES: Final = DIGEST_BYTES - _PREFIX_BYTES
_ENTRY_BYTES: Final = _ENTRY.size
_GROUPS_BETWEEN_PAUSES: Final = 256


@dataclass(frozen=True, slots=True)
class PackedTable:
    """
    Map digests to instants.

    Attributes:
        base: The earliest instant that the table can hold, in the unit of the caller; an earlier one is kept as this.
    """

    base: int
    _offsets: "array[int]"
    _entries: bytes

    @classmethod
    def of(cls, records: Iterable[bytes], *, base: int, pause: Callable[[], None]) -> Self:
        """Build a table of *records*, each of which is any number of a snapshot's entries; later ones count."""
        groups = [bytearray() for _ in range(_GROUPS)]
        pack = _ENTRY.pack
        for some in records:
            for group, kept, digits in _RECORD.iter_unpack(some):
                groups[group] += pack(kept, min(max(int(digits) - base, 0), SPAN - 1))
            pause()
        return cls(base, _offsets(map(len, groups)), b"".join(groups))

    def __len__(self) -> int:
        """Return the number of entries; a digest that was added twice has two until ``swept``."""
        return len(self._entries) // _ENTRY_BYTES

    @property
    def size_bytes(self) -> int:
        """How much memory the entries and the offsets take."""
        return len(self._entries) + len(self._offsets) * self._offsets.itemsize

    def get(self, digest: bytes) -> int | None:
        """Return the instant of *digest*, the one added last; None if there is no entry."""
        group = digest[0] << 8 | digest[1]
        begin, end = self._offsets[group], self._offsets[group + 1]
        entries, kept = self._entries, digest[_PREFIX_BYTES:]
        latest, found = None, entries.find(kept, begin, end)
        while found >= 0:
            # Found at another offset, the bytes belong to two entries.
            if (found - begin) % _ENTRY_BYTES == 0:
                latest = self.base + int.from_bytes(entries[found + _KEPT_BYTES : found + _ENTRY_BYTES])
            found = entries.find(kept, found + 1, end)
        return latest

    def holds(self, instant: int) -> bool:
        """Say whether *instant* is before the end of what the table can hold."""
        return instant < self.base + SPAN

    def merged(self, added: Mapping[bytes, int], *, pause: Callable[[], None]) -> Self:
        """
        Return a table of these entries and *added*.

        Args:
            added: Instants by digests, none of them past the end of what the table ``holds``.
            pause: Called between short stretches of work, so that other threads run.
        """
        news: dict[int, list[bytes]] = {}
        for digest, instant in added.items():
            entry = _ENTRY.pack(digest[_PREFIX_BYTES:], max(instant - self.base, 0))
            news.setdefault(digest[0] << 8 | digest[1], []).append(entry)
        pieces: list[bytes] = []
        offsets, growth, copied, first = array("I"), 0, 0, 0
        for done, group in enumerate(sorted(news)):
            offsets.extend([offset + growth for offset in self._offsets[first : group + 1]])
            # Behind those of the same digest, so that it is the one that counts.
            end = self._offsets[group + 1]
            pieces += (self._entries[copied:end], *news[group])
            first, copied, growth = group + 1, end, growth + _ENTRY_BYTES * len(news[group])
            if done % _GROUPS_BETWEEN_PAUSES == 0:
                pause()
        offsets.extend([offset + growth for offset in self._offsets[first:]])
        pieces.append(self._entries[copied:])
        return type(self)(self.base, offsets, b"".join(pieces))

    def swept(self, *, before: int, base: int, pause: Callable[[], None]) -> Self:
        """
        Return a table with one entry for each digest and without those that are no longer needed.

        Args:
            before: Entries of an earlier instant are left out.
            base: The earliest instant that the new table can hold.
            pause: Called between short stretches of work, so that other threads run.
        """
        pieces: list[bytes] = []
        shift = self.base - base
        for group in range(_GROUPS):
            begin, end = self._offsets[group], self._offsets[group + 1]
            entries = dict(_ENTRY.iter_unpack(self._entries[begin:end])) if begin < end else {}
            kept = [(digest, instant + shift) for digest, instant in entries.items() if instant + self.base >= before]
            pieces.append(b"".join([_ENTRY.pack(digest, max(instant, 0)) for digest, instant in kept]))
            if group % _GROUPS_BETWEEN_PAUSES == 0:
                pause()
        return type(self)(base, _offsets(map(len, pieces)), b"".join(pieces))


def _offsets(sizes: Iterable[int]) -> "array[int]":
    offsets, end = array("I", (0,)), 0
    for size in sizes:
        end += size
        offsets.append(end)
    return offsets
