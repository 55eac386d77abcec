"""
What the follower of a local view reads from a server: a shard's state, its log, and its revocations (``snapshot``).

Every change to a shard's revocations is an entry of its log and names the entry before it and the epoch, so that a
reader notices a gap, a trimmed log and another history.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation import READING_APART_MS, Revocations
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.stores import scripts
from safeconduct.stores.redis.clients import FeedClient
from safeconduct.stores.redis.connection import Command, Reply, ServerError
from safeconduct.stores.redis.feed_replies import (
    HEAD_FIELDS,
    Change,
    ShardHead,
    position_of,
    read_changes,
    read_head,
    read_time,
)
from safeconduct.stores.redis.shard_calls import (
    LOG_LENGTH,
    Argument,
    ShardCalls,
    ShardReply,
    integer,
    malformed_reply,
)
from safeconduct.stores.redis.snapshot import REPLY_SECONDS, read_pages
from safeconduct.stores.redis.watermarks import Watermark
from safeconduct.stores.view.local_view import Position
from safeconduct.stores.view.retained import ENDLESS, Retained
from safeconduct.stores.view.snapshot_table import Page

#: So many entries of each log are read at once.
LOG_ENTRIES: Final = 1_000
_TIME: Final[Command] = ("TIME",)
#: Where it is forbidden, only the operator can know.
_NO_REPLICAS: Final = "NOREPLICAS"
_ROLE: Final[Command] = ("ROLE",)


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


class WriteRefused(Unavailable):
    """A primary takes no writes, because it has too few replicas: another one may have been promoted by now."""


class Feed:
    """
    Read from one server, by one thread.

    Args:
        client: Sends commands over a connection of its own.
        calls: Runs scripts on shards by the same client.
        revocations: Judges the epoch in each reply, and the server's clock.
        clock: The clock of requests, in seconds since the epoch.
    """

    def __init__(
        self, client: FeedClient, calls: ShardCalls, revocations: Revocations, *, clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._clock = clock
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

    def pages(self, shard: int, name: bytes, letters: bytes, *, base: int) -> Iterator[Page]:
        """
        Read all of ``rev`` or ``cut`` whose kinds have one of *letters*, all if there are none.

        Raises:
            Unavailable: If the server does not answer.
        """
        key = self._calls.shard_key(shard, name)
        return read_pages(lambda command: self._send([command], REPLY_SECONDS)[0], key, letters, base=base)

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
        commands: list[Command] = [_ROLE, _TIME]
        keys = {self._calls.shard_key(shard, b"log"): shard for shard in positions}
        ids = [b"%d-%d" % position for position in positions.values()]
        commands += [("HMGET", self._calls.shard_key(shard, b"meta"), *HEAD_FIELDS) for shard in asked]
        commands.append(("XREAD", "COUNT", LOG_ENTRIES, "BLOCK", block_ms, "STREAMS", *keys, *ids))
        sent_ms = int(self._clock() * 1000)
        role, time, *replies = self._send(commands, REPLY_SECONDS + block_ms / 1000)
        if isinstance(role, list) and role[:1] != [b"master"]:
            raise Unavailable("the store became a replica")
        now_ms = read_time(time) + self._calls.shift_ms()
        # A request that is answered from the view learns nothing of the server's clock.
        if 0 <= int(self._clock() * 1000) - sent_ms <= block_ms + READING_APART_MS:
            self._revocations.report_skew(sent_ms, now_ms)
        heads = {shard: read_head(reply, now_ms) for shard, reply in zip(asked, replies, strict=False)}
        return heads, {keys[name]: read_changes(entries) for name, entries in replies[len(asked)] or ()}

    def beat(self, shards: Sequence[int], *, older_than_ms: int) -> int:
        """
        Let *shards* show that they take writes, if they did so longer ago than *older_than_ms*.

        Returns:
            How long ago the first of them did, in milliseconds.

        Raises:
            WriteRefused: If the server refuses to write for that reason.
            Unavailable: If it does not answer, or refuses for another reason.
        """
        return max(map(integer, self._run(scripts.BEAT, shards, older_than_ms)))

    def _run(self, script: scripts.Script, shards: Sequence[int], milliseconds: int) -> list[Reply]:
        """Run a script on the state of each shard."""
        keys = [self._calls.shard_key(shard, b"meta") for shard in shards]
        arguments = self._calls.shift_ms(), milliseconds
        replies = self._replies([("EVALSHA", script.sha, 1, key, *arguments) for key in keys])
        if any(isinstance(reply, ServerError) for reply in replies):  # NOSCRIPT: no other error is returned
            replies = self._replies([("EVAL", script.text, 1, key, *arguments) for key in keys])
        return replies

    def _replies(self, commands: Sequence[Command]) -> list[Reply]:
        replies = run_sync(self._client.send(commands, seconds=REPLY_SECONDS))
        for reply in replies:
            if isinstance(reply, ServerError) and not reply.is_missing_script:
                refused = self._client.refused(reply)
                raise WriteRefused(refused.reason) if reply.kind == _NO_REPLICAS else refused
        return replies

    def lease(self, shard: int, lasts_ms: int) -> bool:
        """
        Take the lease for writing lost revocations to *shard* again; False if another process has it.

        Raises:
            Unavailable: If the server does not answer, or refuses to write.
        """
        [taken] = self._run(scripts.LEASE, [shard], lasts_ms)
        return integer(taken) == 1

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

    def _send(self, commands: Sequence[Command], seconds: float) -> list[Reply]:
        replies = run_sync(self._client.send(commands, seconds=seconds))
        for command, reply in zip(commands, replies, strict=True):
            if isinstance(reply, ServerError) and command != _ROLE:
                raise self._client.refused(reply)
        return replies

    def close(self) -> None:
        """Drop the connection, or when the thread that waits on it gives it back."""
        self._client.close()
