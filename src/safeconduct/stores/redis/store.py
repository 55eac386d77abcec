"""
The store in a Redis or Valkey server.

Per shard NN four keys share the tag ``{sc:NN}`` and so a slot: ``rev`` (member → when it may be forgotten, in
seconds), ``cut`` (member → before_ms), ``log`` (a stream of every change) and ``meta``.  The throttle's counters all
share ``{sc:throttle}``, because one try counts in several of them at once.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from safeconduct._core.epochs import Epoch
from safeconduct._core.store import (
    MARGIN_MS,
    TRY_TAG_BYTES,
    Counter,
    IssueTime,
    Revocation,
    RevocationQuery,
    RevocationStatus,
    Written,
    clamped_ms,
)
from safeconduct.errors import Unavailable
from safeconduct.stores import scripts
from safeconduct.stores.redis.client import Call
from safeconduct.stores.redis.clients import ClientSource
from safeconduct.stores.redis.marks import Marks
from safeconduct.stores.redis.opaque import RedisOpaqueTokens
from safeconduct.stores.redis.sessions import RedisSessions
from safeconduct.stores.redis.shard_calls import ShardCalls, TokenWitness, integer

#: About how many changes a shard's log keeps; whoever is further behind loads everything anew.
_LOG_LENGTH = 10_000
_EPOCH_NAME_BYTES = 16
#: The answers are the bits of one number, of which a script can tell 53.
_ASKED_TOGETHER = 48


class RedisStore:
    """
    The port to a server, for either world.

    Args:
        clients: Finds the client of this world.
        marks: What the process knows of the data; shared between the worlds.
        key_prefix: What every key begins with.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: What is granted to clocks.
        min_replicas: For how many replicas a revocation waits.
        shift_ms: How far the store's clock is moved; 0 but in tests.
    """

    #: Another process may end anything, so that every question is a command.
    view = None

    def __init__(
        self,
        clients: ClientSource,
        marks: Marks,
        *,
        key_prefix: str,
        horizon_ms: int,
        leeway_ms: int,
        min_replicas: int,
        shift_ms: Callable[[], int],
    ) -> None:
        self._clients = clients
        self._marks = marks
        self._prefix = key_prefix.encode()
        self._calls = ShardCalls(clients, marks, key_prefix=key_prefix, horizon_ms=horizon_ms, shift_ms=shift_ms)
        self._leeway_ms = leeway_ms
        self._min_replicas = min_replicas
        self._shift_ms = shift_ms
        #: The port to the sessions, which lie on the same slots.
        self.sessions = RedisSessions(self._calls, leeway_ms=leeway_ms, min_replicas=min_replicas)
        #: The port to the opaque tokens, which lie there too.
        self.opaque_tokens = RedisOpaqueTokens(self._calls)

    async def ask(self, question: RevocationQuery) -> RevocationStatus:
        """Ask in one command on one slot."""
        marks, shard = question.marks, question.shard
        keys = () if question.kept is None else self.opaque_tokens.required(shard, question.kept, question.reference)
        reply = await self._calls.run(
            scripts.ASK,
            shard,
            question.issued_ms,
            question.ends_ms,
            len(marks),
            *marks,
            *question.cuts,
            keys=keys,
            witness=TokenWitness(question.instance or b"", question.issued_ms),
        )
        return RevocationStatus(reply.epoch, reply.is_empty, integer(reply.first) == 1, reply.now_ms)

    @property
    def known_epochs(self) -> Mapping[int, Epoch]:
        """The epochs that earlier processes knew, out of their file."""
        # The store's first reply says whether one was lost by now, and how long its tokens live.
        return {shard: Epoch(mark.epoch, mark.started_ms, "new", 0) for shard, mark in self._marks.known.items()}

    async def ask_all(self, questions: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Ask in as few commands as there are shards, or times the most that one command answers."""
        answers: dict[RevocationQuery, RevocationStatus] = {}
        # A session's record is asked for by itself.
        alike = [question for question in questions if question.kept is None]
        for shard in dict.fromkeys(question.shard for question in alike):
            there = [question for question in alike if question.shard == shard]
            for first in range(0, len(there), _ASKED_TOGETHER):
                some = there[first : first + _ASKED_TOGETHER]
                answers |= zip(some, await self._ask_some(shard, some), strict=True)
        return answers

    async def _ask_some(self, shard: int, questions: Sequence[RevocationQuery]) -> list[RevocationStatus]:
        words = [word for question in questions for word in _words_of(question)]
        reply = await self._calls.run(scripts.ASK_ALL, shard, *words)
        ended = integer(reply.first)
        return [
            RevocationStatus(reply.epoch, reply.is_empty, bool(ended >> place & 1), reply.now_ms)
            for place in range(len(questions))
        ]

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """Begin an epoch, or turn what is there into a lost one."""
        known = ("", "") if seen is None else (seen.name, seen.started_ms)
        name = secrets.token_hex(_EPOCH_NAME_BYTES)
        reply = await self._calls.run(scripts.BEGIN_EPOCH, shard, reason, *known, name)
        if reply.epoch is None:
            raise Unavailable("the store did not begin an epoch")
        return reply.epoch

    async def issue_time(self, question: RevocationQuery) -> IssueTime:
        """Find an instant after every cut-off; run twice, it is a later one."""
        reply = await self._calls.run(scripts.ISSUE_TIME, question.shard, *question.cuts)
        return IssueTime(reply.epoch, reply.is_empty, integer(reply.first))

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """Write an entry; run twice, its cut-off is a later one."""
        expires_ms, lives_ms = revocation.expires_ms, revocation.lives_ms
        reply = await self._calls.run(
            scripts.REVOKE,
            shard,
            "1" if revocation.is_mark else "0",
            revocation.member,
            "" if expires_ms is None else clamped_ms(expires_ms),
            "" if lives_ms is None else clamped_ms(lives_ms),
            self._leeway_ms + MARGIN_MS,
            _LOG_LENGTH,
            replicas=self._min_replicas,
            waits_for_disk=True,
        )
        before_ms = integer(reply.first)
        return Written(
            reply.epoch,
            reply.is_empty,
            None if before_ms < 0 else before_ms,
            reply.replicas,
            is_durable=reply.is_durable,
        )

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count a try everywhere or nowhere; run twice, it counts once."""
        bounds = [bound for counter in counters for bound in (counter.limit, counter.window_ms)]
        call = Call(scripts.COUNT_TRY, self._counter_keys(counters), (self._shift_ms(), try_id, *bounds))
        return integer((await self._clients.client().call(call)).reply)

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that a try failed."""
        call = Call(scripts.FAIL_TRY, self._counter_keys(counters), (self._shift_ms(), try_id))
        await self._clients.client().call(call)

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Take a try out again, and what failed under its spelling."""
        keys = self._counter_keys([*counters, *cleared])
        call = Call(scripts.GIVE_BACK, keys, (self._shift_ms(), try_id, len(counters), TRY_TAG_BYTES))
        await self._clients.client().call(call)

    async def close(self) -> None:
        """Let go of this world's connections, on ASGI those of the running loop."""
        await self._clients.close()

    def _counter_keys(self, counters: Sequence[Counter]) -> tuple[bytes, ...]:
        stem = self._prefix + b"{sc:throttle}:"
        return tuple(stem + counter.key.hex().encode() for counter in counters)


def _words_of(question: RevocationQuery) -> tuple[bytes | int, ...]:
    marks, cuts = question.marks, question.cuts
    return question.issued_ms, question.ends_ms, len(marks), len(cuts), *marks, *cuts
