"""One run of a server, from its start to its end, as a connection learns of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

#: Asked on each new connection, along with the first questions.
QUESTIONS: Final[tuple[tuple[str, ...], ...]] = (
    ("INFO", "server"),
    ("INFO", "persistence"),
    ("TIME",),
    ("CONFIG", "GET", "appendfsync"),
)
#: A server tells its start in whole seconds; it may have been so much later.
_SECOND_LESS_ONE_MS: Final = 999


@dataclass(frozen=True, slots=True)
class Run:
    """What a connection knows of the server at its other end."""

    #: Drawn by the server at its start; empty where INFO is forbidden, and then no line is ever drawn.
    name: bytes = b""
    #: The latest that its start can have been, by its own clock.
    began_ms: int = 0
    #: Whether it keeps a file of its changes.
    has_aof: bool = False
    #: Whether a change is on disk before its reply is sent.
    is_durable: bool = False

    def words(self, *, is_confirmed: bool) -> tuple[bytes | str | int, ...]:
        """Say what every script on a shard is told."""
        return self.name, self.began_ms, "1" if self.has_aof else "0", "1" if is_confirmed else "0"


def read_run(replies: Sequence[object]) -> Run:
    """Read the replies to ``QUESTIONS``; what the server does not tell is taken for absent."""
    server, persistence = _facts(replies[0]), _facts(replies[1])
    name, uptime, now = server.get(b"run_id", b""), server.get(b"uptime_in_seconds", b""), _pair(replies[2])
    if not uptime.isdigit() or not now or not now[0].isdigit():
        return Run()
    has_aof = persistence.get(b"aof_enabled") == b"1"
    return Run(
        name=name,
        began_ms=(int(now[0]) - int(uptime)) * 1000 + _SECOND_LESS_ONE_MS,
        has_aof=has_aof,
        is_durable=has_aof and _pair(replies[3])[1:] == [b"always"],
    )


def _facts(reply: object) -> dict[bytes, bytes]:
    lines = reply.splitlines() if isinstance(reply, bytes) else []
    pairs = (line.partition(b":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}


def _pair(reply: object) -> list[bytes]:
    words = cast("list[object]", reply) if isinstance(reply, list) else []
    return [word for word in words if isinstance(word, bytes)]
