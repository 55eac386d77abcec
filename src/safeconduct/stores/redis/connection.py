"""
One connection to a Redis or Valkey server: its address, its errors, and what is known of the server at its other end.

The two worlds differ in the ``Connection`` alone: what is sent, in which order, and what follows from the replies is
the same code.
"""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, cast
from urllib.parse import parse_qs, unquote, urlsplit

from safeconduct.errors import ConfigurationError

#: Whether each scheme means TLS.
_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_TLS_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
_DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: a host and port, or the path of a Unix socket."""

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
    Parse a ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://`` URL.

    The query may name a database (``db``) and, with TLS, ``ssl_ca_certs``, ``ssl_certfile`` and ``ssl_keyfile``.
    Certificates and server names are always checked.

    Raises:
        ConfigurationError: If it cannot be parsed; the text does not repeat the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
        query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        is_unix = parts.scheme == "unix"
        database = int(query.pop("db", "0") if is_unix else query.pop("db", parts.path.strip("/") or "0"))
    except ValueError:
        raise ConfigurationError("store.url: wanted redis://[user:password@]host[:port][/database]") from None
    is_tls = _SCHEMES.get(parts.scheme, False)
    if not is_unix and parts.scheme not in _SCHEMES:
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
#: A server's reply: bytes, a number, a list, None, or a ``ServerError`` where it refused the command.
Reply = Any


class PackedCommands:
    """
    Commands that are sent many times, and packed by redis-py once.

    Args:
        commands: The commands.
    """

    __slots__ = ("_commands", "_octets", "count")

    def __init__(self, *commands: Command) -> None:
        self.count = len(commands)
        self._commands = commands
        self._octets: bytes | None = None

    def packed_by(self, pack: Callable[[Sequence[Command]], Sequence[bytes]]) -> bytes:
        """Return the bytes to send; *pack* is called the first time."""
        # Read first: another thread may pack them, and forget the commands, meanwhile.
        commands, octets = self._commands, self._octets
        if octets is None:
            octets = self._octets = b"".join(pack(commands))
            self._commands = ()
        return octets


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error that a server replied with; the rest of its text is left out, since it may quote arguments."""

    #: The name of redis-py's class for it, or else its first word.
    kind: str

    @classmethod
    def of(cls, error: Exception) -> "ServerError":
        """Read the kind of a redis-py error; redis-py strips the first word of those that it has a class for."""
        name = type(error).__name__
        return cls(str(error).partition(" ")[0] if name == "ResponseError" else name)

    @property
    def is_missing_script(self) -> bool:
        """Whether the server does not have the script in its cache."""
        return self.kind == "NoScriptError"


class ConnectionBroken(Exception):
    """
    The connection failed, and whether the server ran the command is unknown.

    Args:
        reason: Why, without anything that was sent.
        is_final: Whether another try is pointless.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        #: Whether another connection broke of the same cause, and was counted.
        self.is_known = False

    @classmethod
    def of(cls, error: Exception) -> "ConnectionBroken":
        """Translate a driver's *error*, without its text, which may quote what was sent."""
        return cls(_reason(error), is_final=isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutError")


#: Sent on each new connection, to learn which run of the server it leads to.
RUN_COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("INFO", "server"),
    ("INFO", "persistence"),
    ("TIME",),
    ("CONFIG", "GET", "appendfsync"),
)
#: A server gives its uptime in whole seconds, so that it may have started this much later.
_SECOND_LESS_ONE_MS: Final = 999


@dataclass(frozen=True, slots=True)
class ServerRun:
    """One run of a server, from its start to its end; without values where the server does not describe itself."""

    #: The ``run_id`` that the server drew at its start; empty where ``INFO`` is forbidden: restarts then go unnoticed.
    name: bytes = b""
    #: The latest instant at which it can have started, by its own clock.
    began_ms: int = 0
    #: Whether it keeps an append-only file.
    has_aof: bool = False
    #: Whether each change is on disk before the reply is sent.
    is_durable: bool = False


def read_run(replies: Sequence[object]) -> ServerRun:
    """Read the replies to ``RUN_COMMANDS``; what the server does not say counts as absent."""
    server, persistence = _info_fields(replies[0]), _info_fields(replies[1])
    name, uptime, now = server.get(b"run_id", b""), server.get(b"uptime_in_seconds", b""), _words(replies[2])
    if not uptime.isdigit() or not now or not now[0].isdigit():
        return ServerRun()
    has_aof = persistence.get(b"aof_enabled") == b"1"
    return ServerRun(
        name=name,
        began_ms=(int(now[0]) - int(uptime)) * 1000 + _SECOND_LESS_ONE_MS,
        has_aof=has_aof,
        is_durable=has_aof and _words(replies[3])[1:] == [b"always"],
    )


class ShardCommands:
    """What is sent before and after the questions to one shard, for all of them once: a command each."""

    __slots__ = ("closing", "opening")

    def __init__(self, opening: Command, closing: Command) -> None:
        self.opening = PackedCommands(opening)
        self.closing = PackedCommands(closing)


class PlainReplies(NamedTuple):
    """The replies to one question, and the run of the server that sent them."""

    opening: Reply
    replies: list[Reply]
    closing: Reply
    run: bytes


class Connection(Protocol):
    """A connection; after it has raised anything, ``ConnectionBroken`` included, it must be dropped."""

    #: The run of the server at its other end, as ``StoreClient`` learned it.
    run: ServerRun

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        ...

    async def exchange(self, commands: Sequence[Command | PackedCommands], seconds: float) -> list[Reply]:
        """Send *commands* in one go and return a reply to each within *seconds*; a refusal is a reply."""
        ...

    def drop(self) -> None:
        """Close without waiting; works after its event loop was closed too, and from any thread."""
        ...


def packed(
    commands: Sequence[Command | PackedCommands], pack: Callable[[Sequence[Command]], Sequence[bytes]]
) -> tuple[bytes, int]:
    """Return what to send for *commands*, and how many replies will come; *pack* is redis-py's."""
    octets: list[bytes] = []
    count = 0
    for each in commands:
        if isinstance(each, PackedCommands):
            octets.append(each.packed_by(pack))
            count += each.count
        else:
            octets += pack([each])
            count += 1
    return b"".join(octets), count


def connection_arguments(address: Address) -> dict[str, Any]:
    """Return redis-py's arguments for *address*; user and database are sent with the first commands."""
    arguments: dict[str, Any] = {"protocol": 2, **_no_client_name()}
    if address.path is not None:
        return {**arguments, "path": address.path}
    arguments |= {"host": address.host, "port": address.port}
    if not address.is_tls:
        return arguments
    # "ssl_check_hostname" is off by default before redis-py 6, which would accept a certificate of any name.
    return {**arguments, **dict(address.tls_files), "ssl_cert_reqs": "required", "ssl_check_hostname": True}


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        # This text is about the certificate and the server's name; it quotes nothing that was sent.
        if (verdict := getattr(cause, "verify_message", None)) is not None:
            return f"its certificate is not accepted: {verdict}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _no_client_name() -> dict[str, None]:
    # redis-py would spend a round trip on its own name, and deprecates one way to switch that off for the other.
    if importlib.util.find_spec("redis.driver_info") is not None:
        return {"driver_info": None}
    return {"lib_name": None, "lib_version": None}


def _info_fields(reply: object) -> dict[bytes, bytes]:
    lines = reply.splitlines() if isinstance(reply, bytes) else []
    pairs = (line.partition(b":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}


def _words(reply: object) -> list[bytes]:
    words = cast("list[object]", reply) if isinstance(reply, list) else []
    return [word for word in words if isinstance(word, bytes)]
