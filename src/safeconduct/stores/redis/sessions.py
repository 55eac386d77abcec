"""
The sessions in a Redis or Valkey server.

On the slot of a shard's four keys there are also ``ses:<id>`` (a hash: one session) and ``own:<subject's revocation
key>`` (a sorted set: the sessions of one subject, by the instant until which they may be alive).  Every transition is
one script, which also reads and writes cut-offs.
"""

from collections.abc import Sequence
from dataclasses import replace

from safeconduct._core.revocation_keys import epoch_tag_of
from safeconduct._core.session_pages import Cursor, RevocationKeyOf, page_of
from safeconduct._core.session_store import (
    Opening,
    Outcome,
    Renewing,
    Rotation,
    SessionRef,
    SessionReply,
    SessionsReply,
    StepUp,
)
from safeconduct._core.store import MARGIN_MS
from safeconduct.stores import scripts
from safeconduct.stores.redis.session_hash import read_ends, read_session, read_session_reply, written
from safeconduct.stores.redis.shard_calls import (
    LOG_LENGTH,
    NO_WITNESS,
    Argument,
    ShardCalls,
    ShardReply,
    TokenWitness,
    malformed_reply,
)


class RedisSessions:
    """
    Keep sessions in a server, for either world.

    Args:
        calls: Calls scripts on shards.
        leeway_ms: The leeway granted to clocks.
        min_replicas: How many replicas a command waits for that may have ended a session.
    """

    def __init__(self, calls: ShardCalls, *, leeway_ms: int, min_replicas: int) -> None:
        self._calls = calls
        self._leeway_ms = leeway_ms
        #: How many replicas must have the end of a session.
        self.min_replicas = min_replicas

    @property
    def instance(self) -> bytes | None:
        """None, because every process knows every session."""
        return None

    async def open(self, ref: SessionRef, opening: Opening) -> SessionReply:
        """Begin a session."""
        idle: Argument = "" if opening.long_term is None else opening.long_term.idle_ms
        arguments = (opening.lifetime_ms, opening.access_ms, idle, opening.max_per_subject, *written(opening))
        return await self._on_session(
            scripts.SESSION_OPEN, ref, *arguments, replicas=self.min_replicas, earliest_ms=opening.earliest_ms
        )

    async def read(self, ref: SessionRef) -> SessionReply:
        """Return what is known of a session."""
        reply, [found] = await self._read(ref, [ref.session_id], [ref.session])
        session = read_session(found)
        outcome: Outcome = "gone" if session is None else "read"
        return SessionReply(reply.epoch, reply.is_empty, outcome, reply.now_ms, session=session)

    async def rotate(self, ref: SessionRef, rotation: Rotation) -> SessionReply:
        """Rotate a refresh token."""
        arguments = (rotation.access_ms, rotation.rights or "", *_rotation_arguments(rotation))
        return await self._on_session(
            scripts.SESSION_ROTATE, ref, *arguments, replicas=self.min_replicas, earliest_ms=rotation.earliest_ms
        )

    async def renew(self, ref: SessionRef, renewing: Renewing) -> SessionReply:
        """Renew an access token."""
        presented = renewing.presented
        return await self._on_session(
            scripts.SESSION_RENEW,
            ref,
            presented.issued_ms,
            presented.expires_at,
            presented.renewals,
            renewing.token_id,
            renewing.grace_ms,
            renewing.access_ms,
            renewing.rights or "",
            issued_ms=presented.issued_ms,
            earliest_ms=renewing.earliest_ms,
        )

    async def step_up(self, ref: SessionRef, step: StepUp) -> SessionReply:
        """Note a proof that was given within a session, and cut off the session's older tokens."""
        return await self._on_session(
            scripts.SESSION_STEP_UP,
            ref,
            step.presented.issued_ms,
            step.request_id,
            step.level,
            step.access_ms,
            step.rights or "",
            *_long_term_arguments(step),
            replicas=self.min_replicas,
            issued_ms=step.presented.issued_ms,
            earliest_ms=step.earliest_ms,
        )

    async def fail(self, ref: SessionRef, *, request_id: str, limit: int) -> SessionReply:
        """Count a failed proof."""
        return await self._on_session(scripts.SESSION_FAIL, ref, request_id, limit, replicas=self.min_replicas)

    async def touch(self, ref: SessionRef, *, every_ms: int) -> SessionReply:
        """Return whether a session is alive, and note its use."""
        return await self._on_session(scripts.SESSION_TOUCH, ref, every_ms)

    async def end(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End a session and cut it off."""
        return await self._on_session(scripts.SESSION_END, ref, lives_ms, replicas=self.min_replicas)

    async def end_all(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End every session of the owner and cut off everything issued to them."""
        reply = await self._calls.run(
            scripts.SESSION_END_ALL,
            ref.shard,
            ref.owner,
            lives_ms,
            self._leeway_ms + MARGIN_MS,
            LOG_LENGTH,
            keys=(self._calls.owner_key(ref.shard, ref.owner),),
            replicas=self.min_replicas,
        )
        return SessionReply(reply.epoch, reply.is_empty, "ended", reply.now_ms, replicas=reply.replicas)

    async def confirm(self, ref: SessionRef) -> SessionReply:
        """Wait for the replicas after a command that changes nothing."""
        reply = await self._calls.run(scripts.SESSION_CONFIRM, ref.shard, replicas=self.min_replicas)
        return SessionReply(reply.epoch, reply.is_empty, "gone", reply.now_ms, replicas=reply.replicas)

    async def sessions_of(self, ref: SessionRef, key_of: RevocationKeyOf, after: Cursor | None = None) -> SessionsReply:
        """Return a page of the owner's sessions: one command returns their ids, another one the sessions."""
        reply = await self._calls.run(
            scripts.SESSION_INDEX, ref.shard, keys=(self._calls.owner_key(ref.shard, ref.owner),)
        )
        if reply.epoch is None:
            return SessionsReply(None, reply.is_empty)
        session_ids, cursor = page_of(read_ends(reply.rest), after)
        found: list[object] = []
        if session_ids:
            reply, found = await self._read(ref, session_ids, [key_of(session_id) for session_id in session_ids])
        pairs = [(session_id, read_session(record)) for session_id, record in zip(session_ids, found, strict=True)]
        alive = [(session_id, session) for session_id, session in pairs if session is not None]
        alive.sort(key=lambda pair: pair[1].used_ms, reverse=True)
        return SessionsReply(reply.epoch, reply.is_empty, tuple(alive), cursor)

    async def _read(
        self, ref: SessionRef, session_ids: Sequence[str], revocation_keys: Sequence[bytes]
    ) -> tuple[ShardReply, list[object]]:
        keys = tuple(self._calls.session_key(ref.shard, session_id) for session_id in session_ids)
        shared = (ref.owner, *ref.others)
        reply = await self._calls.run(
            scripts.SESSION_READ, ref.shard, len(shared), *shared, *revocation_keys, keys=keys
        )
        if reply.epoch is None:
            return reply, [[]] * len(session_ids)
        if len(reply.rest) != len(session_ids):
            raise malformed_reply()
        return reply, reply.rest

    async def _on_session(
        self,
        script: scripts.Script,
        ref: SessionRef,
        *arguments: Argument,
        replicas: int = 0,
        issued_ms: int | None = None,
        earliest_ms: int = 0,
    ) -> SessionReply:
        bounds = (self._leeway_ms, self._leeway_ms + MARGIN_MS, LOG_LENGTH, earliest_ms)
        reply = await self._calls.run(
            script,
            ref.shard,
            ref.session_id,
            *bounds,
            len(ref.cuts),
            *ref.cuts,
            *arguments,
            keys=(self._calls.session_key(ref.shard, ref.session_id), self._calls.owner_key(ref.shard, ref.owner)),
            replicas=replicas,
            witness=NO_WITNESS if issued_ms is None else TokenWitness(epoch_tag_of(ref.session_id), issued_ms),
        )
        return replace(read_session_reply(reply), replicas=reply.replicas)


def _rotation_arguments(rotation: Rotation) -> tuple[Argument, ...]:
    extends: Argument = "" if rotation.extends_ms is None else rotation.extends_ms
    return rotation.position, rotation.digest, rotation.next_digest, rotation.salt, rotation.grace_ms, extends


def _long_term_arguments(step: StepUp) -> tuple[Argument, ...]:
    if step.rotation is not None:
        return "rotate", *_rotation_arguments(step.rotation)
    begun = step.long_term
    return () if begun is None else ("begin", begun.position, begun.digest, begun.idle_ms, step.lifetime_ms)
