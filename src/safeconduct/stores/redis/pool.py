"""
The connections of one event loop, or of all threads, to one server.

A connection that breaks, by a time-out too, takes along every idle one that has not been heard of since.  Where a
server's host went away without a word they are all dead, and each would cost a request its whole deadline.
"""

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from safeconduct.stores.redis.connection import Connection


@dataclass(frozen=True, slots=True)
class Taken:
    """A connection in use, since which of the pool's steps."""

    link: Connection
    is_new: bool
    taken_at: int


@dataclass(frozen=True, slots=True)
class _Idle:
    link: Connection
    heard_at: int


class ConnectionPool:
    """
    Hand out connections; how many may be in use at once is bounded elsewhere, by ``Slots``.

    Args:
        open_link: Makes a connection, which is not open yet.
    """

    def __init__(self, open_link: Callable[[], Connection]) -> None:
        self._open_link = open_link
        self._is_closed = False
        #: What happened first is told by counting: clocks may stand still.
        self._steps = itertools.count()
        self._broken_at = -1
        #: Every connection, in use or not.
        self._links: set[Connection] = set()
        #: The last one used is the first one used again, so that those a peak needed fall idle.
        self._idle: deque[_Idle] = deque()

    def take(self) -> Taken:
        """Take the connection that was used last, or a new one."""
        try:
            return Taken(self._idle.pop().link, is_new=False, taken_at=next(self._steps))
        except IndexError:
            link = self._open_link()
            self._links.add(link)
            return Taken(link, is_new=True, taken_at=next(self._steps))

    def give_back(self, taken: Taken) -> None:
        """Keep a connection on which everything that was asked was answered."""
        self._idle.append(_Idle(taken.link, next(self._steps)))
        if self._is_closed:
            self._drop_idle(before=None)

    def drop(self, taken: Taken) -> None:
        """Drop a connection on which an answer may still be on its way: nobody else may read it."""
        self._links.discard(taken.link)
        taken.link.drop()

    def drop_broken(self, taken: Taken) -> bool:
        """
        Drop a connection that broke, and the idle ones that were not heard of since it was taken.

        Return whether it tells nothing new: it had lain idle and was taken before the last one broke, so that the same
        cause broke both.
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
        """Drop all of them: nobody runs any more who could use one."""
        self._is_closed = True
        self._idle.clear()
        while self._links:
            self._links.pop().drop()

    def _drop_idle(self, *, before: int | None) -> None:
        """Drop those that were last heard of *before* a step, or all; the longest silent one is the first."""
        while True:
            try:
                idle = self._idle.popleft()
            except IndexError:
                return
            if before is not None and idle.heard_at > before:
                self._idle.appendleft(idle)
                return
            self._links.discard(idle.link)
            idle.link.drop()
