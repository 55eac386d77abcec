"""
The client that the running code may use: one for all threads, one for each event loop.

An asyncio connection belongs to its loop, and a process may run any number of loops: one for each ``asyncio.run``,
each ``async def`` view of Flask, each test client.  Whatever ends a loop in an orderly way shuts down its asynchronous
generators (``asyncio.run``, ``asyncio.Runner``, anyio, asgiref and uvloop's ``run`` do), so a generator that waits for
just that closes the connections.  A loop that was merely closed loses them when the next one begins.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from safeconduct.errors import Unavailable
from safeconduct.stores.redis.calls import Call, CallResult
from safeconduct.stores.redis.connection import (
    Command,
    PackedCommands,
    PlainReplies,
    Reply,
    ServerError,
    ShardCommands,
)


class Client(Protocol):
    """What runs scripts: a client of one server, or one of a cluster."""

    async def call(self, call: Call) -> CallResult:
        """Run a script, or raise ``Unavailable``."""
        ...

    async def read(self, shard: ShardCommands, commands: PackedCommands) -> PlainReplies | None:
        """Send plain commands of a request; return the replies, or None where a script must be run instead."""
        ...

    def close(self) -> None:
        """Drop the connections, those in use when they are given back."""
        ...

    def abandon(self) -> None:
        """Drop every connection, because their event loop is closed."""
        ...


class FeedClient(Protocol):
    """What sends plain commands for a follower."""

    async def send(self, commands: Sequence[Command], *, seconds: float) -> list[Reply]:
        """Send *commands* outside of any request; return the replies, errors too, or raise ``Unavailable``."""
        ...

    def refused(self, error: ServerError) -> Unavailable:
        """Report a refused command of ``send``, and return the error for it."""
        ...

    def close(self) -> None:
        """Drop the connections."""
        ...


class ClientSource(Protocol):
    """The source of the client that the running code may use."""

    def client(self) -> Client:
        """Return the client; raises ``Unavailable`` once the store is closed."""
        ...

    async def close(self) -> None:
        """Drop the client's connections."""
        ...


class ThreadClients:
    """
    Hold the one client of all threads.

    Args:
        new_client: Makes a client.
    """

    def __init__(self, new_client: Callable[[], Client]) -> None:
        self._new_client = new_client
        self._client = new_client()
        self._is_ended = False

    def client(self) -> Client:
        """
        Return the client.

        Raises:
            Unavailable: If the store is closed.
        """
        if self._is_ended:
            raise Unavailable("the store is closed")
        return self._client

    async def close(self) -> None:
        """Drop the connections; a later command opens new ones."""
        client, self._client = self._client, self._new_client()
        client.close()

    def end(self) -> None:
        """Refuse every later command and drop the connections."""
        self._is_ended = True
        self._client.close()

    def forget(self) -> list[object]:
        """Begin anew in a forked child, and return the parent's client."""
        client, self._client = self._client, self._new_client()
        return [client]


@dataclass(frozen=True, slots=True)
class _LoopClient:
    client: Client
    #: Referred to here because the loop refers to it weakly.
    closing: AsyncGenerator[None]


class LoopClients:
    """
    Hold a client for each event loop.

    Args:
        new_client: Makes a client.
    """

    def __init__(self, new_client: Callable[[], Client]) -> None:
        self._new_client = new_client
        self._is_ended = False
        self._begin()

    def client(self) -> Client:
        """
        Return the running loop's client.

        Raises:
            Unavailable: If the store is closed.
        """
        if self._is_ended:
            raise Unavailable("the store is closed")
        loop = asyncio.get_running_loop()
        known = self._by_loop.get(loop)
        if known is None:
            self._abandon_closed()
            client = self._new_client()
            known = _LoopClient(client, _close_at_end(client))
            # Only this loop's thread asks for this loop's client.
            with self._lock:
                self._by_loop[loop] = known
            _begin(known.closing)
        return known.client

    async def close(self) -> None:
        """Drop the connections of the running loop."""
        with self._lock:
            known = self._by_loop.pop(asyncio.get_running_loop(), None)
        if known is not None:
            await known.closing.aclose()

    def end(self) -> None:
        """Refuse every later command and drop the connections of each loop, in its next turn where it is running."""
        self._is_ended = True
        self._abandon_closed()
        with self._lock:
            by_loop = list(self._by_loop.items())
        for loop, known in by_loop:
            # It may be closed by now; then its generators were shut down, or the garbage collector does the rest.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(known.client.close)

    def forget(self) -> list[object]:
        """Begin anew in a forked child, and return the parent's clients."""
        known = list[object](self._by_loop.values())
        self._begin()
        return known

    def _begin(self) -> None:
        # Not weakly: a connection refers to its loop, so that a weak entry would never vanish by itself.
        self._by_loop: dict[asyncio.AbstractEventLoop, _LoopClient] = {}
        self._lock = threading.Lock()

    def _abandon_closed(self) -> None:
        with self._lock:
            closed = [loop for loop in self._by_loop if loop.is_closed()]
            abandoned = [self._by_loop.pop(loop) for loop in closed]
        for each in abandoned:
            each.client.abandon()


async def _close_at_end(client: Client) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        client.close()


def _begin(closing: AsyncGenerator[None]) -> None:
    # Up to its ``yield``, where nothing is awaited, so that no task is needed.
    with suppress(StopIteration):
        closing.__anext__().send(None)
