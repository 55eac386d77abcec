"""
The latest that a process knows of a store's data, shard by shard.

A *line* names what one run of a server made of the data, a *head* the latest change on it.  Whoever knows a head that
the data does not have proves that the data is a past state of itself; the scripts compare.  One for both worlds.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

_NO_HEAD: Final = b"0-0"
_WRITTEN_EVERY_SECONDS: Final = 1.0


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


class Keeper(Protocol):
    """Where marks outlive a process."""

    def read(self) -> dict[int, Mark]:
        """Return the marks by their shards."""
        ...

    def merge(self, marks: Mapping[int, Mark]) -> bool:
        """Write marks, where they are later, and say whether that succeeded."""
        ...


class Marks:
    """
    Keep the largest mark of each shard.

    Args:
        keeper: Where they outlive the process; None where they end with it.
        monotonic: A clock that never goes back, in seconds.
    """

    __slots__ = ("_keeper", "_known", "_lock", "_monotonic", "_pending", "_written_at")

    def __init__(self, keeper: Keeper | None = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._keeper = keeper
        self._monotonic = monotonic
        self._known: dict[int, Mark] = {} if keeper is None else keeper.read()
        self._pending: dict[int, Mark] = {}
        self._written_at = float("-inf")
        self.begin()

    def begin(self) -> None:
        """Make a lock that nobody holds: in a new process, or a forked one, which keeps what its parent knew."""
        self._lock = threading.Lock()

    def words(self, shard: int) -> tuple[str, bytes, bytes]:
        """Say what every script on *shard* is told: epoch, line and head, empty where nothing is known."""
        mark = self._known.get(shard)
        return ("", b"", b"") if mark is None else (mark.epoch, mark.line, mark.head)

    @property
    def known(self) -> Mapping[int, Mark]:
        """The marks by their shards."""
        return self._known

    def keep(self, shard: int, mark: Mark, *, is_own: bool = False) -> None:
        """
        Keep a mark that a reply bears, unless the reply is late and a later one is known.

        What others did is written at most once a second, what this process ended itself (*is_own*) at once.
        """
        known = self._known.get(shard)
        if mark != known:
            with self._lock:
                known = self._known.get(shard)
                if known is None or is_later(mark, known):
                    self._known[shard] = self._pending[shard] = mark
        if self._keeper is not None and self._pending and (is_own or self._is_due()):
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet."""
        if self._keeper is None:
            return
        with self._lock:
            pending, self._pending = self._pending, {}
            self._written_at = self._monotonic()
            if pending and not self._keeper.merge(pending):
                self._pending = pending

    def _is_due(self) -> bool:
        return self._monotonic() - self._written_at >= _WRITTEN_EVERY_SECONDS


def is_later(mark: Mark, known: Mark) -> bool:
    """Say whether *mark* tells more than what is known."""
    if mark.epoch != known.epoch:
        return mark.started_ms >= known.started_ms
    # Of two lines the one with the larger head knows more, whichever came first.
    return mark.place >= known.place
