"""The blocking world's connection: coroutines that never suspend."""

import threading
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from safeconduct.stores.redis.connection import Address, Command, ConnectionBroken, Reply, ServerError
from safeconduct.stores.redis.server_run import Run


def load_driver() -> None:
    """Import the part of redis-py that connections here are made of; 200 ms that only who asks a server pays."""
    import_module("safeconduct.stores.redis.deadline_socket")


class SyncConnection:
    """A connection of redis-py's blocking kind."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Any = None
        self.run = Run()

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        from safeconduct.stores.redis.deadline_socket import DeadlineConnection  # noqa: PLC0415 - as in load_driver

        try:
            self._connection = DeadlineConnection(self._address, time.monotonic() + seconds)
            self._connection.connect()
        # Whatever the driver raises, nobody was asked.
        except Exception as error:
            raise ConnectionBroken.of(error) from error

    async def exchange(self, commands: Sequence[Command], seconds: float) -> list[Reply]:
        """Send *commands* at once and read a reply to each."""
        connection = self._connection
        try:
            connection.hurry(time.monotonic() + seconds)
            connection.send_packed_command(connection.pack_commands(commands))
            return [self._read() for _ in commands]
        # Whatever the driver raises, nothing was answered: also where it could not parse what came.
        except Exception as error:
            raise ConnectionBroken.of(error) from error

    def drop(self) -> None:
        """Close; redis-py leaves the socket of a parent process alone."""
        if self._connection is not None:  # pragma: no branch - None only if redis-py cannot be imported
            self._connection.disconnect()

    def _read(self) -> Reply:
        from redis.exceptions import ResponseError  # noqa: PLC0415 - as in open

        try:
            return self._connection.read_response()
        except ResponseError as error:
            return ServerError.of(error)


class SyncSlots:
    """A bound on connections for threads."""

    def __init__(self, count: int) -> None:
        self._semaphore = threading.Semaphore(count)

    async def take(self, seconds: float) -> bool:
        """Wait for a slot."""
        return self._semaphore.acquire(timeout=max(seconds, 0))

    def give(self) -> None:
        """Give a slot back."""
        self._semaphore.release()
