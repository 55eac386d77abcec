"""
The opaque tokens in a Redis or Valkey server.

Beside a session's record lies, on the same slot, ``tok:<digest>`` (a hash: what the token says, its instants, and the
members that may end it) until the token ends by itself.
"""

from safeconduct._core.revocation_keys import MEMBER_BYTES, epoch_tag_of
from safeconduct._core.store import MARGIN_MS, KeptReply, OpaqueQuery, Resolved, RevocationQuery
from safeconduct.stores import scripts
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.shard_calls import ShardCalls, TokenWitness, integer, malformed_reply


class RedisOpaqueTokens:
    """
    The port to a server's opaque tokens, for either world.

    Args:
        calls: Calls scripts on shards.
    """

    def __init__(self, calls: ShardCalls) -> None:
        self._calls = calls

    async def keep(self, question: RevocationQuery, claims: str, *, grace_ms: int) -> KeptReply:
        """Keep what a token says; run twice, it is kept once."""
        reply = await self._calls.run(
            scripts.REFERENCE_KEEP,
            question.shard,
            question.issued_ms,
            question.ends_ms,
            b"".join(question.marks),
            b"".join(question.cuts),
            claims,
            MARGIN_MS,
            grace_ms,
            keys=self.required(question.shard, question.kept or "", question.reference or b"")[::-1],
        )
        return KeptReply(reply.epoch, reply.is_empty)

    async def resolve(self, sought: OpaqueQuery) -> Resolved:
        """Tell what a token says, and whether it still counts."""
        keys = self.required(sought.shard, sought.session_id, sought.reference)
        reply = await self._calls.run(
            scripts.REFERENCE_RESOLVE,
            sought.shard,
            MEMBER_BYTES,
            keys=(keys[1], keys[0]),
            witness=TokenWitness(epoch_tag_of(sought.session_id)),
        )
        is_revoked = integer(reply.first) == 1
        claims = "" if is_revoked or reply.epoch is None else _claims(reply.rest)
        return Resolved(reply.epoch, reply.is_empty, reply.now_ms, is_revoked, integer(reply.second), claims)

    def required(self, shard: int, session_id: str, reference: bytes | None) -> tuple[bytes, ...]:
        """Name the records that must be there for a credential to count: the session's, and an opaque token's own."""
        record = self._calls.key(shard, b"ses:" + session_id.encode())
        return (record,) if reference is None else (record, self._token(shard, reference))

    def _token(self, shard: int, reference: bytes) -> bytes:
        return self._calls.key(shard, b"tok:" + reference.hex().encode())


def _claims(rest: list[Reply]) -> str:
    try:
        return str(rest[0].decode())
    except (AttributeError, IndexError, ValueError) as error:
        raise malformed_reply() from error
