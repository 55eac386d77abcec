"""Start locks and threads anew in a forked child process, and limit how many calls run at once."""

import os
import threading
from typing import Protocol
from weakref import WeakSet

from safeconduct.errors import ConfigurationError, Unavailable


class Forkable(Protocol):
    """Something that holds locks or threads."""

    def drop_inherited(self) -> None:
        """Forget what belongs to the parent process."""
        ...


_living: WeakSet[Forkable] = WeakSet()


def renew_in_children(forkable: Forkable) -> None:
    """Call ``drop_inherited`` of *forkable* in each forked child, for as long as it lives."""
    _living.add(forkable)


def _drop_all() -> None:
    for forkable in list(_living):
        forkable.drop_inherited()


os.register_at_fork(after_in_child=_drop_all)


class ConcurrencyLimit:
    """
    Refuse a call if too many are running.

    Args:
        limit: How many may run at once.
        reason: Why one more is refused, for the log.

    Raises:
        ConfigurationError: If *limit* is less than 1.
    """

    def __init__(self, limit: int, reason: str = "too many accounts are being looked up") -> None:
        if limit < 1:
            raise ConfigurationError(f"limit must be 1 or more, got {limit}")
        self._limit = limit
        self._reason = reason
        self.drop_inherited()
        renew_in_children(self)

    def acquire(self) -> None:
        """
        Count one more call.

        Raises:
            Unavailable: If as many as may are running.
        """
        if not self._free.acquire(blocking=False):
            raise Unavailable(self._reason)

    def release(self) -> None:
        """Count one call less, from any thread."""
        self._free.release()

    def drop_inherited(self) -> None:
        """Forget the calls that run in the parent process."""
        self._free = threading.Semaphore(self._limit)
