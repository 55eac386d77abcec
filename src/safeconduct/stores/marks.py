"""
The latest that a process knows of a store's data, shard by shard.

A *line* names what one run of a server made of the data, a *head* the latest change on it.  Whoever knows a head that
the data does not have proves that the data is a past state of itself; the scripts compare.  One for both worlds.
"""

import threading
from dataclasses import dataclass
from typing import Final

_NO_HEAD: Final = b"0-0"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the history of a shard's data."""

    epoch: str
    #: When the epoch began.
    started_ms: int
    line: bytes
    #: The id of a change in the log; ids grow.
    head: bytes = _NO_HEAD

    @property
    def place(self) -> tuple[int, int]:
        """The head as two numbers that can be compared."""
        milliseconds, _, number = self.head.partition(b"-")
        return int(milliseconds), int(number)


class Marks:
    """Keep the largest mark of each shard."""

    __slots__ = ("_known", "_lock")

    def __init__(self) -> None:
        self._known: dict[int, Mark] = {}
        self.begin()

    def begin(self) -> None:
        """Make a lock that nobody holds: in a new process, or a forked one, which keeps what its parent knew."""
        self._lock = threading.Lock()

    def words(self, shard: int) -> tuple[str, bytes, bytes]:
        """Say what every script on *shard* is told: epoch, line and head, empty where nothing is known."""
        mark = self._known.get(shard)
        return ("", b"", b"") if mark is None else (mark.epoch, mark.line, mark.head)

    def keep(self, shard: int, mark: Mark) -> None:
        """Keep a mark that a reply bears, unless the reply is late and a later one is known."""
        known = self._known.get(shard)
        if mark == known:
            return
        with self._lock:
            known = self._known.get(shard)
            if known is None or _is_later(mark, known):
                self._known[shard] = mark


def _is_later(mark: Mark, known: Mark) -> bool:
    if mark.epoch != known.epoch:
        return mark.started_ms >= known.started_ms
    # Of two lines the one with the larger head knows more, whichever came first.
    return mark.place >= known.place
