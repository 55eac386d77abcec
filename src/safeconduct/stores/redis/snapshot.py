"""
Read all revocations of a shard, page by page.

A page goes on from the last score of the one before it.  Scores only grow, and only what has ended is forgotten, so
that nothing is missed; what is met twice has the later score the second time.

A page is a plain command: a script that joins the entries into one string keeps the server ten times as long.
"""

import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final

from safeconduct._core.revocation_query import REVOCATION_KEY_BYTES
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.pairs import Pairs, PairsCommand
from safeconduct.stores.redis.shard_calls import malformed_reply
from safeconduct.stores.view.packed_table import SPAN
from safeconduct.stores.view.snapshot_table import Page

#: A page keeps the server for less than a millisecond.
PAGE_ENTRIES: Final = 2_000
#: How long a server may take for what it does not wait for.
REPLY_SECONDS: Final = 2.0
_LANE_BYTES: Final = 4


def read_pages(send: Callable[[PairsCommand], Reply], key: bytes, letters: bytes, *, base: int) -> Iterator[Page]:
    """
    Read all of a sorted set whose kinds have one of *letters*, all if there are none.

    Args:
        send: Sends a command to the server and returns its reply, or raises ``Unavailable``.
        key: The sorted set, ``rev`` or ``cut`` of a shard.
        letters: The letters of the kinds.
        base: What the instants of the pages are distances from; an earlier score counts as this.

    Raises:
        Unavailable: If the server does not answer.
    """
    lowest, limit, read = b"-inf", PAGE_ENTRIES, b""
    while True:
        reply = send(PairsCommand(("ZRANGEBYSCORE", key, lowest, "+inf", "WITHSCORES", "LIMIT", 0, limit)))
        match reply:
            case Pairs():
                found: _Found = _UniformPairs(reply)
            case [*strings] if all(isinstance(each, bytes) for each in strings) and len(strings) % 2 == 0:
                found = _AnyPairs(strings[::2], strings[1::2])
            case _:
                raise malformed_reply()
        page = found.without(read).page(letters, base)
        if page.instants:
            yield page
        if found.count < limit:
            return
        # Many of one score fill a page without an end.
        limit = limit * 2 if found.last == lowest else PAGE_ENTRIES
        lowest, read = found.last, found.of_last_score


@dataclass(frozen=True, slots=True)
class _UniformPairs:
    """The entries of a page whose keys and scores have one size each."""

    pairs: Pairs

    @property
    def count(self) -> int:
        return self.pairs.count

    @property
    def last(self) -> bytes:
        """The last score."""
        return self._score(self.pairs.end)

    @property
    def of_last_score(self) -> bytes:
        """The end of the page that the next page begins with, unless something of it was forgotten meanwhile."""
        octets, last, stride, end = self.pairs.octets, self.last, self.pairs.stride, self.pairs.end
        begin = end
        while begin > self.pairs.begin and octets.startswith(last, begin - len(last) - 2):
            begin -= stride
        return octets[begin:end]

    def without(self, read: bytes) -> "_UniformPairs":
        """Return the page without entries that were read before."""
        pairs = self.pairs
        if not read or not pairs.octets.startswith(read, pairs.begin):
            return self
        begin = pairs.begin + len(read)
        return _UniformPairs(replace(pairs, begin=begin, count=(pairs.end - begin) // pairs.stride))

    def page(self, letters: bytes, base: int) -> Page:
        pairs = self.pairs
        begin, stride = pairs.begin + pairs.first_at, pairs.stride
        found = pairs.octets[begin : pairs.end : stride]
        # Where sessions are revoked, most pages have no token.
        if pairs.first_size != REVOCATION_KEY_BYTES or not _has_any(found, letters):
            return _NO_PAGE
        return _only(Page(pairs.octets, begin, stride, self._distances(base)), letters)

    def _score(self, end: int) -> bytes:
        end -= 2
        return self.pairs.octets[end - self.pairs.second_size : end]

    def _distances(self, base: int) -> "array[int]":
        pairs = self.pairs
        first, last = self._score(pairs.begin + pairs.stride), self.last
        begin = pairs.begin + pairs.second_at
        columns = [pairs.octets[at : pairs.end : pairs.stride] for at in range(begin, begin + pairs.second_size)]
        if not all(column.isdigit() for column in columns) or int(first) < base or int(last) >= base + SPAN:
            scores = range(begin, pairs.end, pairs.stride)
            return _distances([pairs.octets[at : at + pairs.second_size] for at in scores], base)
        # One number has a lane of four bytes for each score, and each step of arithmetic is one on all of them.  Scores
        # rise, so that the digits that the first and the last have in common are those of all.
        same = [*map(int.__eq__, first, last), False].index(False)
        lanes = bytearray(_LANE_BYTES * pairs.count)
        lanes[::_LANE_BYTES] = b"\x01" * pairs.count
        ones, total = int.from_bytes(lanes, "little"), 0
        for column in columns[same:]:
            lanes[::_LANE_BYTES] = column
            total = total * 10 + int.from_bytes(lanes, "little")
        shift = int(first[:same].ljust(len(first), b"0")) - base
        zeros = int(b"0" + b"1" * (len(first) - same)) * ord("0")
        distances = array("I", (total + ones * (shift - zeros)).to_bytes(len(lanes), "little"))
        if sys.byteorder == "big":  # pragma: no cover - the processors that the tests run on are little-endian
            distances.byteswap()
        return distances


@dataclass(frozen=True, slots=True)
class _AnyPairs:
    """The entries of a page of another shape, for example one that contains what never ends."""

    keys: list[bytes]
    scores: list[bytes]

    @property
    def count(self) -> int:
        return len(self.keys)

    @property
    def last(self) -> bytes:
        """The last score."""
        return self.scores[-1] if self.scores else b""

    @property
    def of_last_score(self) -> bytes:
        """Nothing: what the next page begins with is added twice."""
        return b""

    def without(self, read: bytes) -> "_AnyPairs":
        """Return the page."""
        del read
        return self

    def page(self, letters: bytes, base: int) -> Page:
        ours = [len(key) == REVOCATION_KEY_BYTES for key in self.keys]
        keys = b"".join(compress(self.keys, ours))
        page = Page(keys, 0, REVOCATION_KEY_BYTES, _distances(list(compress(self.scores, ours)), base))
        return _only(page, letters)


_Found = _UniformPairs | _AnyPairs
_NO_PAGE: Final = Page(b"", 0, REVOCATION_KEY_BYTES, array("I"))


def _distances(scores: list[bytes], base: int) -> "array[int]":
    """Return how far each score is from *base*, within what a table can hold."""
    return array("I", [int(max(min(float(score) - base, SPAN - 1), 0)) for score in scores])


def _has_any(found: bytes, letters: bytes) -> bool:
    """Say whether *found* is not empty and has one of *letters*, anything if there are none."""
    return len(found.translate(None, letters)) < len(found) if letters else found != b""


def _only(page: Page, letters: bytes) -> Page:
    """Return the entries of *page* whose kinds have one of *letters*, all if there are none."""
    found = page.column(0)
    if not letters or not found.translate(None, letters):
        return page
    wanted = found.translate(bytes(number in letters for number in range(256)))
    keys = b"".join(compress(page.keys, wanted))
    return Page(keys, 0, REVOCATION_KEY_BYTES, array("I", compress(page.instants, wanted)))
