"""A bounded number of things under way at once; nobody waits for a place."""

import os
import threading
from typing import Protocol
from weakref import WeakSet

from safeconduct.errors import ConfigurationError, Unavailable


class Forkable(Protocol):
    """Something that holds locks or threads."""

    def drop_inherited(self) -> None:
        """Begin anew, in a child process."""
        ...


_living: WeakSet[Forkable] = WeakSet()


def renew_in_children(thing: Forkable) -> None:
    """Have *thing* begin anew in each forked child, for as long as it lives."""
    _living.add(thing)


def _drop_all() -> None:
    for thing in list(_living):
        thing.drop_inherited()


os.register_at_fork(after_in_child=_drop_all)


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
