"""
Ask the clients of an application from an event loop.

Separate from ``clients``, since it imports asyncio.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from safeconduct.config.clients import Client
from safeconduct.directories.async_adapters import ThreadPool
from safeconduct.directories.client_answers import DEADLINE_SECONDS, checked_client, new_limits, translate_errors
from safeconduct.errors import Unavailable

Release = Callable[[], None]
Ask = Callable[[str, Release], Awaitable[Any]]
"""Asks for one client; the second argument is called once when that has ended, or will never begin."""


def awaited(find: Callable[[str], Awaitable[Any]]) -> Ask:
    """Ask with an awaitable method."""

    async def ask(client_id: str, release: Release) -> Any:
        try:
            return await find(client_id)
        finally:
            release()

    return ask


def in_threads(find: Callable[[str], Any], *, threads: int) -> Ask:
    """Ask with a blocking method in a few threads; one that has begun holds its slot until it ends."""
    pool = ThreadPool("safeconduct-client", threads=threads)

    async def ask(client_id: str, release: Release) -> Any:
        return await pool.run(partial(find, client_id), on_end=release)

    return ask


class AwaitedClients:
    """
    Ask in a task of its own, for which every request with the same question waits, on each loop.

    A request that is cancelled does not cancel the question.

    Args:
        ask: Asks for one client.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._limits = new_limits()
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[Client | None]]] = (
            WeakKeyDictionary()
        )

    async def find(self, client_id: str, *, is_known: bool) -> Client | None:
        """Return the client of that name, or None."""
        loop = asyncio.get_running_loop()
        flights = self._flights.setdefault(loop, {})
        task = flights.get(client_id)
        if task is None:
            limit = self._limits[is_known]
            limit.acquire()
            task = flights[client_id] = loop.create_task(self._find(client_id, limit.release))
            task.add_done_callback(partial(_land, flights, client_id))
        return await asyncio.shield(task)

    async def _find(self, client_id: str, release: Release) -> Client | None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                with translate_errors():
                    answer = await self._ask(client_id, release)
        except TimeoutError:
            raise Unavailable("the clients did not answer in time") from None
        return checked_client(answer, client_id)


def _land(flights: dict[str, asyncio.Task[Client | None]], client_id: str, task: asyncio.Task[Client | None]) -> None:
    del flights[client_id]
    if not task.cancelled():
        # Read, so that asyncio does not report it where every request has gone meanwhile.
        task.exception()
