"""A turn and a slot for threads, which block while they wait."""

import threading
import time
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager

from safeconduct._core.directory import Need, QueuePosition
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.errors import Unavailable


class ThreadTurns:
    """
    Let threads wait in *queue*; under gevent its locks let other greenlets run meanwhile.

    Args:
        queue: Says who may go.
        queue_seconds: How long a thread waits, for its turn and its slot together.
        clock: Seconds that never go back.
    """

    def __init__(
        self, queue: ComparisonQueue, *, queue_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._queue_seconds = queue_seconds
        self._clock = clock

    @asynccontextmanager
    async def turn(self, key: Hashable, network: str) -> AsyncGenerator[QueuePosition]:
        """
        Hold the turn of *key* for as long as the block runs; blocks the thread, and never suspends.

        Raises:
            Unavailable: If the turn did not come in time, or the queue is full.
        """
        place = QueuePosition(key, network, self._clock() + self._queue_seconds)
        try:
            self._wait(place, "turn")
            yield place
        finally:
            self._queue.leave(place)

    def take_slot(self, place: QueuePosition) -> None:
        """
        Wait until *place* may run.

        Raises:
            Unavailable: If that did not come in time, or the queue is full.
        """
        self._wait(place, "slot")

    def _wait(self, place: QueuePosition, needs: Need) -> None:
        # Made here and not at import: gevent may have put its own locks in the place of the interpreter's since.
        woken = threading.Lock()
        woken.acquire()
        if self._queue.ask(place, needs, woken.release):
            return
        try:
            woken.acquire(timeout=max(0.0, place.until - self._clock()))
        except BaseException:
            self._queue.leave_slot(place)
            raise
        if not self._queue.has(place, needs):
            raise Unavailable("a password waited too long to be checked")
