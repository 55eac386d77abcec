"""
One connection to a server, in either world.

The two worlds differ in this port alone: what is sent, in what order, and what is made of the replies is the same code.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from safeconduct.errors import ConfigurationError
from safeconduct.stores.redis.server_run import Run

_PLAIN = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_TLS_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
_DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class Address:
    """A server's place: a host and port, or a socket's path."""

    host: str | None
    port: int
    path: str | None
    is_tls: bool
    database: int
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    #: Paths of certificates and of the key, by redis-py's names.
    tls_files: tuple[tuple[str, str], ...] = ()


def parse_address(url: str) -> Address:
    """
    Read ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://``.

    The query may name a database (``db``) and, with TLS, ``ssl_ca_certs``, ``ssl_certfile`` and ``ssl_keyfile``.
    Certificates and names are always checked.

    Raises:
        ConfigurationError: If it cannot be read; the text does not repeat the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
        query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        is_unix = parts.scheme == "unix"
        database = int(query.pop("db", "0") if is_unix else query.pop("db", parts.path.strip("/") or "0"))
    except ValueError:
        raise ConfigurationError("store.url: wanted redis://[user:password@]host[:port][/database]") from None
    is_tls = _PLAIN.get(parts.scheme, False)
    if not is_unix and parts.scheme not in _PLAIN:
        raise ConfigurationError(f"store.url: scheme {parts.scheme!r}, wanted redis, rediss, valkey, valkeys or unix")
    unknown = sorted(set(query) - (_TLS_FILES if is_tls else set()))
    if unknown or database < 0:
        raise ConfigurationError(f"store.url: unknown {', '.join(unknown) or 'database below 0'}, wanted db, ssl_…")
    if is_unix and not parts.path:
        raise ConfigurationError("store.url: no path, wanted unix:///path/of/the.socket")
    return Address(
        host=None if is_unix else parts.hostname or "127.0.0.1",
        port=port,
        path=unquote(parts.path) if is_unix else None,
        is_tls=is_tls,
        database=database,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls_files=tuple(sorted(query.items())),
    )


Command = tuple[bytes | str | int, ...]
#: What a server says: text, a number, a list, nothing, or a ``ServerError`` in its command's place.
Reply = Any


@dataclass(frozen=True, slots=True)
class ServerError:
    """A server's error; *kind* is its class in redis-py, or its first word: the rest may quote arguments."""

    kind: str

    @classmethod
    def of(cls, error: Exception) -> "ServerError":
        """Read the kind out of an error of redis-py, which strips the word from those that it has a class for."""
        name = type(error).__name__
        return cls(str(error).partition(" ")[0] if name == "ResponseError" else name)

    @property
    def is_missing_script(self) -> bool:
        """Whether the server does not have the script."""
        return self.kind == "NoScriptError"


class ConnectionBroken(Exception):
    """
    The connection failed, and it is unknown whether the server heard.

    Args:
        reason: Why, without anything that was sent.
        is_final: Whether trying again is of no use.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        #: Whether another connection broke for the same cause, and was counted.
        self.is_known = False

    @classmethod
    def of(cls, error: Exception) -> "ConnectionBroken":
        """Say what *error* of a driver means, without its text, which may quote what was sent."""
        return cls(_reason(error), is_final=isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutError")


class Connection(Protocol):
    """A connection.  After ``ConnectionBroken``, or anything else that it raises, it must be dropped."""

    #: The run of the server at its other end, as ``StoreClient`` learned it.
    run: Run

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        ...

    async def exchange(self, commands: Sequence[Command], seconds: float) -> list[Reply]:
        """Send *commands* at once and return a reply to each within *seconds*; a server's refusal is a reply."""
        ...

    def drop(self) -> None:
        """Close without waiting; also after its event loop was closed, from whichever thread finds that out."""
        ...


class Slots(Protocol):
    """How many may hold a connection at once."""

    async def take(self, seconds: float) -> bool:
        """Wait for a slot, at most *seconds*, and say whether there is one."""
        ...

    def give(self) -> None:
        """Give a slot back."""
        ...


def connection_arguments(address: Address) -> dict[str, Any]:
    """Say what redis-py is told of *address*; user and database go with the first commands."""
    arguments: dict[str, Any] = {"protocol": 2, **_without_introduction()}
    if address.path is not None:
        return {**arguments, "path": address.path}
    arguments |= {"host": address.host, "port": address.port}
    if not address.is_tls:
        return arguments
    # "ssl_check_hostname" is off by default before redis-py 6: a certificate of any name would do.
    return {**arguments, **dict(address.tls_files), "ssl_cert_reqs": "required", "ssl_check_hostname": True}


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        # What ssl says of a certificate names the server, and nothing that was sent.
        if (verdict := getattr(cause, "verify_message", None)) is not None:
            return f"its certificate is not accepted: {verdict}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _without_introduction() -> dict[str, None]:
    # redis-py would spend a round trip on telling its name, and deprecates one way of saying no in favour of the other.
    if importlib.util.find_spec("redis.driver_info") is not None:
        return {"driver_info": None}
    return {"lib_name": None, "lib_version": None}
