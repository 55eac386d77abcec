r"""
Read a reply of many pairs of strings without parsing each string.

A million revocations are two million strings, for which redis-py's parser takes several seconds.  Almost all pairs have
the same two sizes, and then everything between them is the same too, and a pair begins every so many bytes::

    *8000\r\n  $17\r\n<17 bytes>\r\n$13\r\n<13 bytes>\r\n  $17\r\n<17 bytes>\r\n$13\r\n<13 bytes>\r\n  …

Any other reply is left to redis-py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_END: Final = b"\r\n"
#: A line of a reply with a number is shorter.
_LONGEST_LINE: Final = 24


class PairsCommand(tuple[bytes | str | int, ...]):
    """A command whose reply may be ``Pairs``; otherwise it is what any command's would be."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Pairs:
    """
    A reply of at least one pair, all of whose first strings have one size, and all of whose second ones have one.

    Attributes:
        octets: The reply.
        begin: Where the first pair begins, with the line before its first string.
        count: How many pairs there are.
        first_size: How long every first string is.
        second_size: How long every second string is.
    """

    octets: bytes
    begin: int
    count: int
    first_size: int
    second_size: int

    @property
    def first_at(self) -> int:
        """Where the first string of a pair begins, from the pair's begin."""
        return len(b"$%d\r\n" % self.first_size)

    @property
    def second_at(self) -> int:
        """Where the second string of a pair begins, from the pair's begin."""
        return self.first_at + self.first_size + len(b"\r\n$%d\r\n" % self.second_size)

    @property
    def stride(self) -> int:
        """How far it is from one pair to the next."""
        return self.second_at + self.second_size + len(_END)

    @property
    def end(self) -> int:
        """Where the last pair ends."""
        return self.begin + self.count * self.stride


class _OtherShape(Exception):
    """The reply is not one of equal pairs."""


def read_pairs(receive: Callable[[], bytes]) -> tuple[Pairs | None, bytes]:
    """
    Read a reply to a command that was sent alone.

    Args:
        receive: Waits for more bytes.  It is called only if the reply is certain to have more.

    Returns:
        The pairs, None if the reply has another shape; and the bytes that were received.
    """
    octets, pairs, checked = bytearray(), None, 0
    try:
        while pairs is None or len(octets) < pairs.end:
            octets += receive()
            if pairs is None:
                pairs = _first_pair(octets)
            if pairs is not None:
                # Before more is waited for: a shorter pair may have been the end.
                checked = _check(octets, pairs, checked)
    except _OtherShape:
        return None, bytes(octets)
    if len(octets) != pairs.end:
        return None, bytes(octets)
    received = bytes(octets)
    return Pairs(received, pairs.begin, pairs.count, pairs.first_size, pairs.second_size), received


def _first_pair(octets: bytearray) -> Pairs | None:
    """Return how the first pair looks, None if it has not arrived whole."""
    strings, begin = _number(octets, 0, b"*")
    if begin == 0:
        return None
    if strings == 0 or strings % 2:
        raise _OtherShape
    first_size, first = _number(octets, begin, b"$")
    if first == 0:
        return None
    second_size, second = _number(octets, first + first_size + len(_END), b"$")
    return None if second == 0 else Pairs(b"", begin, strings // 2, first_size, second_size)


def _number(octets: bytearray, begin: int, mark: bytes) -> tuple[int, int]:
    """Read a line with a number; return it and where the next line begins, 0 if it has not arrived whole."""
    end = octets.find(_END, begin, begin + _LONGEST_LINE)
    line = bytes(octets[begin : end if end >= 0 else begin + _LONGEST_LINE])
    if line[:1] not in {mark, b""} or (end >= 0 and not line[1:].isdigit()) or len(line) == _LONGEST_LINE:
        raise _OtherShape
    return (int(line[1:]), end + len(_END)) if end >= 0 else (0, 0)


def _check(octets: bytearray, pairs: Pairs, checked: int) -> int:
    """Check what stands between the strings of all but the first *checked* pairs; return how many are complete."""
    begin, stride = pairs.begin + checked * pairs.stride, pairs.stride
    lines = (
        (0, b"$%d\r\n" % pairs.first_size),
        (pairs.first_at + pairs.first_size, b"\r\n$%d\r\n" % pairs.second_size),
        (stride - len(_END), _END),
    )
    for at, line in lines:
        for number in range(len(line)):
            column = bytes(octets[begin + at + number : pairs.end : stride])
            if column != line[number : number + 1] * len(column):
                raise _OtherShape
    return (min(len(octets), pairs.end) - pairs.begin) // stride
