"""
Build a packed table of a snapshot's pages, whatever their number, without more memory than the table takes.

A page is taken apart by columns, because a step of Python for each entry is what the time goes into: there is one that
sorts an entry by the first byte of its digest, one by the second, and one for the filter.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from struct import Struct
from typing import Final

from safeconduct._core.revocation_query import REVOCATION_KEY_BYTES
from safeconduct.stores.view.packed_table import CHUNKS, DIGEST_BYTES, INSTANT_BYTES, Chunk, PackedTable, private_memory

_FIRST_BYTES: Final = 256
_PARTS_BETWEEN_PAUSES: Final = 4
#: So many entries are sorted before each part gets its own.
_WAITING_ENTRIES: Final = 10_000
_ROW: Final = Struct(f"B{DIGEST_BYTES + INSTANT_BYTES - 1}s")
_LATER: Final = Struct(f"B{DIGEST_BYTES + INSTANT_BYTES - 2}s")


@dataclass(frozen=True, slots=True)
class Page:
    """
    Some entries of a snapshot.

    Attributes:
        octets: Contains a key every *stride* bytes.
        begin: Where the first key begins.
        stride: How far it is from one key to the next.
        instants: The instants of the keys, as distances from a base, by rising value.
    """

    octets: bytes
    begin: int
    stride: int
    instants: "array[int]"

    @property
    def keys(self) -> list[bytes]:
        """The keys, one by one."""
        begins = range(self.begin, self.begin + len(self.instants) * self.stride, self.stride)
        return [self.octets[begin : begin + REVOCATION_KEY_BYTES] for begin in begins]

    def key(self, number: int) -> bytes:
        """Return one key."""
        begin = self.begin + number * self.stride
        return self.octets[begin : begin + REVOCATION_KEY_BYTES]

    def column(self, number: int) -> bytes:
        """Return the byte at *number* of every key."""
        end = self.begin + len(self.instants) * self.stride
        return self.octets[self.begin + number : end : self.stride]


class TableBuilder:
    """
    Collect pages, of which later ones count.

    Args:
        base: What the instants of the pages are distances from.
    """

    __slots__ = ("_base", "_parts", "_waiting", "_waiting_entries")

    def __init__(self, *, base: int) -> None:
        self._base = base
        self._waiting = [bytearray() for _ in range(_FIRST_BYTES)]
        self._waiting_entries = 0
        self._parts = [_GrowingMemory() for _ in range(_FIRST_BYTES)]

    def add(self, page: Page) -> None:
        """Add the entries of *page*."""
        width = _ROW.size
        rows = bytearray(width * len(page.instants))
        for number in range(DIGEST_BYTES):
            # The letter before the digest is part of what the digest is made of.
            rows[number::width] = page.column(number + 1)
        instants = page.instants.tobytes()
        for number in range(INSTANT_BYTES):
            rows[DIGEST_BYTES + number :: width] = instants[number::INSTANT_BYTES]
        parts = self._waiting
        for first, rest in _ROW.iter_unpack(rows):
            parts[first] += rest
        self._waiting_entries += len(page.instants)
        if self._waiting_entries > _WAITING_ENTRIES:
            self._flush()

    def table(self, *, pause: Callable[[], None]) -> PackedTable:
        """
        Return the table, and forget the pages.

        Args:
            pause: Called between short stretches of work, so that other threads run.
        """
        self._flush()
        return PackedTable([self._chunk(pause) for _ in range(CHUNKS)], pause=pause)

    def _flush(self) -> None:
        for part, waiting in zip(self._parts, self._waiting, strict=True):
            part.append(waiting)
            waiting.clear()
        self._waiting_entries = 0

    def _chunk(self, pause: Callable[[], None]) -> Chunk:
        count = _FIRST_BYTES // CHUNKS
        parts, self._parts = self._parts[:count], self._parts[count:]
        entries = sum(part.size for part in parts) // _LATER.size
        sizes: list[int] = []
        return Chunk.of(self._base, entries * (_LATER.size - 1), _grouped(parts, sizes, pause), sizes)


def _grouped(parts: "Iterable[_GrowingMemory]", sizes: list[int], pause: Callable[[], None]) -> Iterator[bytes]:
    """Yield each part's entries, group by group, and add each group's size to *sizes*."""
    for done, part in enumerate(parts):
        groups = [b""] * _FIRST_BYTES
        for second, entry in _LATER.iter_unpack(part.pop()):
            # In front, so that the latest of the same digest is found first.
            groups[second] = entry + groups[second]
        sizes += map(len, groups)
        numbers = map(array, repeat("I"), groups)
        yield b"".join([(some[::2] + some[1::2]).tobytes() for some in numbers])
        if done % _PARTS_BETWEEN_PAUSES == 0:
            pause()


class _GrowingMemory:
    """Bytes that go back to the system once they were read; a ``bytearray`` may leave a hole instead."""

    __slots__ = ("_memory", "size")

    def __init__(self) -> None:
        self._memory = private_memory(1)
        self.size = 0

    def append(self, some: bytearray) -> None:
        end = self.size + len(some)
        if end > len(self._memory):
            # What was not written to takes no memory yet.
            memory = private_memory(2 * end)
            memory[: self.size] = self._memory[: self.size]
            self._memory = memory
        self._memory[self.size : end] = some
        self.size = end

    def pop(self) -> bytes:
        octets = self._memory[: self.size]
        self._memory.close()
        return octets
