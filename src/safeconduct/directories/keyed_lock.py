"""
Wait to compare a password: for the lock of its account and network, then for a slot.

Threads and tasks wait in one ``ComparisonQueue``; they differ only in how they are woken.
"""

import threading
import time
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Protocol

from safeconduct._core.directory import Need, QueuePosition
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.errors import Unavailable


class Waiter(Protocol):
    """Stops one thread or task until it is woken; used once."""

    def wake(self) -> None:
        """Let it go on; called from any thread."""
        ...

    async def wait(self, timeout_seconds: float) -> None:
        """Return when it is woken, or after *timeout_seconds*."""
        ...


class ThreadWaiter:
    """Stops a thread: ``wait`` blocks and never suspends.  Under gevent, other greenlets run meanwhile."""

    def __init__(self) -> None:
        # Looked up in each call: gevent may replace the lock of the interpreter after this module was imported.
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        """Let the thread go on."""
        self._lock.release()

    async def wait(self, timeout_seconds: float) -> None:
        """Block until the thread is woken, or for *timeout_seconds*."""
        self._lock.acquire(timeout=timeout_seconds)


class KeyedLock:
    """
    Let one thread or task at a time run among those with the same key, and as many in all as there are slots.

    Args:
        queue: Decides who runs and who waits.
        queue_seconds: How long one waits, for the lock and the slot together.
        waiter: Makes what stops a thread or a task.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        queue: ComparisonQueue,
        *,
        queue_seconds: float,
        waiter: Callable[[], Waiter] = ThreadWaiter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._queue_seconds = queue_seconds
        self._new_waiter = waiter
        self._clock = clock

    @asynccontextmanager
    async def hold(self, key: Hashable, network: str) -> AsyncGenerator[QueuePosition]:
        """
        Hold the lock of *key* until the block ends, and until a thread that it started has finished its comparison.

        Raises:
            Unavailable: If the lock is not free in time, or the queue is full.
        """
        position = QueuePosition(key, network, self._clock() + self._queue_seconds)
        try:
            await self._acquire(position, "lock")
            yield position
        finally:
            self._queue.leave(position)

    async def take_slot(self, position: QueuePosition) -> None:
        """
        Wait until the comparison at *position* may run.

        Raises:
            Unavailable: If no slot is free in time, or the queue is full.
        """
        await self._acquire(position, "slot")

    async def _acquire(self, position: QueuePosition, needs: Need) -> None:
        waiter = self._new_waiter()
        if self._queue.ask(position, needs, waiter.wake):
            return
        try:
            await waiter.wait(max(0.0, position.until - self._clock()))
        except BaseException:
            self._queue.leave_slot(position)
            raise
        if not self._queue.has(position, needs):
            raise Unavailable("a password waited too long to be checked")
