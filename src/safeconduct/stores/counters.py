"""
The throttle's counters in one process's memory: the failures of any window, one by one.

A log of tries and not a count per quarter of an hour, so that the end of one window and the beginning of the next do
not together let twice the limit through.  It holds at most *limit* entries a counter.
"""

from collections.abc import Sequence

from safeconduct._core.ports import Counter
from safeconduct.errors import Unavailable

#: How many counters may be live at once.  Beyond that tries are refused: forgetting one would set an attacker free.
LIMIT = 100_000
_SWEEP_EVERY_MS = 1000


class MemoryCounters:
    """Keep counters; whoever calls holds the lock."""

    __slots__ = ("_swept_ms", "_tries")

    def __init__(self) -> None:
        #: By counter, by try: when it no longer counts.
        self._tries: dict[bytes, dict[bytes, int]] = {}
        self._swept_ms = 0

    def __len__(self) -> int:
        """Say how many counters are kept."""
        return len(self._tries)

    def count(self, counters: Sequence[Counter], try_id: bytes, now_ms: int) -> int:
        """Count a try everywhere and return 0, or nowhere and return after how many ms to come back."""
        wait_ms = max((self._wait_ms(counter, try_id, now_ms) for counter in counters), default=0)
        if wait_ms == 0:
            self._make_room(now_ms)
            for counter in counters:
                self._tries.setdefault(counter.key, {}).setdefault(try_id, now_ms + counter.window_ms)
        return wait_ms

    def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], try_id: bytes) -> None:
        """Take a try out of *counters* and forget *cleared*."""
        for counter in counters:
            tries = self._tries.get(counter.key, {})
            tries.pop(try_id, None)
            if not tries:
                self._tries.pop(counter.key, None)
        for counter in cleared:
            self._tries.pop(counter.key, None)

    def _wait_ms(self, counter: Counter, try_id: bytes, now_ms: int) -> int:
        tries = self._tries.get(counter.key)
        if tries is None or try_id in tries:
            return 0
        for past in [past for past, until_ms in tries.items() if until_ms <= now_ms]:
            del tries[past]
        if len(tries) < counter.limit:
            return 0
        frees_ms = sorted(tries.values())[len(tries) - counter.limit]
        return min(frees_ms - now_ms, counter.window_ms)

    def _make_room(self, now_ms: int) -> None:
        if len(self._tries) < LIMIT:
            return
        if abs(now_ms - self._swept_ms) >= _SWEEP_EVERY_MS:
            self._swept_ms = now_ms
            for key in [key for key, tries in self._tries.items() if max(tries.values(), default=0) <= now_ms]:
                del self._tries[key]
        if len(self._tries) >= LIMIT:
            raise Unavailable("the throttle's memory is full")
