"""
Find the primary among servers that Redis Sentinel watches.

The sentinels are asked whenever a connection is opened, and at no other time.  What they name must say itself that it
is a primary, because a sentinel that is cut off names one that was demoted.  A connection to a former primary breaks at
its next use, so that its request goes on with a connection to the present one.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from safeconduct.stores.redis.addresses import Address
from safeconduct.stores.redis.connection import (
    REFUSED_INTRODUCTION,
    Command,
    Connection,
    ConnectionBroken,
    PackedCommands,
    Reply,
    ServerError,
    ServerRun,
    exchange_once,
    login_commands,
)

#: Announced and shown where no primary was found.
SILENT: Final = "no sentinel answers"
UNKNOWN_SERVICE: Final = "no sentinel has a primary of the service that store.url names"
REFUSED: Final = "the sentinels refuse user or password: see sentinel_username and sentinel_password in store.url"
OUTDATED: Final = "what the sentinels name as the primary is a replica"
MOVED: Final = "the primary has changed"
#: ``NOAUTH`` is a broken connection to redis-py.
_REFUSALS: Final = frozenset({REFUSED_INTRODUCTION, "AuthenticationError"})


class Sentinels:
    """
    Find the primary of one service; both worlds and the followers share one instance.

    Args:
        sentinels: Where they are.
        service: The name of the primary's group.
        server: The credentials, the database and the certificates for the primary.
    """

    def __init__(self, sentinels: Sequence[Address], service: str, server: Address) -> None:
        #: The one that was right last comes first.
        self._order = deque(sentinels)
        self._service = service
        self._server = server
        #: The primary that was found last.
        self.primary: Address | None = None
        self.reset_lock()

    def reset_lock(self) -> None:
        """Make a lock that no thread holds: in a new process, or a forked one."""
        self._lock = threading.Lock()

    async def connect(
        self, new_connection: Callable[[Address], Connection], seconds: float
    ) -> tuple[Connection, Address]:
        """
        Open a connection to the primary within *seconds*.

        Raises:
            ConnectionBroken: If no sentinel names one that can be reached.
        """
        ends_at = time.monotonic() + seconds
        with self._lock:
            sentinels = list(self._order)
        failure = ConnectionBroken(SILENT, is_final=True)
        for asked, sentinel in enumerate(sentinels):
            # A silent one leaves an equal share of the time to each one after it, and to the primary.
            share = (ends_at - time.monotonic()) / (len(sentinels) - asked + 1)
            try:
                primary = await self._ask(new_connection(sentinel), sentinel, share)
                connection = new_connection(primary)
                await _open(connection, primary, ends_at)
            except ConnectionBroken as broken:
                # What one of them says is more than the silence of others.  All of them are asked, so that nothing is
                # gained by asking once more at once.
                if failure.reason.startswith(SILENT):
                    failure = ConnectionBroken(broken.reason, is_final=True)
                continue
            self.primary = primary
            self._put_first(sentinel)
            return connection, primary
        raise failure

    async def _ask(self, connection: Connection, sentinel: Address, seconds: float) -> Address:
        command: Command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
        try:
            [reply] = await exchange_once(connection, sentinel, [command], seconds)
        except ConnectionBroken as broken:
            is_refused = broken.reason in _REFUSALS
            raise ConnectionBroken(REFUSED if is_refused else f"{SILENT}: {broken.reason}") from broken
        match reply:
            case [bytes(host), bytes(port)] if port.isdigit():
                return self._server.at(host.decode("ascii", "replace"), int(port))
            case ServerError():
                raise ConnectionBroken(REFUSED)
            case _:
                raise ConnectionBroken(UNKNOWN_SERVICE)

    def _put_first(self, sentinel: Address) -> None:
        with self._lock:
            if self._order[0] != sentinel:
                self._order.remove(sentinel)
                self._order.appendleft(sentinel)


class SentinelConnection:
    """
    A connection to the server that is the primary when it is opened.

    Args:
        sentinels: Find the primary.
        new_connection: Makes a connection to an address.
    """

    def __init__(self, sentinels: Sentinels, new_connection: Callable[[Address], Connection]) -> None:
        self._sentinels = sentinels
        self._new_connection = new_connection
        self._connection: Connection | None = None
        self._primary: Address | None = None
        self.run = ServerRun()

    async def open(self, seconds: float) -> None:
        """Find the primary and connect to it within *seconds*."""
        self._connection, self._primary = await self._sentinels.connect(self._new_connection, seconds)

    async def exchange(self, commands: Sequence[Command | PackedCommands], seconds: float) -> list[Reply]:
        """Send *commands* in one go and return a reply to each, unless another primary was found since."""
        if self._connection is None or self._primary != self._sentinels.primary:
            raise ConnectionBroken(MOVED)
        return await self._connection.exchange(commands, seconds)

    def drop(self) -> None:
        """Close without waiting."""
        if self._connection is not None:
            self._connection.drop()


async def _open(connection: Connection, primary: Address, ends_at: float) -> None:
    try:
        await connection.open(ends_at - time.monotonic())
        commands = [*login_commands(primary), ("ROLE",)]
        [*_, role] = await connection.exchange(commands, ends_at - time.monotonic())
    # A task may be cancelled here, and nothing else refers to the connection.
    except BaseException:
        connection.drop()
        raise
    # Where ROLE is refused, the client's own first commands say why.
    if isinstance(role, list) and role[:1] != [b"master"]:
        connection.drop()
        raise ConnectionBroken(OUTDATED)
