"""Say in the log where an exception was raised, without its message, and bound how many lines it gets."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

LINES: Final = 100
"""How many lines are written in one period."""

PERIOD_SECONDS: Final = 60
"""How long a period lasts; it begins with its first line."""

_MOST_PLACES: Final = 10
_PACKAGE: Final = str(Path(__file__).parents[1])


def places_of(fault: BaseException) -> tuple[str, ...]:
    """
    Return ``file:line`` of the frames that *fault* went through, the innermost last, and at most ten of them.

    Frames of this package are left out, unless there are no others.
    """
    theirs: deque[str] = deque(maxlen=_MOST_PLACES)
    ours: deque[str] = deque(maxlen=_MOST_PLACES)
    frame: TracebackType | None = fault.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        (ours if file.startswith(_PACKAGE) else theirs).append(printable(f"{file}:{frame.tb_lineno}"))
        frame = frame.tb_next
    return tuple(theirs or ours)


def printable(text: str, *, at_most: int | None = None) -> str:
    """Return the first *at_most* characters of *text*, with each that is not printable escaped."""
    cut = text[:at_most]
    return cut if cut.isprintable() else "".join(map(_escaped, cut))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Ration:
    """Whether a line is written, and what else is to be said with it."""

    is_written: bool
    #: How many lines were left out since the last period in which any was written.
    left_out: int = 0
    #: Whether it is the last line of its period.
    is_last: bool = False


class LineBudget:
    """
    Count lines, and say which are left out.

    Args:
        clock: The current time in seconds.  Where it raises, or goes back, the period goes on or begins again.
    """

    # Threads may count a line or two wrongly; a lock would make one wait for the other's log.

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_at = 0.0
        self._written = LINES
        self._left_out = 0

    def take(self) -> Ration:
        """Return whether one more line is written."""
        left_out = self._next_period()
        if self._written >= LINES:
            self._left_out += 1
            return Ration(is_written=False)
        self._written += 1
        return Ration(is_written=True, left_out=left_out, is_last=self._written == LINES)

    def _next_period(self) -> int:
        try:
            now = self._clock()
        except Exception:  # noqa: BLE001 - a hook of the application; the log must not decide about a request
            return 0
        if self._began_at and 0 <= now - self._began_at < PERIOD_SECONDS:
            return 0
        self._began_at, self._written = now, 0
        left_out, self._left_out = self._left_out, 0
        return left_out
