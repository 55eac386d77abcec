"""
The API keys in a Redis or Valkey server.

On the slot of its shard, ``k:<owner>`` (a hash) has all keys of an owner, until the last of them expires; the script
``api_key.lua`` says how.  One hash for an owner instead of one for each key saves half of the memory, and is the index.
"""

from collections.abc import Sequence
from typing import Any, Final, get_args

from safeconduct._core.api_keys.records import (
    MOST_KEYS,
    NOTED_EVERY_MS,
    ApiKeyReply,
    ApiKeysReply,
    Creation,
    CreationReply,
    StoredApiKey,
)
from safeconduct._core.api_keys.wire_form import KeyPlace, owner_part, parse_key_id
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus
from safeconduct._core.store import MARGIN_MS
from safeconduct.stores import scripts
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.shard_calls import ShardCalls, integer, malformed_reply

_OUTCOMES: Final[dict[bytes, Creation]] = {name.encode(): name for name in get_args(Creation)}
#: Where the parts of a record end: digest, owner, created, expires, last use.
_DIGEST, _OWNER, _CREATED, _EXPIRES, _SIZE = 32, 49, 55, 60, 64


class RedisApiKeys:
    """
    Keep API keys in a server, for either world.

    Args:
        calls: Calls scripts on shards.
    """

    def __init__(self, calls: ShardCalls) -> None:
        self._calls = calls

    async def create(self, query: RevocationQuery, record: StoredApiKey, *, lifetime_ms: int) -> CreationReply:
        """Keep a new key; run twice, the script keeps it once."""
        place = _place(record.key_id)
        reply = await self._calls.run(
            scripts.API_KEY_CREATE,
            query.shard,
            place.number,
            record.digest,
            query.marks[0],
            query.cuts[-1],
            record.owner,
            _details(record),
            lifetime_ms,
            MARGIN_MS,
            MOST_KEYS,
            keys=(self._calls.api_keys_key(query.shard, place.owner),),
        )
        if not isinstance(reply.first, bytes) or reply.first not in _OUTCOMES:
            raise malformed_reply()
        return CreationReply(reply.epoch, reply.is_empty, _OUTCOMES[reply.first], integer(reply.second))

    async def use(self, query: RevocationQuery) -> ApiKeyReply:
        """Return a key, and note its use."""
        shown = query.api_key
        if shown is None:  # pragma: no cover - every caller asks about an API key
            raise malformed_reply()
        place = _place(shown.key_id)
        reply = await self._calls.run(
            scripts.API_KEY_USE,
            query.shard,
            place.number,
            shown.digest,
            query.marks[0],
            query.cuts[-1],
            NOTED_EVERY_MS,
            keys=(self._calls.api_keys_key(query.shard, place.owner),),
        )
        is_revoked = integer(reply.first) == 1
        record = None if is_revoked or reply.epoch is None else _record(shown.key_id, reply.rest)
        is_revoked = is_revoked or (record is not None and not record.has_secret_of(shown))
        return ApiKeyReply(RevocationStatus(reply.epoch, reply.is_empty, is_revoked, reply.now_ms), record)

    async def list(self, shard: int, cuts: Sequence[bytes]) -> ApiKeysReply:
        """Return the keys of an owner that have neither ended nor expired."""
        owner, everything = cuts
        part = owner_part(owner)
        keys = (self._calls.api_keys_key(shard, part),)
        reply = await self._calls.run(scripts.API_KEY_LIST, shard, everything, owner, keys=keys)
        return ApiKeysReply(reply.epoch, reply.is_empty, tuple(_listed(shard, part, each) for each in reply.rest))


def _place(key_id: str) -> KeyPlace:
    place = parse_key_id(key_id)
    if place is None:  # pragma: no cover - only ids of API keys come here
        raise malformed_reply()
    return place


def _listed(shard: int, part: str, reply: Reply) -> StoredApiKey:
    match reply:
        case [bytes(number), *rest]:
            return _record(KeyPlace(shard, part, number.decode("ascii", "replace")).key_id, rest)
        case _:
            raise malformed_reply()


def _details(record: StoredApiKey) -> str:
    # No text has a NUL.  JSON would be longer, and what fits into 64 bytes takes half of the memory.
    return "\0".join((record.subject, record.name, str(len(record.scopes)), *record.scopes, *record.roles))


def _record(key_id: str, rest: list[Any]) -> StoredApiKey:
    try:
        octets, (subject, name, count, *words) = rest[0], rest[1].decode().split("\0")
        times = [octets[_OWNER:_CREATED], octets[_CREATED:_EXPIRES], octets[_EXPIRES:_SIZE]]
        created_ms, expires_at, used_at = [int.from_bytes(each, "big") for each in times]
        return StoredApiKey(
            key_id=key_id,
            digest=octets[:_DIGEST],
            owner=octets[_DIGEST:_OWNER],
            subject=subject,
            name=name,
            scopes=tuple(words[: int(count)]),
            roles=tuple(words[int(count) :]),
            created_ms=created_ms,
            expires_ms=expires_at * 1000,
            last_used_ms=used_at * 1000 or None,
        )
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise malformed_reply() from error
