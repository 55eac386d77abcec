"""A clock that is moved by hand."""

from typing import Final

_BEGINNING_SECONDS: Final = 1_800_000_000.0


class Clock:
    """
    Stand still until it is told to go on; pass it as ``Auth(clock=…)``.

    The store in memory goes by it too.  A Redis or Valkey has a clock of its own, which nobody moves.

    Args:
        seconds: Where it begins, in seconds since the epoch; a fixed instant in 2027, so that no test depends on the
            day.
    """

    __slots__ = ("seconds",)

    def __init__(self, *, seconds: float = _BEGINNING_SECONDS) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        """Return the time, in seconds since the epoch."""
        return self.seconds

    def advance(self, *, seconds: float) -> None:
        """Let so much time pass at once."""
        self.seconds += seconds
