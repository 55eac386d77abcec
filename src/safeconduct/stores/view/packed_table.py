"""
A table from digests to instants that takes about nine bytes an entry; a dictionary takes about two hundred.

The entries are grouped by the first two bytes of their digest, and sixteen chunks contain 4,096 groups each.  A chunk
is one block of memory that goes back to the system as a whole.  A group in it is the other four bytes of each of its
digests, then an instant of four bytes for each.  An array of offsets says where each group begins.

A chunk never changes, and is replaced by one assignment, so that readers need no lock.  In front of the chunks there is
a filter, whose bits are only ever set: most of what is not in the table has none there, and is not looked for.
"""

import mmap
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import sub
from typing import Any, Final, Self

DIGEST_BYTES: Final = 6
"""How much of a digest is kept: two bytes by the group, and four."""
SPAN: Final = 1 << 32
"""How many units after its base a table's instants end."""
INSTANT_BYTES: Final = 4
BITS: Final = bytes(1 << (number & 7) for number in range(256))
"""The bit of the filter that a number's last three bits select."""
CHUNKS: Final = 16
GROUPS: Final = 1 << 16
_KEPT: Final = slice(2, DIGEST_BYTES)
_KEPT_BYTES: Final = DIGEST_BYTES - 2
_ENTRY_BYTES: Final = _KEPT_BYTES + INSTANT_BYTES
_GROUPS_OF_CHUNK: Final = GROUPS // CHUNKS
_GROUPS_BETWEEN_PAUSES: Final = 512
_ENTRIES_BETWEEN_PAUSES: Final = 500
#: An entry has between six and twelve bits of the filter, of 2^14 to 2^24.
_FILTER_BITS: Final = range(14, 25)
_BITS_OF_ENTRY: Final = 6
#: Forked processes must not share what either of them writes; Windows has no such flag, and no fork.
_PRIVATE: Final[dict[str, Any]] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The groups of the digests with the same first four bits."""

    #: Where each group begins in *octets*, and the last one ends.
    offsets: "array[int]"
    #: Of each group four bytes of every digest, and then the instants, as distances from *base*.
    octets: mmap.mmap
    #: The same, four bytes at a time.
    numbers: memoryview
    #: The earliest instant that can be told apart.
    base: int

    @classmethod
    def of(cls, base: int, size: int, pieces: Iterable[bytes], sizes: Iterable[int]) -> Self:
        """
        Make a chunk.

        Args:
            base: What the instants are distances from.
            size: How many bytes all groups have together.
            pieces: These bytes; they are copied one by one, so that they need not be in memory twice.
            sizes: How many bytes each group has; read after the last piece.
        """
        octets, begin = private_memory(size), 0
        for piece in pieces:
            end = begin + len(piece)
            octets[begin:end] = piece
            begin = end
        return cls(array("I", accumulate(sizes, initial=0)), octets, memoryview(octets)[:size].cast("I"), base)

    @property
    def entries(self) -> int:
        """How many there are; a digest that was added twice has two until the table is swept."""
        return len(self.numbers) // 2

    def digests_of(self, group: int) -> bytes:
        """Return the digests of a group."""
        begin, end = self.offsets[group], self.offsets[group + 1]
        return self.octets[begin : (begin + end) // 2]

    def instants_of(self, group: int) -> memoryview:
        """Return the distances of a group's instants."""
        begin, end = self.offsets[group], self.offsets[group + 1]
        return self.numbers[(begin + end) // 8 : end // 4]


class PackedTable:
    """
    Map digests to instants.  One thread writes; any number may look up without a lock.

    Attributes:
        filter: Bits by the first three bytes of a digest: ``filter[those >> shift] & BITS[those & 7]``.
        shift: How many of these bits choose none of the filter's bytes.

    Args:
        chunks: The entries.
        pause: Called between short stretches of work, so that other threads run.
    """

    __slots__ = ("_chunks", "filter", "shift")

    def __init__(self, chunks: list[Chunk], *, pause: Callable[[], None]) -> None:
        self._chunks = chunks
        wanted = (_BITS_OF_ENTRY * len(self)).bit_length()
        bits = min(max(wanted, _FILTER_BITS.start), _FILTER_BITS[-1])
        self.filter = private_memory(1 << (bits - 3))
        self.shift = 24 - bits + 3
        for number, chunk in enumerate(chunks):
            if chunk.entries:
                self._mark_chunk(number, chunk, pause)

    @classmethod
    def empty(cls, *, base: int) -> Self:
        """Return a table without entries, whose instants begin at *base*."""
        return cls([_empty(base) for _ in range(CHUNKS)], pause=_go_on)

    def __len__(self) -> int:
        """Return the number of entries; a digest that was added twice has two until the table is swept."""
        return sum(chunk.entries for chunk in self._chunks)

    @property
    def base(self) -> int:
        """The earliest instant that all of the table can tell apart; an earlier one is kept as this."""
        return max(chunk.base for chunk in self._chunks)

    @property
    def size_bytes(self) -> int:
        """How much memory the entries, the offsets and the filter take."""
        offsets = sum(len(chunk.offsets) * chunk.offsets.itemsize for chunk in self._chunks)
        return sum(len(chunk.octets) for chunk in self._chunks) + offsets + len(self.filter)

    @property
    def is_crowded(self) -> bool:
        """Whether the filter has too few bits for the entries that were added to the table."""
        return len(self.filter) * 8 < min(_BITS_OF_ENTRY * len(self), 1 << _FILTER_BITS[-1])

    def get(self, digest: bytes) -> int | None:
        """Return the instant of *digest*, the one added last; None if there is no entry."""
        return self.find(int.from_bytes(digest[:3]), digest[_KEPT])

    def find(self, prefix: int, kept: bytes) -> int | None:
        """
        Return the instant of a digest, the one added last; None if there is no entry.

        Args:
            prefix: The first three bytes of the digest.
            kept: The four bytes from the third one on.
        """
        chunk = self._chunks[prefix >> 20]
        octets, group = chunk.octets, prefix >> 8 & 4095
        begin = chunk.offsets[group]
        half = chunk.offsets[group + 1] - begin >> 1
        found = octets.find(kept, begin, begin + half)
        # Found at another offset, the bytes belong to two entries.
        while found & 3 and found > 0:
            found = octets.find(kept, found + 1, begin + half)
        return None if found < 0 else chunk.base + chunk.numbers[found + half >> 2]

    def holds(self, instant: int) -> bool:
        """Say whether *instant* is before the end of what the table can hold."""
        return instant < min(chunk.base for chunk in self._chunks) + SPAN

    def expect(self, digest: bytes) -> None:
        """Let the filter pass *digest*, which is about to be added."""
        prefix = int.from_bytes(digest[:3])
        self.filter[prefix >> self.shift] |= BITS[prefix & 7]

    def add(self, added: Mapping[bytes, int], *, pause: Callable[[], None]) -> None:
        """
        Add entries.

        Args:
            added: Instants by digests, none of them past the end of what the table ``holds``.
            pause: Called between short stretches of work, so that other threads run.
        """
        news: list[dict[int, dict[bytes, int]]] = [{} for _ in range(CHUNKS)]
        for done, (digest, instant) in enumerate(added.items()):
            if done % _ENTRIES_BETWEEN_PAUSES == 0:
                pause()
            self.expect(digest)
            number = digest[0] << 8 | digest[1]
            news[number >> 12].setdefault(number & 4095, {})[digest[_KEPT]] = instant
        for number, groups in enumerate(news):
            if groups:
                self._chunks[number] = _extended(self._chunks[number], groups)
                pause()

    def swept(self, *, before: int, base: int, pause: Callable[[], None]) -> Self:
        """
        Leave out what is no longer needed, and return a table with a filter for the rest.

        Each digest has one entry afterwards.

        Args:
            before: Entries of an earlier instant are left out.
            base: The earliest instant that can be told apart afterwards.
            pause: Called between short stretches of work, so that other threads run.
        """
        for number, chunk in enumerate(self._chunks):
            self._chunks[number] = _swept(chunk, before, base, pause)
        return self.refiltered(pause=pause)

    def refiltered(self, *, pause: Callable[[], None]) -> Self:
        """Return a table of the same entries with a filter of the right size."""
        return type(self)(self._chunks, pause=pause)

    def _mark_chunk(self, number: int, chunk: Chunk, pause: Callable[[], None]) -> None:
        octets, begin, bits, shift = chunk.octets, 0, self.filter, self.shift
        for group, end in enumerate(chunk.offsets[1:]):
            prefix = (number * _GROUPS_OF_CHUNK + group) << 8
            for third in octets[begin : (begin + end) >> 1 : _KEPT_BYTES]:
                bits[(prefix | third) >> shift] |= BITS[third]
            begin = end
            if group % _GROUPS_BETWEEN_PAUSES == 0:
                pause()


def private_memory(size: int) -> mmap.mmap:
    """Return *size* bytes, at least one, that go back to the system once nothing refers to them."""
    return mmap.mmap(-1, max(size, 1), **_PRIVATE)


def _empty(base: int) -> Chunk:
    return Chunk.of(base, 0, (), [0] * _GROUPS_OF_CHUNK)


def _extended(chunk: Chunk, added: Mapping[int, Mapping[bytes, int]]) -> Chunk:
    """Return a chunk with more entries, in front of the others of their groups, so that they are found first."""
    offsets, octets = chunk.offsets, chunk.octets
    sizes = array("I", map(sub, offsets[1:], offsets))
    pieces: list[bytes] = []
    copied = 0
    for group in sorted(added):
        begin, end, entries = offsets[group], offsets[group + 1], added[group]
        middle = (begin + end) // 2
        distances = array("I", [max(instant - chunk.base, 0) for instant in entries.values()])
        pieces += (octets[copied:begin], *entries, octets[begin:middle], distances.tobytes(), octets[middle:end])
        sizes[group] += _ENTRY_BYTES * len(entries)
        copied = end
    pieces.append(octets[copied : offsets[-1]])
    return Chunk.of(chunk.base, sum(sizes), pieces, sizes)


def _swept(chunk: Chunk, before: int, base: int, pause: Callable[[], None]) -> Chunk:
    if not chunk.entries:
        return _empty(base)
    groups: list[bytes] = []
    shift = chunk.base - base
    for group in range(_GROUPS_OF_CHUNK):
        octets = chunk.digests_of(group)
        digests = [octets[begin : begin + _KEPT_BYTES] for begin in range(0, len(octets), _KEPT_BYTES)]
        # Backwards: of two entries of a digest the one in front counts.
        known = dict(zip(reversed(digests), reversed(chunk.instants_of(group)), strict=True))
        kept = {digest: instant + shift for digest, instant in known.items() if instant + chunk.base >= before}
        groups.append(b"".join(kept) + array("I", [max(instant, 0) for instant in kept.values()]).tobytes())
        if group % (_GROUPS_BETWEEN_PAUSES // 4) == 0:
            pause()
    return Chunk.of(base, sum(map(len, groups)), groups, map(len, groups))


def _go_on() -> None:
    """Let nobody else run: there is little to do."""
