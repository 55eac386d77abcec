"""
The blocking world's connection: redis-py's own, on a socket every step of which ends at one deadline.

redis-py gives each ``recv`` and each address of a host a time-out of its own, so that a reply that arrives byte by
byte, or a host with several silent addresses, takes a multiple of it.  Importing this module imports redis-py.
"""

import os
import socket
import ssl
import struct
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

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
)
from safeconduct.stores.redis.packed import packed

#: The ``struct timeval`` of the operating system.
_TIMEVAL = struct.Struct("@ll")

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
        """Send *commands* in one go and read a reply to each."""
        connection: Any = self._connection
        try:
            connection.set_deadline(time.monotonic() + seconds)
            octets, count = packed(commands, connection.pack_commands)
            connection.send_packed_command([octets])
            replies: list[Reply] = []
            for _ in range(count):
                try:
                    replies.append(connection.read_response())
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
    """
    A socket that raises ``TimeoutError`` once its deadline has passed, however many steps the time was spent on.

    Where it can, the operating system keeps the deadline: with Python's own time-outs each step releases the
    interpreter lock three times instead of once, and other threads take it each time.
    """

    def __init__(self, plain: socket.socket, ends_at: float) -> None:
        self._plain = plain
        #: By the monotonic clock.
        self.ends_at = ends_at
        plain.settimeout(None)
        # TLS has a time-out of its own, and so have the sockets of gevent and eventlet, which do not block.
        self._is_kept_by_system = not isinstance(plain, ssl.SSLSocket) and os.get_blocking(plain.fileno())

    def recv(self, size: int) -> bytes:
        """Receive up to *size* bytes, waiting until the deadline at most."""
        self._set_timeout(socket.SO_RCVTIMEO)
        try:
            return self._plain.recv(size)
        except BlockingIOError:
            raise TimeoutError from None

    def recv_into(self, buffer: Any) -> int:  # pragma: no cover - only hiredis, where it is installed, reads like this
        """Receive into *buffer*."""
        self._set_timeout(socket.SO_RCVTIMEO)
        try:
            return self._plain.recv_into(buffer)
        except BlockingIOError:
            raise TimeoutError from None

    def sendall(self, octets: bytes) -> None:
        """Send all of *octets* before the deadline."""
        while octets:
            self._set_timeout(socket.SO_SNDTIMEO)
            try:
                octets = octets[self._plain.send(octets) :]
            except BlockingIOError:
                raise TimeoutError from None

    def _set_timeout(self, option: int) -> None:
        seconds = seconds_until(self.ends_at)
        if self._is_kept_by_system:
            # At least a microsecond, because zero means without end.
            whole, rest = divmod(max(int(seconds * 1_000_000), 1), 1_000_000)
            self._plain.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL.pack(whole, rest))
        else:
            self._plain.settimeout(seconds)

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

    def _connect(self) -> Any:
        plain = _connected(self._address, self._ends_at)
        if self._address.is_tls:
            try:
                plain.settimeout(seconds_until(self._ends_at))
                # The whole handshake has this time, as has every single step of a TLS socket.
                plain = _tls_context(self._address).wrap_socket(plain, server_hostname=self._address.host)
            except BaseException:
                plain.close()
                raise
        _note_opened(plain)
        self._deadline_socket = DeadlineSocket(plain, self._ends_at)
        return self._deadline_socket


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


def _tls_context(address: Address) -> ssl.SSLContext:
    files = dict(address.tls_files)
    # Certificate and name are checked by default.
    context = ssl.create_default_context(cafile=files.get("ssl_ca_certs"))
    if "ssl_certfile" in files:
        context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
    return context
