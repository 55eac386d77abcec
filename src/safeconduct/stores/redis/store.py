"""
The store in a Redis or Valkey server.

The four keys of shard NN share the tag ``{sc:NN}``, and so a slot: ``rev`` (revocation key → when it may be forgotten,
in seconds), ``cut`` (revocation key → ``before_ms``), ``log`` (a stream of every change) and ``meta``.  The throttle's
counters share ``{sc:throttle}``, because one try counts in several of them at once.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from safeconduct._core.api_keys.wire_form import owner_part, parse_key_id
from safeconduct._core.budget import within_one_budget
from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus, clamped_ms
from safeconduct._core.store import (
    MARGIN_MS,
    TRY_TAG_BYTES,
    Counter,
    IssueTime,
    Revocation,
    SingleUse,
    Used,
    UseOutcome,
    Written,
)
from safeconduct.errors import Unavailable
from safeconduct.stores import scripts
from safeconduct.stores.redis.api_keys import RedisApiKeys
from safeconduct.stores.redis.calls import Call
from safeconduct.stores.redis.clients import ClientSource
from safeconduct.stores.redis.opaque import RedisOpaqueTokens
from safeconduct.stores.redis.plain_ask import PlainAsk
from safeconduct.stores.redis.sessions import RedisSessions
from safeconduct.stores.redis.shard_calls import LOG_LENGTH, ShardCalls, TokenWitness, integer, malformed_reply
from safeconduct.stores.redis.watermarks import Watermarks
from safeconduct.stores.view.local_view import LocalView

_EPOCH_NAME_BYTES = 16
#: The replies are the bits of one number, and Lua's numbers have 53.
_ASKED_TOGETHER = 48
_USE_OUTCOMES: dict[object, UseOutcome] = {b"first": "first", b"used": "used", b"revoked": "revoked"}


class RedisStore:
    """
    The port to a server, for either world.

    Args:
        clients: Finds the client of this world.
        watermarks: What the process knows of the data; shared between the worlds.
        epochs: What it has seen of the data; shared too.
        view: What the process knows of revocations; None if nothing is kept.
        key_prefix: What every key begins with.
        shards: Over how many shards the keys are spread.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: The leeway granted to clocks.
        min_replicas: How many replicas a revocation waits for.
        shift_ms: How far the store's clock is shifted; 0 except in tests.
        monotonic: A clock that never goes back, in seconds.
    """

    #: Another process may revoke anything, so that every query needs a command.
    view = None

    def __init__(  # noqa: PLR0913 - what both worlds share, and what the scripts are told
        self,
        clients: ClientSource,
        watermarks: Watermarks,
        epochs: Epochs,
        view: LocalView | None,
        *,
        key_prefix: str,
        shards: int,
        horizon_ms: int,
        leeway_ms: int,
        min_replicas: int,
        shift_ms: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._clients = clients
        self.epochs = epochs
        self.bounded_view = view
        self._prefix = key_prefix.encode()
        self._calls = ShardCalls(
            clients, watermarks, view, key_prefix=key_prefix, shards=shards, horizon_ms=horizon_ms, shift_ms=shift_ms
        )
        self._plain = PlainAsk(clients, watermarks, self._calls.shard_key, leeway_ms=leeway_ms, monotonic=monotonic)
        self._leeway_ms = leeway_ms
        self._min_replicas = min_replicas
        self._shift_ms = shift_ms
        #: The sessions, on the same slots.
        self.sessions = RedisSessions(self._calls, leeway_ms=leeway_ms, min_replicas=min_replicas)
        #: The opaque tokens, on the same slots.
        self.opaque_tokens = RedisOpaqueTokens(self._calls)
        #: The API keys, on the same slots.
        self.api_keys = RedisApiKeys(self._calls)

    async def ask(self, query: RevocationQuery) -> RevocationStatus:
        """Ask on one slot, in one round trip while nothing has changed, else in two."""
        return await self._ask(query)

    @within_one_budget
    async def _ask(self, query: RevocationQuery) -> RevocationStatus:
        if self.bounded_view is not None:
            self.bounded_view.begin()
        status = await self._plain.ask(query)
        return status or await self._ask_by_script(query)

    async def _ask_by_script(self, query: RevocationQuery) -> RevocationStatus:
        if query.api_key is not None:
            return (await self.api_keys.use(query)).status
        marks, shard = query.marks, query.shard
        keys: list[bytes] = []
        if query.required_session is not None:
            keys.append(self._calls.session_key(shard, query.required_session))
        if query.reference is not None:
            keys.append(self._calls.token_key(shard, query.reference))
        reply = await self._calls.run(
            scripts.ASK,
            shard,
            query.issued_ms,
            query.ends_ms,
            len(marks),
            *marks,
            *query.cuts,
            keys=tuple(keys),
            witness=TokenWitness(query.instance or b"", query.issued_ms),
        )
        self._plain.learn(shard, reply)
        return RevocationStatus(reply.epoch, reply.is_empty, integer(reply.first) == 1, reply.now_ms)

    async def ask_all(self, queries: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Ask in one command for each shard, or several if one reply cannot hold all answers."""
        answers: dict[RevocationQuery, RevocationStatus] = {}
        # A query that requires a record is asked by itself.
        alike = [query for query in queries if not query.needs_record]
        for shard in dict.fromkeys(query.shard for query in alike):
            on_shard = [query for query in alike if query.shard == shard]
            for first in range(0, len(on_shard), _ASKED_TOGETHER):
                some = on_shard[first : first + _ASKED_TOGETHER]
                answers |= zip(some, await self._ask_some(shard, some), strict=True)
        return answers

    async def _ask_some(self, shard: int, queries: Sequence[RevocationQuery]) -> list[RevocationStatus]:
        arguments = [each for query in queries for each in _arguments_of(query)]
        reply = await self._calls.run(scripts.ASK_ALL, shard, *arguments)
        revoked = integer(reply.first)
        return [
            RevocationStatus(reply.epoch, reply.is_empty, bool(revoked >> bit & 1), reply.now_ms)
            for bit in range(len(queries))
        ]

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """Begin an epoch, or turn the present one into a lost one."""
        known = ("", "") if seen is None else (seen.name, seen.started_ms)
        name = secrets.token_hex(_EPOCH_NAME_BYTES)
        if shard:
            await self._calls.claim_shards()
        reply = await self._calls.run(scripts.BEGIN_EPOCH, shard, reason, *known, name)
        if reply.epoch is None:
            raise Unavailable("the store did not begin an epoch")
        return reply.epoch

    async def issue_time(self, query: RevocationQuery) -> IssueTime:
        """Find an instant after every cut-off; run twice, the script returns a later one."""
        reply = await self._calls.run(scripts.ISSUE_TIME, query.shard, *query.cuts)
        return IssueTime(reply.epoch, reply.is_empty, integer(reply.first))

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """Write an entry; run twice, the script writes a later cut-off."""
        expires_ms, lives_ms, wanted = revocation.expires_ms, revocation.lives_ms, revocation.min_replicas
        if wanted is None:
            wanted = self._min_replicas
        ended, place = _ended_keys(revocation)
        reply = await self._calls.run(
            scripts.REVOKE,
            shard,
            "1" if revocation.is_mark else "0",
            revocation.key,
            "" if expires_ms is None else clamped_ms(expires_ms),
            "" if lives_ms is None else clamped_ms(lives_ms),
            self._leeway_ms + MARGIN_MS,
            LOG_LENGTH,
            *ended,
            keys=() if place is None else (self._calls.api_keys_key(shard, place),),
            replicas=wanted,
            waits_for_disk=True,
        )
        before_ms = integer(reply.first)
        return Written(
            reply.epoch,
            reply.is_empty,
            None if before_ms < 0 else before_ms,
            reply.replicas,
            wanted,
            is_durable=reply.is_durable,
        )

    async def mark_used(self, use: SingleUse) -> Used:
        """Mark a token as used, unless it was used or revoked before; run twice, the script marks it once."""
        query = use.query
        reply = await self._calls.run(
            scripts.MARK_USED,
            query.shard,
            use.use_id,
            query.issued_ms,
            query.ends_ms,
            MARGIN_MS,
            LOG_LENGTH,
            use.mark,
            len(query.marks),
            *query.marks,
            *query.cuts,
            keys=(self._calls.use_key(query.shard, use.mark),),
            replicas=self._min_replicas,
        )
        outcome = _USE_OUTCOMES.get(reply.first)
        if outcome is None:
            raise malformed_reply()
        return Used(reply.epoch, reply.is_empty, reply.now_ms, outcome, reply.replicas, self._min_replicas)

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count a try in every counter, or in none; run twice, the script counts it once."""
        bounds = [bound for counter in counters for bound in (counter.limit, counter.window_ms)]
        call = Call(scripts.COUNT_TRY, self._counter_keys(counters), (self._shift_ms(), try_id, *bounds))
        return integer((await self._clients.client().call(call)).reply)

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that a try failed."""
        call = Call(scripts.FAIL_TRY, self._counter_keys(counters), (self._shift_ms(), try_id))
        await self._clients.client().call(call)

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Uncount a try, and the failed ones of the same spelling."""
        keys = self._counter_keys([*counters, *cleared])
        call = Call(scripts.GIVE_BACK, keys, (self._shift_ms(), try_id, len(counters), TRY_TAG_BYTES))
        await self._clients.client().call(call)

    async def close(self) -> None:
        """Close this world's connections, on ASGI those of the running loop."""
        await self._clients.close()

    def _counter_keys(self, counters: Sequence[Counter]) -> tuple[bytes, ...]:
        prefix = self._prefix + b"{sc:throttle}:"
        return tuple(prefix + counter.key.hex().encode() for counter in counters)


def _ended_keys(revocation: Revocation) -> tuple[tuple[str | bytes, ...], str | None]:
    """Return what the script is told of the API keys that end, and the part of their ids that names their owner."""
    ended = revocation.api_keys
    if ended is None:
        return (), None
    place = parse_key_id(ended.key_id)
    return (("", ended.owner), owner_part(ended.owner)) if place is None else ((place.number, b""), place.owner)


def _arguments_of(query: RevocationQuery) -> tuple[bytes | int, ...]:
    marks, cuts = query.marks, query.cuts
    return query.issued_ms, query.ends_ms, len(marks), len(cuts), *marks, *cuts
