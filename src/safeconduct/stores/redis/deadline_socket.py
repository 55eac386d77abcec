"""
redis-py's blocking connection, on a socket every step of which ends at one instant.

redis-py gives each ``recv`` and each address of a host a time-out of its own, so that a reply that drips byte by byte,
or a host with several silent addresses, takes a multiple of it.
"""

import socket
import ssl
import time
from typing import Any

from redis.connection import Connection

from safeconduct.stores.redis.connection import Address, connection_arguments


class DeadlineSocket:
    """A socket that raises ``TimeoutError`` once its deadline is over, in however many steps the time went by."""

    def __init__(self, plug: socket.socket, ends_at: float) -> None:
        self._plug = plug
        #: By the monotonic clock.
        self.ends_at = ends_at

    def recv(self, size: int) -> bytes:
        """Receive what is there, or wait until the deadline."""
        self._plug.settimeout(seconds_until(self.ends_at))
        return self._plug.recv(size)

    def recv_into(self, buffer: Any) -> int:  # pragma: no cover - only hiredis, where it is installed, reads like this
        """Receive into *buffer*."""
        self._plug.settimeout(seconds_until(self.ends_at))
        return self._plug.recv_into(buffer)

    def sendall(self, octets: bytes) -> None:
        """Send all of *octets* before the deadline."""
        self._plug.settimeout(seconds_until(self.ends_at))
        self._plug.sendall(octets)

    def settimeout(self, seconds: float | None) -> None:
        """Do nothing: redis-py's time-outs are one for each step."""

    def __getattr__(self, name: str) -> Any:
        """Give whatever else redis-py wants of a socket."""
        return getattr(self._plug, name)


class DeadlineConnection(Connection):
    """
    A connection whose every step ends at one instant.

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

    def hurry(self, ends_at: float) -> None:
        """Let whatever is sent and read from now on end at *ends_at*."""
        if self._deadline_socket is not None:  # pragma: no branch - it is connected
            self._deadline_socket.ends_at = ends_at

    def _connect(self) -> Any:
        plug = _connected(self._address, self._ends_at)
        if self._address.is_tls:
            try:
                plug.settimeout(seconds_until(self._ends_at))
                # The handshake as a whole has this time, as every single step of a TLS socket has.
                plug = _tls_context(self._address).wrap_socket(plug, server_hostname=self._address.host)
            except BaseException:
                plug.close()
                raise
        self._deadline_socket = DeadlineSocket(plug, self._ends_at)
        return self._deadline_socket


def seconds_until(ends_at: float) -> float:
    """
    Return how long that is from now; never 0, which would mean a socket that does not wait at all.

    Raises:
        TimeoutError: If it is over.
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
    for tried, (family, kind, protocol, _, place) in enumerate(found):
        # A silent address leaves their share to those after it.
        share = seconds_until(ends_at) / (len(found) - tried)
        try:
            return _connected_to((family, kind, protocol), place, time.monotonic() + share)
        except OSError as error:
            failure = error
    raise failure


def _connected_to(kind: tuple[int, int, int], place: Any, ends_at: float) -> socket.socket:
    plug = socket.socket(*kind)
    try:
        if kind[0] != socket.AF_UNIX:
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plug.settimeout(seconds_until(ends_at))
        plug.connect(place)
    except BaseException:
        plug.close()
        raise
    return plug


def _tls_context(address: Address) -> ssl.SSLContext:
    files = dict(address.tls_files)
    # Certificate and name are checked by default.
    context = ssl.create_default_context(cafile=files.get("ssl_ca_certs"))
    if "ssl_certfile" in files:
        context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
    return context
