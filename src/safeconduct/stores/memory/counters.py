"""
The throttle's counters in one process's memory.

Each counter is a sliding window, a log of tries.  A fixed window would let twice the limit through around its end.  A
counter holds at most *limit* tries.
"""

from collections.abc import Mapping, Sequence

from safeconduct._core.store import TRY_TAG_BYTES, UNDER_WAY_MS, Counter
from safeconduct.errors import Unavailable

#: How many counters there may be at once.  Beyond that tries are refused: forgetting one would help an attacker.
LIMIT = 100_000
_SWEEP_EVERY_MS = 1000


class MemoryCounters:
    """Keep counters; the caller holds the lock."""

    __slots__ = ("_swept_ms", "_tries")

    def __init__(self) -> None:
        #: By counter and try: when the try stops counting, and whether it is known to have failed.
        self._tries: dict[bytes, dict[bytes, tuple[int, bool]]] = {}
        self._swept_ms = 0

    def __len__(self) -> int:
        """Return how many counters are kept."""
        return len(self._tries)

    def count(self, counters: Sequence[Counter], try_id: bytes, now_ms: int) -> int:
        """Count a try in every counter and return 0, or in none and return how many ms to wait."""
        wait_ms = max((self._wait_ms(counter, try_id, now_ms) for counter in counters), default=0)
        if wait_ms == 0:
            self._evict(now_ms)
            for counter in counters:
                self._tries.setdefault(counter.key, {}).setdefault(try_id, (now_ms + counter.window_ms, False))
        return wait_ms

    def fail(self, counters: Sequence[Counter], try_id: bytes) -> None:
        """Note that a try failed."""
        for counter in counters:
            tries = self._tries.get(counter.key, {})
            if try_id in tries:
                tries[try_id] = tries[try_id][0], True

    def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], try_id: bytes) -> None:
        """Remove a try from *counters*, and from *cleared* every try that has the same tag."""
        tag = try_id[:TRY_TAG_BYTES]
        for counter in counters:
            self._remove(counter.key, [try_id])
        for counter in cleared:
            self._remove(counter.key, [past for past in self._tries.get(counter.key, ()) if past.startswith(tag)])

    def _remove(self, key: bytes, try_ids: Sequence[bytes]) -> None:
        tries = self._tries.get(key, {})
        for try_id in try_ids:
            tries.pop(try_id, None)
        if not tries:
            self._tries.pop(key, None)

    def _wait_ms(self, counter: Counter, try_id: bytes, now_ms: int) -> int:
        tries = self._tries.get(counter.key)
        if tries is None or try_id in tries:
            return 0
        for past in [past for past, (until_ms, _) in tries.items() if until_ms <= now_ms]:
            del tries[past]
        if len(tries) < counter.limit:
            return 0
        begun_ms = [
            until_ms - counter.window_ms
            for until_ms, has_failed in tries.values()
            if not has_failed and until_ms > now_ms + counter.window_ms - UNDER_WAY_MS
        ]
        if begun_ms and len(tries) - len(begun_ms) < counter.limit:
            return min(max(1, min(begun_ms) + UNDER_WAY_MS - now_ms), UNDER_WAY_MS)
        frees_ms = sorted(until_ms for until_ms, _ in tries.values())[len(tries) - counter.limit]
        return min(frees_ms - now_ms, counter.window_ms)

    def _evict(self, now_ms: int) -> None:
        if len(self._tries) < LIMIT:
            return
        if abs(now_ms - self._swept_ms) >= _SWEEP_EVERY_MS:
            self._swept_ms = now_ms
            for key in [key for key, tries in self._tries.items() if _ends_ms(tries) <= now_ms]:
                del self._tries[key]
        if len(self._tries) >= LIMIT:
            raise Unavailable("the throttle's memory is full")


def _ends_ms(tries: Mapping[bytes, tuple[int, bool]]) -> int:
    return max((until_ms for until_ms, _ in tries.values()), default=0)
