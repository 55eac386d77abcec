"""
A bounded memory of values that were proven, which a flood of fresh ones cannot empty.

==========  =======================================  ==================================================================
part        what comes in                            what goes out, when it is full
==========  =======================================  ==================================================================
``_fresh``  every value that is put; a quarter of    the oldest: into ``_kept`` if it was asked for or there is room,
            the capacity                             else it is forgotten
``_kept``   what leaves ``_fresh`` so                the oldest that was not asked for since it was last looked at; one
                                                     that was goes to the end again
==========  =======================================  ==================================================================

So as many values as the capacity says are all recalled, and a caller with many valid tokens pushes out their own.

To ask for a value is one look-up and one mark on the value itself.  There is no lock: each step is one operation of a
dict or a deque, and whoever adds a key to a full queue takes one out, so that a race costs a memory and never a wrong
answer or a place.
"""

from collections import deque
from typing import Final, Generic, Protocol, TypeVar


class Markable(Protocol):
    """A value that remembers whether it was asked for."""

    is_used: bool


V = TypeVar("V", bound=Markable)

MOST_STEPS: Final = 16
"""How many kept values are looked at, at most, to find one that is not used: a put must cost nearly the same always."""


class Remembered(Generic[V]):
    """A memory of at most *capacity* values; whether a value still holds is the caller's question."""

    __slots__ = ("_fresh", "_fresh_limit", "_kept", "_kept_limit", "entries")

    def __init__(self, capacity: int) -> None:
        """Take *capacity*; with 0 nothing is remembered."""
        self._fresh_limit = (capacity + 3) // 4
        self._kept_limit = capacity - self._fresh_limit
        #: Keys, the oldest first.
        self._fresh: deque[bytes | str] = deque()
        self._kept: deque[bytes | str] = deque()
        #: To be read only, where even a call is too much; whoever uses a value marks it.
        self.entries: dict[bytes | str, V] = {}

    def get(self, key: bytes | str) -> V | None:
        """Return the value for *key*, or None."""
        value = self.entries.get(key)
        if value is not None:
            value.is_used = True
        return value

    def put(self, key: bytes | str, value: V) -> None:
        """Remember *value* for *key*, unless another thread did so meanwhile."""
        if not self._fresh_limit or self.entries.setdefault(key, value) is not value:
            return
        self._fresh.append(key)
        if len(self._fresh) > self._fresh_limit:
            self._settle(self._fresh.popleft())

    def _settle(self, key: bytes | str) -> None:
        """Keep what leaves the fresh part, or forget it."""
        if len(self._kept) >= self._kept_limit and not self.entries[key].is_used:
            del self.entries[key]
            return
        self.entries[key].is_used = False
        self._kept.append(key)
        if len(self._kept) > self._kept_limit:
            self._forget_one()

    def _forget_one(self) -> None:
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
