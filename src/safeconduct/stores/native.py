"""The asyncio world's connection."""

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from safeconduct.stores.address import Address
from safeconduct.stores.link import Command, LinkBroken, Refusal, Reply, connection_arguments
from safeconduct.stores.run import Run


def load_driver() -> None:
    """Import the part of redis-py that connections here are made of; 200 ms that only who asks a server pays."""
    import_module("redis.asyncio.connection")


class NativeLink:
    """A connection of redis-py's asyncio kind."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Any = None
        self.run = Run()

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        from redis.asyncio import connection as kinds  # noqa: PLC0415 - as in load_driver

        kind: type[Any] = kinds.SSLConnection if self._address.is_tls else kinds.Connection
        if self._address.path is not None:
            kind = kinds.UnixDomainSocketConnection
        try:
            # The driver's own timeouts would run beside this one.
            self._connection = kind(
                socket_timeout=None, socket_connect_timeout=None, **connection_arguments(self._address)
            )
            async with asyncio.timeout(seconds):
                await self._connection.connect()
        # Whatever the driver raises, nobody was asked.
        except Exception as error:
            raise _broken(error) from error

    async def exchange(self, commands: Sequence[Command], seconds: float) -> list[Reply]:
        """Send *commands* at once and read a reply to each."""
        connection = self._connection
        try:
            async with asyncio.timeout(seconds):
                await connection.send_packed_command(connection.pack_commands(commands))
                return [await self._read() for _ in commands]
        # Whatever the driver raises, nothing was answered: also where it could not parse what came.
        except Exception as error:
            raise _broken(error) from error

    async def drop(self) -> None:
        """Close without waiting for the other side."""
        if self._connection is not None:  # pragma: no branch - None only if redis-py cannot be imported
            await self._connection.disconnect(nowait=True)

    async def _read(self) -> Reply:
        from redis.exceptions import ResponseError  # noqa: PLC0415 - as in open

        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return Refusal.of(error)


class NativeSlots:
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


def _broken(error: Exception) -> LinkBroken:
    return LinkBroken(type(error).__name__, is_final=isinstance(error, TimeoutError))
