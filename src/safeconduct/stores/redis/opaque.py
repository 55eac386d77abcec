"""
The opaque tokens in a Redis or Valkey server.

On the slot of its session, ``tok:<digest>`` (a hash: the token's claims, its instants, and the revocation keys that may
revoke it) is kept until the token expires.
"""

from safeconduct._core.revocation_keys import epoch_tag_of
from safeconduct._core.revocation_query import REVOCATION_KEY_BYTES, RevocationQuery
from safeconduct._core.store import MARGIN_MS, KeptReply, OpaqueQuery, Resolved
from safeconduct.stores import scripts
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.shard_calls import ShardCalls, TokenWitness, integer, malformed_reply


class RedisOpaqueTokens:
    """
    Keep opaque tokens in a server, for either world.

    Args:
        calls: Calls scripts on shards.
    """

    def __init__(self, calls: ShardCalls) -> None:
        self._calls = calls

    async def keep(self, query: RevocationQuery, claims: str, *, grace_ms: int) -> KeptReply:
        """Keep the claims of a token; run twice, the script keeps them once."""
        reply = await self._calls.run(
            scripts.OPAQUE_KEEP,
            query.shard,
            query.issued_ms,
            query.ends_ms,
            b"".join(query.marks),
            b"".join(query.cuts),
            claims,
            MARGIN_MS,
            grace_ms,
            keys=self._keys(query.shard, query.reference or b"", query.required_session or ""),
        )
        return KeptReply(reply.epoch, reply.is_empty)

    async def resolve(self, sought: OpaqueQuery) -> Resolved:
        """Return the claims of a token, and whether it still counts."""
        reply = await self._calls.run(
            scripts.OPAQUE_RESOLVE,
            sought.shard,
            REVOCATION_KEY_BYTES,
            keys=self._keys(sought.shard, sought.reference, sought.session_id),
            witness=TokenWitness(epoch_tag_of(sought.session_id)),
        )
        is_revoked = integer(reply.first) == 1
        claims = "" if is_revoked or reply.epoch is None else _claims(reply.rest)
        return Resolved(reply.epoch, reply.is_empty, reply.now_ms, is_revoked, integer(reply.second), claims)

    def _keys(self, shard: int, reference: bytes, session_id: str) -> tuple[bytes, ...]:
        return self._calls.token_key(shard, reference), self._calls.session_key(shard, session_id)


def _claims(rest: list[Reply]) -> str:
    try:
        return str(rest[0].decode())
    except (AttributeError, IndexError, ValueError) as error:
        raise malformed_reply() from error
