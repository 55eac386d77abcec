"""Say whether a process could decide about a request now, for the readiness check of a load balancer."""

from typing import Final

from safeconduct._core.revocation_keys import issue_time_query
from safeconduct._wiring.world import WorldParts
from safeconduct.errors import InvalidToken, Unavailable

#: The subject of a credential that does not exist; the store is asked about it as about any other.
_NOBODY: Final = "readiness"


async def check_ready(parts: WorldParts) -> None:
    """
    Check that the keys are there and that the store answers with data that are believed.

    The store is asked, whatever ``revocation.consistency`` says and however current the local view is.

    Raises:
        Unavailable: If the keys are gone, or the store cannot be asked or lost its data.
    """
    container, revocations = parts.container, parts.revocations
    keys = container.keys
    if keys is not None and not any(entry.key.use == "sig" for entry in keys.current().entries):
        raise Unavailable("no signing key is left")
    if revocations is None:
        return
    now_ms = int(container.clock() * 1000)
    issuer = container.config.issuer or _NOBODY
    query = issue_time_query(
        issuer=issuer, subject=_NOBODY, client_id=issuer, shards=container.config.store.shards, issued_ms=now_ms
    )
    try:
        await revocations.check(query, now_ms=now_ms)
    except InvalidToken:
        # Everything was revoked a moment ago, or this clock is ahead of the store's: it answers.
        return
