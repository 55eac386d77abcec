"""
One connection to a Redis or Valkey server: its errors, and what is known of the server at its other end.

The two worlds differ in the ``Connection`` alone: what is sent, in which order, and what follows from the replies is
the same code.
"""

import importlib.util
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, cast

from safeconduct.stores.redis.addresses import Address

# redis-py below 6 has these classes for its own cluster client alone.
_CLUSTER_ERRORS: Final = {
    "MovedError": "MOVED",
    "AskError": "ASK",
    "TryAgainError": "TRYAGAIN",
    "ClusterDownError": "CLUSTERDOWN",
    "ClusterCrossSlotError": "CROSSSLOT",
}
_REDIRECTION: Final = r" (\S*):([0-9]{1,5})$"

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

    #: The name of redis-py's class for it, or else its first word; a cluster's errors always by their word.
    kind: str
    #: Host and port of the node that ``MOVED`` or ``ASK`` names; an empty host is that of the node that replied.
    node: tuple[str, int] | None = None
    #: Over how many shards the data are spread, where a script refuses because the caller's number differs.
    shards: int | None = None

    @classmethod
    def of(cls, error: Exception) -> "ServerError":
        """Read the kind of a redis-py error; redis-py strips the first word of those that it has a class for."""
        name, text = type(error).__name__, str(error)
        kind = text.partition(" ")[0] if name == "ResponseError" else _CLUSTER_ERRORS.get(name, name)
        node = re.search(_REDIRECTION, text) if kind in {"MOVED", "ASK"} else None
        shards = re.fullmatch(r"SHARDS ([0-9]{1,4})", text)
        return cls(kind, None if node is None else (node[1], int(node[2])), None if shards is None else int(shards[1]))

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


#: The reason why a connection is dropped whose first commands were refused.
REFUSED_INTRODUCTION: Final = "the store refuses user, password or database"
#: The reason why it is dropped while its server is loading its data: redis-py's name for that refusal.
IS_LOADING: Final = "BusyLoadingError"
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
    """
    Read the replies to ``RUN_COMMANDS``; what the server does not say counts as absent.

    Raises:
        ConnectionBroken: If the server is loading its data.
    """
    server, persistence = _info_fields(replies[0]), _info_fields(replies[1])
    if persistence.get(b"loading") == b"1":
        # While a server reads its append-only file, it says that it keeps none, which would prove a loss.
        raise ConnectionBroken(IS_LOADING, is_final=True)
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
    """
    The commands before and after the questions to one shard, sent once for all of them.

    Args:
        key: One of the shard's keys.
        opening: The command before.
        closing: The command after.
    """

    __slots__ = ("closing", "key", "opening")

    def __init__(self, key: bytes, opening: Command, closing: Command) -> None:
        self.key = key
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


def login_commands(address: Address) -> list[Command]:
    """Return the commands that a connection begins with, to name its user and its database."""
    commands: list[Command] = []
    if address.password is not None:
        names = () if address.username is None else (address.username,)
        commands.append(("AUTH", *names, address.password))
    if address.database:
        commands.append(("SELECT", address.database))
    return commands


async def exchange_once(
    connection: Connection, address: Address, commands: Sequence[Command], seconds: float
) -> list[Reply]:
    """
    Open *connection*, send *commands* and drop it again, all within *seconds*.

    Raises:
        ConnectionBroken: If the server does not answer, or refuses the user, password or database.
    """
    ends_at, login = time.monotonic() + seconds, login_commands(address)
    try:
        await connection.open(seconds)
        replies = await connection.exchange([*login, *commands], ends_at - time.monotonic())
    finally:
        connection.drop()
    if any(isinstance(reply, ServerError) for reply in replies[: len(login)]):
        raise ConnectionBroken(REFUSED_INTRODUCTION, is_final=True)
    return replies[len(login) :]


def connection_arguments(address: Address) -> dict[str, Any]:
    """Return redis-py's arguments for *address*; user and database are sent with the first commands."""
    arguments: dict[str, Any] = {"protocol": 2, **_no_client_name()}
    if address.path is not None:
        return {**arguments, "path": address.path}
    arguments |= {"host": address.host, "port": address.port}
    if address.certificates is None:
        return arguments
    # "ssl_check_hostname" is off by default before redis-py 6, which would accept a certificate of any name.
    return {**arguments, **dict(address.certificates.files), "ssl_cert_reqs": "required", "ssl_check_hostname": True}


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
