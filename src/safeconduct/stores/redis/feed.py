"""
What the follower of a local view reads from a server: a shard's state, its log, and its revocations (``snapshot``).

Every change to a shard's revocations is an entry of its log and names the entry before it and the epoch, so that a
reader notices a gap, a trimmed log and another history.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from safeconduct._core.epochs import Epoch, EpochReason
from safeconduct._core.revocation import Revocations
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.stores import scripts
from safeconduct.stores.redis.client import StoreClient
from safeconduct.stores.redis.connection import Command, Reply, ServerError
from safeconduct.stores.redis.shard_calls import (
    LOG_LENGTH,
    REASONS,
    Argument,
    ShardCalls,
    ShardReply,
    integer,
    malformed_reply,
)
from safeconduct.stores.redis.snapshot import REPLY_SECONDS, read_pages
from safeconduct.stores.redis.watermarks import Watermark
from safeconduct.stores.view.local_view import LOG_START, Position
from safeconduct.stores.view.retained import ENDLESS, Retained

#: So many entries of each log are read at once.
LOG_ENTRIES: Final = 1_000
_HEAD_FIELDS: Final = ("epoch", "epoch_ms", "reason", "line", "head")
#: Where it is forbidden, only the operator can know.
_ROLE: Final[Command] = ("ROLE",)


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of a shard's log: something was revoked."""

    position: Position
    #: The entry before it, ``LOG_START`` for the first.
    previous: Position
    epoch: str
    #: What was revoked.
    key: bytes
    #: The cut-off, None for what is revoked without one.
    before_ms: int | None
    #: When the entry may be forgotten; infinite for never.
    expires_s: float


@dataclass(frozen=True, slots=True)
class ShardState:
    """What a shard's data is, and how far."""

    epoch: Epoch
    line: bytes
    #: The latest change.
    position: Position
    #: The latest instant at which a token counts as issued.
    last_issued_ms: int
    #: Entries of credentials that ended by then may be gone.
    forgotten_ms: int
    #: The store's clock.
    now_ms: int

    @property
    def history(self) -> tuple[str, bytes]:
        """What changes when the data becomes other data."""
        return self.epoch.name, self.line


@dataclass(frozen=True, slots=True)
class ShardHead:
    """How far a shard's data is, by its own account."""

    epoch: str
    started_ms: int
    reason: EpochReason
    line: bytes
    position: Position


class Feed:
    """
    Read from one server, by one thread.

    Args:
        client: Sends commands over a connection of its own.
        calls: Runs scripts on shards by the same client.
        revocations: Judges the epoch in each reply.
    """

    def __init__(self, client: StoreClient, calls: ShardCalls, revocations: Revocations) -> None:
        self._client = client
        self._calls = calls
        self._revocations = revocations

    def state(self, shard: int) -> ShardState:
        """
        Return the state of *shard*, which begins if nobody has used it yet.

        Raises:
            Unavailable: If the server gives none, or has lost its data; then the next state has another epoch.
        """
        match run_sync(self._revocations.consult(shard, lambda: self._calls.run(scripts.VIEW_STATE, shard))):
            case ShardReply(
                epoch=Epoch() as epoch, watermark=Watermark() as mark, now_ms=now_ms, first=int(issued), second=int(end)
            ):
                return ShardState(epoch, mark.line, position_of(mark.head), issued, end * 1000, now_ms)
            case _:
                raise malformed_reply()

    def pages(self, shard: int, name: bytes, letters: str) -> Iterator[bytes]:
        """
        Read all of ``rev`` or ``cut`` whose kinds have one of *letters*, all if there are none.

        Raises:
            Unavailable: If the server does not answer.
        """
        return read_pages(self._send, self._calls.shard_key(shard, name), letters)

    def follow(
        self, positions: Mapping[int, Position], *, asked: Sequence[int], block_ms: int
    ) -> tuple[dict[int, ShardHead | None], dict[int, list[Change] | None]]:
        """
        Read how far the shards *asked* are, and wait for changes after *positions*.

        Changes are None where the log has an entry that cannot be read.

        Args:
            positions: The last known change of each shard.
            asked: Shards whose head is read; it is None where the shard has no epoch.
            block_ms: How long the server waits for a change, in milliseconds.

        Raises:
            Unavailable: If the server does not answer.
        """
        # Nobody is told when a primary becomes a replica, unless they wait for it at that moment.
        commands: list[Command] = [_ROLE]
        keys = {self._calls.shard_key(shard, b"log"): shard for shard in positions}
        ids = [b"%d-%d" % position for position in positions.values()]
        commands += [("HMGET", self._calls.shard_key(shard, b"meta"), *_HEAD_FIELDS) for shard in asked]
        commands.append(("XREAD", "COUNT", LOG_ENTRIES, "BLOCK", block_ms, "STREAMS", *keys, *ids))
        role, *replies = self._send(commands, REPLY_SECONDS + block_ms / 1000)
        if isinstance(role, list) and role[:1] != [b"master"]:
            raise Unavailable("the store became a replica")
        heads = {shard: _head(reply) for shard, reply in zip(asked, replies, strict=False)}
        return heads, {keys[name]: _changes(entries) for name, entries in replies[len(asked)] or ()}

    def lease(self, shard: int, lasts_ms: int) -> bool:
        """
        Take the lease for writing lost revocations to *shard* again; False if another process has it.

        Raises:
            Unavailable: If the server does not answer, or refuses to write.
        """
        key = self._calls.shard_key(shard, b"lease")
        [reply] = self._send([("SET", key, "1", "NX", "PX", lasts_ms)], REPLY_SECONDS)
        return reply is not None

    def write_back(self, shard: int, revocations: Sequence[Retained]) -> int:
        """
        Write lost revocations to *shard* again, and return how many of them it lacked.

        Raises:
            Unavailable: If the server does not answer, refuses to write, or has just lost its data.
        """
        arguments: list[Argument] = []
        for key, before_ms, expires_s in revocations:
            expiry = b"+inf" if expires_s == ENDLESS else b"%d" % expires_s
            arguments += (key, -1 if before_ms is None else before_ms, expiry)
        reply = run_sync(
            self._revocations.consult(shard, lambda: self._calls.run(scripts.WRITE_BACK, shard, LOG_LENGTH, *arguments))
        )
        return integer(reply.first)

    def _send(self, commands: Sequence[Command], seconds: float, *, is_script: bool = False) -> list[Reply]:
        replies = run_sync(self._client.send(commands, seconds=seconds))
        for command, reply in zip(commands, replies, strict=True):
            is_harmless = command == _ROLE or (is_script and isinstance(reply, ServerError) and reply.is_missing_script)
            if isinstance(reply, ServerError) and not is_harmless:
                raise self._client.refused(reply)
        return replies

    def close(self) -> None:
        """Drop the connection, or when the thread that waits on it gives it back."""
        self._client.close()


def position_of(entry_id: bytes) -> Position:
    """
    Read the id of a log's entry; ids are compared as two numbers.

    Raises:
        Unavailable: If it is none.
    """
    milliseconds, dash, number = entry_id.partition(b"-")
    if not (dash and milliseconds.isdigit() and number.isdigit()):
        raise malformed_reply()
    return int(milliseconds), int(number)


def _head(reply: Reply) -> ShardHead | None:
    match reply:
        case [None, *_]:
            return None
        case [bytes(epoch), bytes(started), bytes(reason), line, head] if started.isdigit():
            position = LOG_START if head is None else position_of(head)
            return ShardHead(_text(epoch), int(started), REASONS.get(reason, "lost"), line or b"", position)
        case _:
            raise malformed_reply()


def _changes(entries: Reply) -> list[Change] | None:
    try:
        return [_change(entry) for entry in entries]
    except Unavailable:
        return None


def _change(entry: Reply) -> Change:
    match entry:
        case [
            bytes(entry_id),
            [b"p", bytes(previous), b"e", bytes(epoch), b"m", bytes(key), b"b", before, b"x", expiry],
        ]:
            pass
        case _:
            raise malformed_reply()
    try:
        before_ms, expires_s = int(before), float(expiry)
    except ValueError as error:
        raise malformed_reply() from error
    return Change(
        position_of(entry_id),
        position_of(previous),
        _text(epoch),
        key,
        None if before_ms < 0 else before_ms,
        expires_s,
    )


def _text(epoch: bytes) -> str:
    return epoch.decode("ascii", "replace")
