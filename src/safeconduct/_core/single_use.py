"""
Let a token count once: a hand-over, the assertion of a client, a token of a client with ``single_use``.

The token is marked as used in one command, on the shard of its subject.  The mark is a revocation of the token: a store
that was set back to before the use is noticed as it is for any revocation, and refuses what was issued before.
"""

import secrets

from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.store import SingleUse, Store
from safeconduct.errors import RevokedToken, Unavailable

_USE_ID_BYTES = 16


async def use_once(store: Store, revocations: Revocations, query: RevocationQuery, *, mark: bytes, now_ms: int) -> bool:
    """
    Mark a token as used, and return whether this is its first use.

    Args:
        store: The store's port for this world.
        revocations: The same store, with what this process knows of its data.
        query: What may have revoked the token, as ``revocation_query`` collects it.
        mark: The revocation key of the token, by its ``jti``; it must be among the marks of *query*.
        now_ms: The time by this process's clock.

    Raises:
        RevokedToken: If the token was revoked, has expired, or is older than what the store knows.
        Unavailable: If the store cannot be asked, or too few replicas have the mark; the token may be used by now.
        NotSupported: If there is no store.
    """
    use = SingleUse(query, mark, secrets.token_bytes(_USE_ID_BYTES))
    used = await revocations.consult(query.shard, lambda: store.mark_used(use))
    revocations.refuse_doubtful(query.shard, query.issued_ms, used.now_ms, now_ms, has_session=False)
    if used.outcome == "revoked":
        raise RevokedToken("revoked, or over by the store's clock")
    if used.outcome == "used":
        return False
    if used.replicas < used.wanted_replicas:
        raise Unavailable("too few replicas have the mark of a used token")
    return True
