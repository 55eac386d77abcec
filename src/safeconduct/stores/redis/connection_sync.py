"""
The blocking world's connection: redis-py's own, on a socket every step of which ends at one deadline.

redis-py gives each ``recv`` and each address of a host a time-out of its own, so that a reply that arrives byte by
byte, or a host with several silent addresses, takes a multiple of it.  Importing this module imports redis-py.
"""

import socket
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from redis.connection import Connection as RedisPyConnection
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
from safeconduct.stores.redis.pairs import PairsCommand, read_pairs

#: So much of a reply to a ``PairsCommand`` is received at once.
_PAIRS_BYTES: Final = 1 << 18

#: What each thread has opened.
_opened: weakref.WeakKeyDictionary[threading.Thread, list[weakref.ref[socket.socket]]] = weakref.WeakKeyDictionary()


def interrupt(thread: threading.Thread) -> None:
    """End from another thread what *thread* waits for on its connections, which are of no use any more."""
    for opened in tuple(_opened.get(thread, ())):
        plain = opened()
        if plain is not None:
            # Not closed, because another socket could get its number while the thread still reads from it.  Not through
            # TLS, whose state belongs to the thread.
            with suppress(OSError):
                socket.socket.shutdown(plain, socket.SHUT_RDWR)


def _note_opened(plain: socket.socket) -> None:
    opened = _opened.setdefault(threading.current_thread(), [])
    opened[:] = [known for known in opened if known() is not None]
    opened.append(weakref.ref(plain))


class SyncConnection:
    """A connection whose coroutines never suspend."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: DeadlineConnection | None = None
        self.run = ServerRun()

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        try:
            self._connection = DeadlineConnection(self._address, time.monotonic() + seconds)
            self._connection.connect()  # type: ignore[no-untyped-call] # redis-py does not type it
        # The driver may raise anything; the server was asked nothing yet.
        except Exception as error:
            raise ConnectionBroken.of(error) from error

    async def exchange(self, commands: Sequence[Command | PackedCommands], seconds: float) -> list[Reply]:
        """Send *commands* in one go and read a reply to each; the ``PairsCommand``, if any, is the last."""
        connection: Any = self._connection
        ends_at = time.monotonic() + seconds
        is_pairs = bool(commands) and isinstance(commands[-1], PairsCommand)
        if is_pairs and len(commands) > 1:
            # redis-py receives more than the reply that it parses.
            earlier = await self.exchange(commands[:-1], seconds)
            return [*earlier, *await self.exchange(commands[-1:], ends_at - time.monotonic())]
        read = connection.read_pairs if is_pairs else connection.read_response
        try:
            connection.set_deadline(ends_at)
            octets, count = packed(commands, connection.pack_commands)
            connection.send_packed_command([octets])
            replies: list[Reply] = []
            for _ in range(count):
                try:
                    replies.append(read())
                except ResponseError as error:
                    replies.append(ServerError.of(error))
        # The driver may raise anything, also where it could not parse the reply; none of it is an answer.
        except Exception as error:
            raise ConnectionBroken.of(error) from error
        return replies

    def drop(self) -> None:
        """Close; redis-py leaves the socket of a parent process alone."""
        if self._connection is not None:  # pragma: no branch - None only where no time was left to open it
            self._connection.disconnect()  # type: ignore[no-untyped-call] # redis-py does not type it


class DeadlineSocket:
    """A socket that raises ``TimeoutError`` once its deadline has passed, however many steps the time was spent on."""

    def __init__(self, plain: socket.socket, ends_at: float) -> None:
        self._plain = plain
        #: By the monotonic clock.
        self.ends_at = ends_at
        self._unread = b""

    def unread(self, octets: bytes) -> None:
        """Let the next steps receive *octets* once more."""
        self._unread = octets

    def recv(self, size: int) -> bytes:
        """Receive up to *size* bytes, waiting until the deadline at most."""
        if self._unread:
            octets, self._unread = self._unread[:size], self._unread[size:]
            return octets
        self._plain.settimeout(seconds_until(self.ends_at))
        return self._plain.recv(size)

    def recv_into(self, buffer: Any) -> int:  # pragma: no cover - only hiredis, where it is installed, reads like this
        """Receive into *buffer*."""
        if self._unread:
            octets = self.recv(len(buffer))
            buffer[: len(octets)] = octets
            return len(octets)
        self._plain.settimeout(seconds_until(self.ends_at))
        return self._plain.recv_into(buffer)

    def sendall(self, octets: bytes) -> None:
        """Send all of *octets* before the deadline."""
        self._plain.settimeout(seconds_until(self.ends_at))
        self._plain.sendall(octets)

    def settimeout(self, seconds: float | None) -> None:
        """Do nothing: redis-py sets a time-out for each step."""

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else that redis-py wants of a socket."""
        return getattr(self._plain, name)


class DeadlineConnection(RedisPyConnection):
    """
    A redis-py connection on a ``DeadlineSocket``.

    Args:
        address: Where the server is.
        ends_at: When connecting must have ended, by the monotonic clock.
    """

    def __init__(self, address: Address, ends_at: float) -> None:
        plain = {name: value for name, value in connection_arguments(address).items() if not name.startswith("ssl_")}
        plain.pop("path", None)
        super().__init__(**plain)  # type: ignore[no-untyped-call] # redis-py does not type it
        self._address = address
        self._ends_at = ends_at
        self._deadline_socket: DeadlineSocket | None = None

    def set_deadline(self, ends_at: float) -> None:
        """Let every later step end at *ends_at*."""
        if self._deadline_socket is not None:  # pragma: no branch - it is connected
            self._deadline_socket.ends_at = ends_at

    def read_pairs(self) -> Any:
        """Read the reply to a ``PairsCommand``; nothing else may be awaited on this connection."""
        driver: Any = self
        plain: Any = self._deadline_socket
        pairs, octets = read_pairs(lambda: _received(plain))
        if pairs is not None:
            return pairs
        plain.unread(octets)
        return driver.read_response()

    def _connect(self) -> Any:
        plain, certificates = _connected(self._address, self._ends_at), self._address.certificates
        if certificates is not None:
            try:
                plain.settimeout(seconds_until(self._ends_at))
                # The whole handshake has this time, as has every single step of a TLS socket.
                plain = certificates.context().wrap_socket(plain, server_hostname=self._address.host)
            except BaseException:
                plain.close()
                raise
        _note_opened(plain)
        self._deadline_socket = DeadlineSocket(plain, self._ends_at)
        return self._deadline_socket


def _received(plain: DeadlineSocket) -> bytes:
    octets = plain.recv(_PAIRS_BYTES)
    if not octets:
        raise ConnectionError
    return octets


def seconds_until(ends_at: float) -> float:
    """
    Return how many seconds are left until *ends_at*; never 0, which would mean a non-blocking socket.

    Raises:
        TimeoutError: If it has passed.
    """
    seconds = ends_at - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _connected(address: Address, ends_at: float) -> socket.socket:
    if address.path is not None:
        return _connected_to((socket.AF_UNIX, socket.SOCK_STREAM, 0), address.path, ends_at)
    failure: OSError = OSError("the host has no address")
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _, target) in enumerate(found):
        # A silent address leaves an equal share of the time to each one after it.
        share = seconds_until(ends_at) / (len(found) - tried)
        try:
            return _connected_to((family, kind, protocol), target, time.monotonic() + share)
        except OSError as error:
            failure = error
    raise failure


def _connected_to(kind: tuple[int, int, int], target: Any, ends_at: float) -> socket.socket:
    plain = socket.socket(*kind)
    try:
        if kind[0] != socket.AF_UNIX:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.settimeout(seconds_until(ends_at))
        plain.connect(target)
    except BaseException:
        plain.close()
        raise
    return plain
