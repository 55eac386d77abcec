"""A bounded number of things under way at once; nobody waits for a place."""

import threading

from safeconduct.directories.forks import renew_in_children
from safeconduct.errors import ConfigurationError, Unavailable


class Places:
    """
    Count who is inside and refuse who is too many.

    Args:
        limit: How many may be inside at once.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ConfigurationError(f"limit must be 1 or more, got {limit}")
        self._limit = limit
        self.drop_inherited()
        renew_in_children(self)

    def enter(self) -> None:
        """
        Take a place.

        Raises:
            Unavailable: If none is free.
        """
        if not self._free.acquire(blocking=False):
            raise Unavailable("too many accounts are being looked up")

    def leave(self) -> None:
        """Give the place back, from whichever thread."""
        self._free.release()

    def drop_inherited(self) -> None:
        """Free every place: who was inside is in the parent."""
        self._free = threading.Semaphore(self._limit)
