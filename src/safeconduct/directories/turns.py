"""One at a time among those who want the same, for threads."""

import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from safeconduct.directories.forks import renew_in_children
from safeconduct.errors import Unavailable

PATIENCE_SECONDS = 2.0
"""How long somebody waits for his turn.  A hash takes some 40 ms; a directory that takes longer is out of order."""


@dataclass(slots=True)
class _Queue:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class ThreadTurns:
    """
    Let one thread at a time in among those with the same key.

    Args:
        patience_seconds: How long a thread waits for its turn.
    """

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self.drop_inherited()
        renew_in_children(self)

    @asynccontextmanager
    async def alone(self, key: bytes) -> AsyncGenerator[None]:
        """
        Hold the turn of *key* for as long as the block runs; blocks the thread, and never suspends.

        Raises:
            Unavailable: If the turn did not come in time.
        """
        queue = self._join(key)
        try:
            if not queue.lock.acquire(timeout=self._patience_seconds):
                raise Unavailable("the same password is being checked for too long")
            try:
                yield
            finally:
                queue.lock.release()
        finally:
            self._part(key, queue)

    def drop_inherited(self) -> None:
        """Forget who waits: those threads are in the parent."""
        self._guard = threading.Lock()
        self._queues: dict[bytes, _Queue] = {}

    def _join(self, key: bytes) -> _Queue:
        with self._guard:
            queue = self._queues.setdefault(key, _Queue())
            queue.waiting += 1
            return queue

    def _part(self, key: bytes, queue: _Queue) -> None:
        with self._guard:
            queue.waiting -= 1
            if not queue.waiting:
                self._queues.pop(key, None)
