"""
Cache verified credentials, with a bounded size that a flood of new ones cannot empty.

==========  =======================================  ==================================================================
queue       entered by                               left, when it is full, by
==========  =======================================  ==================================================================
``_fresh``  every value that is put; a quarter of    the oldest value: it moves to ``_kept`` if it was used or there is
            the capacity                             room, else it is evicted
``_kept``   the values that moved from ``_fresh``    the oldest value that was not used since it was last looked at,
                                                     which is evicted; a used one goes to the end again
==========  =======================================  ==================================================================

So a caller with many valid tokens evicts only their own, and values up to the capacity all stay.  (The scheme is close
to S3-FIFO.)

A look-up is one operation of a dict and one mark on the value.  There is no lock: each step is one operation of a dict
or a deque, and a thread that adds a key to a full queue also removes one.  A race can evict a value too early, and can
neither return a wrong value nor exceed the capacity.
"""

from collections import deque
from typing import Final, Generic, Protocol, TypeVar


class Markable(Protocol):
    """A value that records whether it was used."""

    is_used: bool


Cached = TypeVar("Cached", bound=Markable)

MOST_STEPS: Final = 16
"""The maximum number of kept values that one ``put`` looks at to find an unused one, so that its cost is bounded."""


class VerifiedCache(Generic[Cached]):
    """A cache of at most *capacity* values; the caller checks whether a value is still valid."""

    __slots__ = ("_fresh", "_fresh_limit", "_kept", "_kept_limit", "entries")

    def __init__(self, capacity: int) -> None:
        """Set the *capacity*; 0 keeps nothing."""
        self._fresh_limit = (capacity + 3) // 4
        self._kept_limit = capacity - self._fresh_limit
        #: Keys, the oldest first.
        self._fresh: deque[bytes | str] = deque()
        self._kept: deque[bytes | str] = deque()
        #: Read directly only on the fast path, where a call would cost too much; the reader sets ``is_used``.
        self.entries: dict[bytes | str, Cached] = {}

    def get(self, key: bytes | str) -> Cached | None:
        """Return the value for *key* and mark it as used; None if there is none."""
        value = self.entries.get(key)
        if value is not None:
            value.is_used = True
        return value

    def put(self, key: bytes | str, value: Cached) -> None:
        """Cache *value* for *key*, unless another thread has done so meanwhile."""
        if not self._fresh_limit or self.entries.setdefault(key, value) is not value:
            return
        self._fresh.append(key)
        if len(self._fresh) > self._fresh_limit:
            self._keep_or_evict(self._fresh.popleft())

    def _keep_or_evict(self, key: bytes | str) -> None:
        if len(self._kept) >= self._kept_limit and not self.entries[key].is_used:
            del self.entries[key]
            return
        self.entries[key].is_used = False
        self._kept.append(key)
        if len(self._kept) > self._kept_limit:
            self._evict_one()

    def _evict_one(self) -> None:
        for _ in range(MOST_STEPS - 1):
            key = self._kept.popleft()
            value = self.entries[key]
            if not value.is_used:
                break
            value.is_used = False
            self._kept.append(key)
        else:
            key = self._kept.popleft()
        del self.entries[key]
