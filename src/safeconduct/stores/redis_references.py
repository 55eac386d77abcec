"""
The opaque tokens in a Redis or Valkey server.

Beside a session's record lies, on the same slot, ``tok:<digest>`` (a hash: what the token says, its instants, and the
members that may end it) until the token ends by itself.
"""

from collections.abc import Callable

from safeconduct._core.members import MEMBER_BYTES
from safeconduct._core.ports import Question
from safeconduct._core.reference_ports import KeptReply, Resolved, Sought
from safeconduct.stores import scripts
from safeconduct.stores.lifetimes import MARGIN_MS
from safeconduct.stores.link import Reply
from safeconduct.stores.reply import Head, integer, read_head, shapeless
from safeconduct.stores.ways import Ways
from safeconduct.stores.wire import Call


class RedisReferences:
    """
    The port to a server's opaque tokens, for either world.

    Args:
        ways: Finds the wire of this world.
        key_prefix: What every key begins with.
        horizon_ms: The largest lifetime of any token that may be accepted.
        shift_ms: How far the store's clock is moved; 0 but in tests.
    """

    def __init__(self, ways: Ways, *, key_prefix: str, horizon_ms: int, shift_ms: Callable[[], int]) -> None:
        self._ways = ways
        self._prefix = key_prefix.encode()
        self._horizon_ms = horizon_ms
        self._shift_ms = shift_ms

    async def keep(self, question: Question, claims: str, *, grace_ms: int) -> KeptReply:
        """Keep what a token says; run twice, it is kept once."""
        keys = self.required(question.shard, question.kept or "", question.reference or b"")
        head = await self._on_shard(
            scripts.REFERENCE_KEEP,
            question.shard,
            *reversed(keys),
            arguments=(
                question.issued_ms,
                question.ends_ms,
                b"".join(question.marks),
                b"".join(question.cuts),
                claims,
                MARGIN_MS,
                grace_ms,
            ),
        )
        return KeptReply(head.epoch, head.is_empty)

    async def resolve(self, sought: Sought) -> Resolved:
        """Tell what a token says, and whether it still counts."""
        keys = self.required(sought.shard, sought.session_id, sought.reference)
        head = await self._on_shard(scripts.REFERENCE_RESOLVE, sought.shard, *reversed(keys), arguments=(MEMBER_BYTES,))
        is_revoked = integer(head.first) == 1
        claims = "" if is_revoked or head.epoch is None else _claims(head.rest)
        return Resolved(head.epoch, head.is_empty, head.now_ms, is_revoked, integer(head.second), claims)

    def required(self, shard: int, session_id: str, reference: bytes | None) -> tuple[bytes, ...]:
        """Name the records that must be there for a credential to count: the session's, and an opaque token's own."""
        record = _key(self._prefix, shard, b"ses:" + session_id.encode())
        return (record,) if reference is None else (record, self._token(shard, reference))

    def _token(self, shard: int, reference: bytes) -> bytes:
        return _key(self._prefix, shard, b"tok:" + reference.hex().encode())

    async def _on_shard(
        self, script: scripts.Script, shard: int, *keys: bytes, arguments: tuple[bytes | str | int, ...]
    ) -> Head:
        shard_keys = [_key(self._prefix, shard, name) for name in (b"rev", b"cut", b"log", b"meta")]
        call = Call(script, (*shard_keys, *keys), (self._shift_ms(), self._horizon_ms, *arguments))
        return read_head((await self._ways.wire().call(call)).reply)


def _key(prefix: bytes, shard: int, name: bytes) -> bytes:
    return prefix + b"{sc:%02d}:" % shard + name


def _claims(rest: list[Reply]) -> str:
    try:
        return str(rest[0].decode())
    except (AttributeError, IndexError, ValueError) as error:
        raise shapeless() from error
