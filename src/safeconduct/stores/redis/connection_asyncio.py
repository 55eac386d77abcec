"""The asyncio world's connection."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from safeconduct.stores.redis.connection import (
    Address,
    Command,
    ConnectionBroken,
    Reply,
    ServerError,
    connection_arguments,
)
from safeconduct.stores.redis.server_run import Run


def load_driver() -> None:
    """Import the part of redis-py that connections here are made of; 200 ms that only who asks a server pays."""
    import_module("redis.asyncio.connection")


class AsyncioConnection:
    """A connection of redis-py's asyncio kind."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.run = Run()

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        from redis.asyncio import connection as kinds  # noqa: PLC0415 - as in load_driver

        kind: type[Any] = kinds.SSLConnection if self._address.is_tls else kinds.Connection
        if self._address.path is not None:
            kind = kinds.UnixDomainSocketConnection
        self._loop = asyncio.get_running_loop()
        try:
            # The driver's own timeouts would run beside this one.
            self._connection = kind(
                socket_timeout=None, socket_connect_timeout=None, **connection_arguments(self._address)
            )
            async with asyncio.timeout(seconds):
                await self._connection.connect()
        # Whatever the driver raises, nobody was asked.
        except Exception as error:
            raise ConnectionBroken.of(error) from error

    async def exchange(self, commands: Sequence[Command], seconds: float) -> list[Reply]:
        """Send *commands* at once and read a reply to each."""
        connection = self._connection
        try:
            async with asyncio.timeout(seconds):
                await connection.send_packed_command(connection.pack_commands(commands))
                return [await self._read() for _ in commands]
        # Whatever the driver raises, nothing was answered: also where it could not parse what came.
        except Exception as error:
            if self._loop is not None and self._loop.is_closed():
                # The collector closes a coroutine that was left in the middle, and redis-py fails at cleaning up
                # without a loop.  There is nobody to tell, and nothing to try again.
                raise GeneratorExit from error
            raise ConnectionBroken.of(error) from error

    def drop(self) -> None:
        """Close without waiting for the other side, and without the loop where it is closed."""
        # redis-py closes within a running task only, which nobody has who finds a connection of a closed loop.
        writer = getattr(self._connection, "_writer", None)
        if writer is None or self._loop is None:
            return
        self._connection._reader = self._connection._writer = None  # noqa: SLF001 - else it warns when it is collected
        if self._loop.is_closed():
            _close_without_loop(writer.transport)
        else:
            writer.transport.abort()

    async def _read(self) -> Reply:
        from redis.exceptions import ResponseError  # noqa: PLC0415 - as in open

        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return ServerError.of(error)


class AsyncioSlots:
    """A bound on connections for the tasks of one loop."""

    def __init__(self, count: int) -> None:
        self._semaphore = asyncio.Semaphore(count)

    async def take(self, seconds: float) -> bool:
        """Wait for a slot."""
        try:
            async with asyncio.timeout(seconds):
                return await self._semaphore.acquire()
        except TimeoutError:
            return False

    def give(self) -> None:
        """Give a slot back."""
        self._semaphore.release()


def _close_without_loop(transport: Any) -> None:
    # asyncio closes a socket in a callback, for which a closed loop has no turn left: what it would call is called
    # here.  Under TLS the socket is that of the transport below.  uvloop closes its sockets with the loop.
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    with suppress(RuntimeError):
        transport.abort()
    lowest = transport if below is None else below
    if getattr(lowest, "_sock", None) is not None:
        with suppress(RuntimeError):
            lowest._call_connection_lost(None)  # noqa: SLF001 - see above
