"""
The connections of event loops, each of which has its own and loses them when it ends.

An asyncio connection belongs to its loop, and a process may run any number of loops: one for each ``asyncio.run``,
each ``async def`` view of Flask, each test client.  Whatever ends a loop in an orderly way shuts its asynchronous
generators down (``asyncio.run``, ``asyncio.Runner``, anyio, asgiref and uvloop's ``run`` do), so a generator that waits
for just that closes the connections.  A loop that was merely closed loses them when the next one begins.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass

from safeconduct.errors import Unavailable
from safeconduct.stores.redis.client import StoreClient


@dataclass(frozen=True, slots=True)
class _Way:
    wire: StoreClient
    #: Is kept here because the loop holds it weakly.
    end: AsyncGenerator[None]


class LoopConnections:
    """
    Find the wire of the running loop.

    Args:
        new_wire: Makes one.
    """

    def __init__(self, new_wire: Callable[[], StoreClient]) -> None:
        self._new_wire = new_wire
        self._is_ended = False
        self._begin()

    def wire(self) -> StoreClient:
        """
        Return the running loop's wire.

        Raises:
            Unavailable: If there shall be none.
        """
        if self._is_ended:
            raise Unavailable("the store is closed")
        loop = asyncio.get_running_loop()
        way = self._ways.get(loop)
        if way is None:
            self._abandon_closed()
            wire = self._new_wire()
            way = _Way(wire, _close_at_end(wire))
            # Only this loop's thread asks for this loop's wire.
            with self._lock:
                self._ways[loop] = way
            _begin(way.end)
        return way.wire

    async def close(self) -> None:
        """Drop the connections of the running loop."""
        with self._lock:
            way = self._ways.pop(asyncio.get_running_loop(), None)
        if way is not None:
            await way.end.aclose()

    def end(self) -> None:
        """Answer no more, and drop the connections of every loop; a loop that runs drops its own in its next turn."""
        self._is_ended = True
        self._abandon_closed()
        with self._lock:
            ways = list(self._ways.items())
        for loop, way in ways:
            # It may be closed by now; then it has shut down its generators, or the collector does the rest.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(way.wire.close)

    def forget(self) -> list[object]:
        """Return all that is known, and know nothing any more: in a forked child."""
        known = list[object](self._ways.values())
        self._begin()
        return known

    def _begin(self) -> None:
        # Strongly: a connection holds its loop, so that a weak entry would never go by itself.
        self._ways: dict[asyncio.AbstractEventLoop, _Way] = {}
        self._lock = threading.Lock()

    def _abandon_closed(self) -> None:
        with self._lock:
            closed = [loop for loop in self._ways if loop.is_closed()]
            ways = [self._ways.pop(loop) for loop in closed]
        for way in ways:
            way.wire.abandon()


async def _close_at_end(wire: StoreClient) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        wire.close()


def _begin(end: AsyncGenerator[None]) -> None:
    # Up to its ``yield``, where nothing is awaited, so that no task is needed.
    with suppress(StopIteration):
        end.__anext__().send(None)
