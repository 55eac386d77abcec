"""
A bounded memory of values that were proven, which a flood of fresh ones cannot empty.

=============  ===========================================  =========================================
part           who comes in                                 who goes out
=============  ===========================================  =========================================
``_fresh``     everything that is put                       the oldest, when it is full
``used``      what was asked for again                     all to ``_idle``, when it is full
``_idle``      ``used`` of the last turn                   what was not asked for during a whole turn
=============  ===========================================  =========================================

So a value that is in use leaves only when its user pauses for a whole turn, and a caller with many valid tokens pushes
out his own.  There is no lock: each step is one operation of a dict, and a race costs a memory, never a wrong answer.
"""

from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """A memory of at most *capacity* values; whether a value still holds is the caller's question."""

    __slots__ = ("_fresh", "_fresh_limit", "_idle", "_turn", "used")

    def __init__(self, capacity: int) -> None:
        """Take *capacity*; with 0 nothing is remembered."""
        self._turn = capacity * 3 // 8
        self._fresh_limit = capacity - 2 * self._turn
        self._fresh: dict[bytes | str, V] = {}
        #: What was asked for more than once lately; to be read only, where even a call is too much.
        self.used: dict[bytes | str, V] = {}
        self._idle: dict[bytes | str, V] = {}

    def get(self, key: bytes | str) -> V | None:
        """Return the value for *key*, or None."""
        value = self.used.get(key)
        if value is not None:
            return value
        return self._find(key)

    def put(self, key: bytes | str, value: V) -> None:
        """Remember *value*, which is not None, for *key*."""
        fresh = self._fresh
        try:
            while len(fresh) >= self._fresh_limit:
                del fresh[next(iter(fresh))]
        except (KeyError, RuntimeError, StopIteration):
            # Capacity 0, or another thread made room at the same moment: then this value is not remembered.
            return
        fresh[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._fresh, self.used, self._idle = {}, {}, {}

    def __len__(self) -> int:
        """Return how many values are remembered."""
        return len(self._fresh) + len(self.used) + len(self._idle)

    def _find(self, key: bytes | str) -> V | None:
        if not self._turn:
            return self._fresh.get(key)
        value = self._idle.pop(key, None)
        if value is None:
            value = self._fresh.pop(key, None)
        if value is None:
            return None
        if len(self.used) >= self._turn:
            self._idle, self.used = self.used, {}
        self.used[key] = value
        return value
