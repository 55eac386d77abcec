"""Provide a clock that tests move by hand."""

from typing import Final

_BEGINNING_SECONDS: Final = 1_800_000_000.0


class Clock:
    """
    A clock that stands still until it is advanced; pass it as ``Auth(clock=…)``.

    The memory store uses it too.  A Redis or Valkey server has its own clock, which tests cannot move.

    Args:
        seconds: The initial time, in seconds since the epoch; a fixed time in 2027, so that no test depends on the
            current date.
    """

    __slots__ = ("seconds",)

    def __init__(self, *, seconds: float = _BEGINNING_SECONDS) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        """Return the time, in seconds since the epoch."""
        return self.seconds

    def advance(self, *, seconds: float) -> None:
        """Move the clock forward."""
        self.seconds += seconds
