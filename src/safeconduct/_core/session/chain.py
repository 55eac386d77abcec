"""What a refresh token that is presented does to its chain; the steps and their order are in ``session_ports``."""

import hmac
from dataclasses import dataclass, replace
from typing import Literal

from safeconduct._core.session_store import Rotation
from safeconduct._core.sessions.model import Chain, chain_half_ms


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of a chain; it stays as it is unless it is ``rotated``."""

    outcome: Literal["rotated", "retry", "early", "stale", "reuse", "gone"]
    chain: Chain | None
    is_rolled_back: bool = False


def turn(chain: Chain | None, rotation: Rotation, *, now_ms: int, ends_ms: int) -> Turn:
    """
    Take a refresh token whose tag is right.

    Args:
        chain: As it is kept, None where the session has none.
        rotation: The token, and what would follow.
        now_ms: By the store's clock.
        ends_ms: The session's absolute end, which no extension passes.
    """
    if chain is None or now_ms >= chain.expires_ms:
        return Turn("gone", chain)
    if rotation.position > chain.position:
        return Turn("gone", chain, is_rolled_back=True)
    if rotation.position == chain.position and hmac.compare_digest(rotation.digest, chain.digest):
        return _rotated(chain, rotation, now_ms, ends_ms)
    is_before = rotation.position == chain.position - 1 and hmac.compare_digest(rotation.digest, chain.previous)
    if now_ms >= chain.grace_ms or rotation.position == chain.position:
        return Turn("reuse", chain)
    return Turn("retry" if is_before else "stale", chain)


def _rotated(chain: Chain, rotation: Rotation, now_ms: int, ends_ms: int) -> Turn:
    if rotation.extends_ms is not None:
        if now_ms < chain_half_ms(chain):
            return Turn("early", chain)
        expires_ms = max(min(now_ms + rotation.extends_ms, ends_ms), chain.expires_ms)
        chain = replace(chain, begun_ms=now_ms, expires_ms=expires_ms)
    turned = replace(
        chain,
        position=rotation.position + 1,
        digest=rotation.next_digest,
        previous=rotation.digest,
        salt=rotation.salt,
        grace_ms=now_ms + rotation.grace_ms,
    )
    return Turn("rotated", turned)
