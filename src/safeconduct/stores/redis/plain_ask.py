"""
Ask a shard by plain commands whether a credential was revoked, which costs its server a small part of the script.

::

    ZADD rev XX -inf ""  the server is a primary: a replica refuses it, and nothing is ever written
    ZMSCORE rev …        the marks of the credential
    ZMSCORE cut …        its cut-offs
    HMGET meta …         the state of the data, last, so that data that were emptied or pruned meanwhile show it

The first and the last are sent once for all requests that ask a shard at the same time.

The answer counts only if the state is exactly the one that this process knew when it asked, and the credential proves
no loss; in every other case, and for everything that only the script can do, the script decides.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus
from safeconduct.stores.redis.clients import ClientSource
from safeconduct.stores.redis.connection import (
    Command,
    PackedCommands,
    PlainReplies,
    Reply,
    ServerError,
    ShardCommands,
)
from safeconduct.stores.redis.shard_calls import ShardReply
from safeconduct.stores.redis.watermarks import Watermark, Watermarks

#: How often each process sends the script all the same, in place of the plain commands: it confirms the horizon, writes
#: the beat and brings the store's clock.
SCRIPT_EVERY_SECONDS: Final = 5.0
#: How long a shard that refused a plain command is asked by the script only.
REFUSED_SECONDS: Final = 5.0
_META_FIELDS: Final = ("epoch", "epoch_ms", "reason", "line", "head", "run", "pruned_s", "stamped")
_STATE_FIELDS: Final = 5
#: The member of each set that nothing removes; a set without it was evicted, or deleted.
_PERMANENT: Final = ""


class _Known:
    """What this process knows of a shard, as its latest script has left it."""

    __slots__ = ("_epoch", "counts", "fields", "revoked", "script_at", "started_ms", "store_ms", "watermark")

    def __init__(self, epoch: Epoch, watermark: Watermark, store_ms: int, script_at: float) -> None:
        self.watermark = watermark
        self.started_ms = epoch.started_ms
        #: The store's clock by then, which is later now.
        self.store_ms = store_ms
        #: From when on the next request sends the script.
        self.script_at = script_at
        head = None if watermark.order == (0, 0) else watermark.head
        #: The values of the first fields of ``meta`` that make an answer count.
        self.fields = [epoch.name.encode(), b"%d" % epoch.started_ms, epoch.reason.encode(), watermark.line, head]
        self.counts = RevocationStatus(epoch, is_empty=False, is_revoked=False, now_ms=None)
        self.revoked = RevocationStatus(epoch, is_empty=False, is_revoked=True, now_ms=None)
        self._epoch = epoch

    def at(self, watermark: Watermark) -> "_Known":
        """Return the same with another watermark of the same epoch."""
        return _Known(self._epoch, watermark, self.store_ms, self.script_at)


class PlainAsk:
    """
    Ask by plain commands, for one world.

    Args:
        clients: Finds the client of this world.
        watermarks: What the process knows of the data; shared between the worlds.
        shard_key: Returns a key of a shard.
        leeway_ms: The leeway granted to clocks.
        monotonic: A clock that never goes back, in seconds.
    """

    def __init__(
        self,
        clients: ClientSource,
        watermarks: Watermarks,
        shard_key: Callable[[int, bytes], bytes],
        *,
        leeway_ms: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._watermarks = watermarks
        self._shard_key = shard_key
        #: What the keys of a prepared question begin with.
        self._prefix = shard_key(0, b"")
        self._shard_commands: dict[int, ShardCommands] = {}
        self._leeway_ms = leeway_ms
        self._monotonic = monotonic
        #: By shard.
        self._known: dict[int, _Known] = {}
        self._refused_until: dict[int, float] = {}

    async def ask(self, query: RevocationQuery) -> RevocationStatus | None:
        """
        Return whether a credential was revoked, None where the script must decide.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        known = self._admitting(query)
        if known is None:
            return None
        prepared = query.prepared
        if not isinstance(prepared, _Prepared) or prepared.prefix != self._prefix:
            prepared = self._prepare(query)
        shard = self._shard_commands.get(query.shard) or self._commands_of(query.shard)
        answer = await self._clients.client().read(shard, prepared)
        return None if answer is None else self._status(query, known, answer)

    def learn(self, shard: int, reply: ShardReply) -> None:
        """Note what a reply of the script says about the shard."""
        epoch, mark = reply.epoch, self._watermarks.known.get(shard)
        if (
            epoch is None
            or mark is None
            or not mark.line
            or (mark.epoch, mark.started_ms) != (epoch.name, epoch.started_ms)
        ):
            self._known.pop(shard, None)
            return
        if epoch.witness:
            epoch = replace(epoch, witness="")
        self._known[shard] = _Known(epoch, mark, reply.now_ms, self._monotonic() + SCRIPT_EVERY_SECONDS)

    def _admitting(self, query: RevocationQuery) -> _Known | None:
        """Return the knowledge of the shard, if plain commands may decide about the credential."""
        known, mark = self._known.get(query.shard), self._watermarks.known.get(query.shard)
        if known is None or mark is None or query.needs_record or query.reference is not None:
            return None
        if mark is not known.watermark:
            # Another script of this process, or its follower, has learned more.
            if mark.epoch != known.watermark.epoch or mark.started_ms != known.started_ms:
                return None
            known = self._known[query.shard] = known.at(mark)
        if self._watermarks.pending:
            # A file does not have them yet, and is written at most once a second.
            self._watermarks.keep(query.shard, mark)
        # Older than the data, or perhaps issued in the future: both depend on the store's clock.
        if query.issued_ms <= known.started_ms or (query.marks and query.issued_ms > known.store_ms + self._leeway_ms):
            return None
        now = self._monotonic()
        if now >= known.script_at:
            # The others need not wait for the one that sends the script.
            known.script_at = now + SCRIPT_EVERY_SECONDS
            return None
        return known if now >= self._refused_until.get(query.shard, now) else None

    def _commands_of(self, shard: int) -> ShardCommands:
        rev, meta = self._shard_key(shard, b"rev"), self._shard_key(shard, b"meta")
        return self._shard_commands.setdefault(
            shard, ShardCommands(rev, ("ZADD", rev, "XX", "-inf", _PERMANENT), ("HMGET", meta, *_META_FIELDS))
        )

    def _prepare(self, query: RevocationQuery) -> "_Prepared":
        commands: list[Command] = []
        if query.marks:
            commands.append(("ZMSCORE", self._shard_key(query.shard, b"rev"), *query.marks, _PERMANENT))
        if query.cuts:
            commands.append(("ZMSCORE", self._shard_key(query.shard, b"cut"), *query.cuts, _PERMANENT))
        prepared = _Prepared(self._prefix, *commands)
        query.prepare(prepared)
        return prepared

    def _status(self, query: RevocationQuery, known: _Known, answer: PlainReplies) -> RevocationStatus | None:
        try:
            return self._judged(query, known, answer)
        except (TypeError, ValueError):
            # Another application writes to our keys; the script says so.
            return None

    def _judged(self, query: RevocationQuery, known: _Known, answer: PlainReplies) -> RevocationStatus | None:
        role, scores, meta, run = answer
        if role != 0 or meta.__class__ is not list or _first_error(scores) is not None:
            # A server that lacks a command, or forbids it, or is not the one that has the slot.
            self._refused_until[query.shard] = self._monotonic() + REFUSED_SECONDS
            return None
        if meta[:_STATE_FIELDS] != known.fields or _proves_more(query, meta, run):
            return None
        if any(each[-1] is None for each in scores):
            return None
        if query.marks and scores[0][:-1] != [None] * len(query.marks):
            return known.revoked
        for before in scores[-1][:-1] if query.cuts else ():
            if before is not None and query.issued_ms <= float(before):
                return known.revoked
        return known.counts


def _first_error(scores: list[Reply]) -> ServerError | None:
    for each in scores:
        if isinstance(each, ServerError):
            return each
    return None


def _proves_more(query: RevocationQuery, meta: list[Reply], run: bytes) -> bool:
    """Say whether the data may be set back, or may have forgotten an entry of the credential."""
    data_run, pruned_s, stamped_ms = meta[_STATE_FIELDS:]
    return (
        # The connection leads to another run of the server than the one that made the latest changes.
        run not in {b"", data_run}
        or (pruned_s is not None and query.ends_ms <= int(pruned_s) * 1000)
        # A token of ours that the data have not issued.
        or (query.instance is not None and query.issued_ms > int(stamped_ms or 0))
    )


class _Prepared(PackedCommands):
    """The commands of one question, and what its keys begin with."""

    __slots__ = ("prefix",)

    def __init__(self, prefix: bytes, *commands: Command) -> None:
        super().__init__(*commands)
        self.prefix = prefix
