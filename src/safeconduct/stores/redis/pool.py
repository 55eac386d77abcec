"""
The connections of one event loop, or of all threads, to one server, and how many of them may be in use.

A connection that breaks, by a time-out too, takes along every idle one that has been silent since.  Where a server's
host disappeared without closing them they are all dead, and each would cost a request its whole deadline.
"""

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from safeconduct.stores.redis.connection import Connection


class Slots(Protocol):
    """The bound on how many connections are in use at once."""

    release: Callable[[], None]

    async def acquire(self, seconds: float) -> bool:
        """Wait for a slot, at most *seconds*, and return whether there is one."""
        ...


class ThreadSlots:
    """The bound for all threads."""

    def __init__(self, count: int) -> None:
        self._semaphore = threading.Semaphore(count)
        self.release: Callable[[], None] = self._semaphore.release

    async def acquire(self, seconds: float) -> bool:
        """Wait for a slot."""
        return self._semaphore.acquire(timeout=max(seconds, 0))


class LoopSlots:
    """The bound for the tasks of one event loop."""

    def __init__(self, count: int) -> None:
        self._semaphore = asyncio.Semaphore(count)
        self.release: Callable[[], None] = self._semaphore.release

    async def acquire(self, seconds: float) -> bool:
        """Wait for a slot."""
        if not self._semaphore.locked():
            # A timer costs as much as the rest of this.
            return await self._semaphore.acquire()
        try:
            async with asyncio.timeout(seconds):
                return await self._semaphore.acquire()
        except TimeoutError:
            return False


@dataclass(frozen=True, slots=True)
class Taken:
    """A connection in use, and at which step of the pool it was taken."""

    connection: Connection
    is_new: bool
    taken_at: int


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: Connection
    heard_at: int


class ConnectionPool:
    """
    Hand out connections; ``Slots`` bound how many are in use at once.

    Args:
        new_connection: Makes a connection, which is not open yet.
    """

    def __init__(self, new_connection: Callable[[], Connection]) -> None:
        self._new_connection = new_connection
        self._is_closed = False
        #: Events are ordered by counting them, because clocks may stand still.
        self._steps = itertools.count()
        self._broken_at = -1
        #: Every connection, in use or not.
        self._connections: set[Connection] = set()
        #: The one used last is used again first, so that those that a peak needed become idle.
        self._idle: deque[_Idle] = deque()

    def take(self) -> Taken:
        """Take the connection that was used last, or a new one."""
        try:
            return Taken(self._idle.pop().connection, is_new=False, taken_at=next(self._steps))
        except IndexError:
            connection = self._new_connection()
            self._connections.add(connection)
            return Taken(connection, is_new=True, taken_at=next(self._steps))

    def give_back(self, taken: Taken) -> None:
        """Keep a connection that has answered every command."""
        self._idle.append(_Idle(taken.connection, next(self._steps)))
        if self._is_closed:
            self._drop_idle(before=None)

    def drop(self, taken: Taken) -> None:
        """Drop a connection on which a reply may still arrive: no other request may read it."""
        self._connections.discard(taken.connection)
        taken.connection.drop()

    def drop_broken(self, taken: Taken) -> bool:
        """
        Drop a connection that broke, and the idle ones that have been silent since it was taken.

        Return whether the failure was known: the connection had been idle and was taken before the last one broke, so
        that the same cause broke both.
        """
        self.drop(taken)
        is_known = not taken.is_new and taken.taken_at < self._broken_at
        self._broken_at = next(self._steps)
        self._drop_idle(before=taken.taken_at)
        return is_known

    def close(self) -> None:
        """Drop the idle ones now, and the others when they are given back."""
        self._is_closed = True
        self._drop_idle(before=None)

    def abandon(self) -> None:
        """Drop all of them, in use or not, because their event loop is closed."""
        self._is_closed = True
        self._idle.clear()
        while self._connections:
            self._connections.pop().drop()

    def _drop_idle(self, *, before: int | None) -> None:
        """Drop those that were last heard *before* a step, or all; the longest silent one comes first."""
        while True:
            try:
                idle = self._idle.popleft()
            except IndexError:
                return
            if before is not None and idle.heard_at > before:
                self._idle.appendleft(idle)
                return
            self._connections.discard(idle.connection)
            idle.connection.drop()
