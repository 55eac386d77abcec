"""A turn and a slot for the tasks of a loop, which suspend while they wait."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager, suppress

from safeconduct._core.directory import Need, QueuePosition
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.errors import Unavailable


class LoopTurns:
    """
    Let tasks wait in *queue*, those of several loops and the threads of the other world together.

    Args:
        queue: Says who may go.
        queue_seconds: How long a task waits, for its turn and its slot together.
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
        Hold the turn of *key* for as long as the block runs, and as a thread that the block began still compares.

        Raises:
            Unavailable: If the turn did not come in time, or the queue is full.
        """
        place = QueuePosition(key, network, self._clock() + self._queue_seconds)
        try:
            await self._wait(place, "turn")
            yield place
        finally:
            self._queue.leave(place)

    async def take_slot(self, place: QueuePosition) -> None:
        """
        Wait until *place* may run.

        Raises:
            Unavailable: If that did not come in time, or the queue is full.
        """
        await self._wait(place, "slot")

    async def _wait(self, place: QueuePosition, needs: Need) -> None:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        if self._queue.ask(place, needs, lambda: _wake(loop, woken)):
            return
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, place.until - self._clock())):
                    await woken
        except BaseException:
            self._queue.leave_slot(place)
            raise
        if not self._queue.has(place, needs):
            raise Unavailable("a password waited too long to be checked")


def _wake(loop: asyncio.AbstractEventLoop, woken: "asyncio.Future[None]") -> None:
    loop.call_soon_threadsafe(_settle, woken)


def _settle(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
