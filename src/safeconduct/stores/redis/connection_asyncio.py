"""The asyncio world's connection.  Importing this module imports redis-py."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import connection as redis_py
from redis.exceptions import ResponseError

from safeconduct.stores.redis.addresses import Address
from safeconduct.stores.redis.connection import (
    Command,
    ConnectionBroken,
    PackedCommands,
    Reply,
    ServerError,
    ServerRun,
    connection_arguments,
    packed,
)


class AsyncioConnection:
    """A connection for the tasks of one event loop."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.run = ServerRun()

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        certificates = self._address.certificates
        kind: type[Any] = redis_py.Connection if certificates is None else redis_py.SSLConnection
        if self._address.path is not None:
            kind = redis_py.UnixDomainSocketConnection
        self._loop = asyncio.get_running_loop()
        try:
            # The driver's own timeouts would run beside this one.
            self._connection = kind(
                socket_timeout=None, socket_connect_timeout=None, **connection_arguments(self._address)
            )
            if certificates is not None:
                # The driver would read the files for each connection, and trust the system's authorities beside ours.
                self._connection.ssl_context.context = certificates.context()
            async with asyncio.timeout(seconds):
                await self._connection.connect()
        # The driver may raise anything; the server was asked nothing yet.
        except Exception as error:
            raise ConnectionBroken.of(error) from error

    async def exchange(self, commands: Sequence[Command | PackedCommands], seconds: float) -> list[Reply]:
        """Send *commands* in one go and read a reply to each."""
        connection = self._connection
        try:
            async with asyncio.timeout(seconds):
                octets, count = packed(commands, connection.pack_commands)
                await connection.send_packed_command(octets)
                replies: list[Reply] = []
                for _ in range(count):
                    try:
                        replies.append(await connection.read_response())
                    except ResponseError as error:
                        replies.append(ServerError.of(error))
        # The driver may raise anything, also where it could not parse the reply; none of it is an answer.
        except Exception as error:
            if self._loop is not None and self._loop.is_closed():
                # The garbage collector closes a coroutine that was left in the middle, and redis-py fails to clean
                # up without a loop.  Nothing waits for the result, and there is nothing to try again.
                raise GeneratorExit from error
            raise ConnectionBroken.of(error) from error
        return replies

    def drop(self) -> None:
        """Close without waiting for the other side, and without the loop where it is closed."""
        # redis-py closes within a running task only, and for the connection of a closed loop there is none.
        writer = getattr(self._connection, "_writer", None)
        if writer is None or self._loop is None:
            return
        self._connection._reader = self._connection._writer = None  # noqa: SLF001 - else it warns when it is garbage-collected
        if self._loop.is_closed():
            _close_without_loop(writer.transport)
        else:
            writer.transport.abort()


def _close_without_loop(transport: Any) -> None:
    # asyncio closes a socket in a callback, which a closed loop never runs, so it is called here.  Under TLS the socket
    # belongs to the transport below.  uvloop closes its sockets with the loop.
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    with suppress(RuntimeError):
        transport.abort()
    lowest = transport if below is None else below
    if getattr(lowest, "_sock", None) is not None:
        with suppress(RuntimeError):
            lowest._call_connection_lost(None)  # noqa: SLF001 - see above
