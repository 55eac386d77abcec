"""One at a time among those who want the same, for tasks of a loop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from safeconduct.directories.forks import renew_in_children
from safeconduct.directories.turns import PATIENCE_SECONDS
from safeconduct.errors import Unavailable


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class LoopTurns:
    """
    Let one task at a time in among those with the same key, on each loop for itself.

    Args:
        patience_seconds: How long a task waits for its turn.
    """

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self.drop_inherited()
        renew_in_children(self)

    @asynccontextmanager
    async def alone(self, key: bytes) -> AsyncGenerator[None]:
        """
        Hold the turn of *key* for as long as the block runs.

        Raises:
            Unavailable: If the turn did not come in time.
        """
        # A loop's tasks never run at once, and another loop has entries of its own: this needs no lock.
        place = asyncio.get_running_loop(), key
        queue = self._queues.setdefault(place, _Queue())
        queue.waiting += 1
        try:
            await self._wait_for(queue.lock)
            try:
                yield
            finally:
                queue.lock.release()
        finally:
            queue.waiting -= 1
            if not queue.waiting:
                self._queues.pop(place, None)

    def drop_inherited(self) -> None:
        """Forget who waits: those loops are in the parent."""
        self._queues: dict[tuple[asyncio.AbstractEventLoop, bytes], _Queue] = {}

    async def _wait_for(self, lock: asyncio.Lock) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable("the same password is being checked for too long") from None
