"""Compute a session after each event of its life; the Lua scripts do the same."""

import hmac
from dataclasses import dataclass, replace
from typing import Literal

from safeconduct._core.session_store import Opening, Renewing, Rotation, StepUp
from safeconduct._core.sessions.model import Chain, Renewal, Session, chain_half_ms


def opened(opening: Opening, iat_ms: int) -> Session:
    """Return a new session, whose first token is issued at *iat_ms*."""
    ends_ms, asked = iat_ms + opening.lifetime_ms, opening.long_term
    chain = None
    if asked is not None:
        expires_ms = min(iat_ms + asked.idle_ms, ends_ms)
        chain = Chain(position=0, digest=asked.digest, begun_ms=iat_ms, expires_ms=expires_ms)
    return Session(
        subject=opening.subject,
        username=opening.username,
        proof_level=opening.level,
        rights=opening.rights,
        transport=opening.transport,
        device=opening.device,
        network=opening.network,
        created_ms=iat_ms,
        auth_ms=iat_ms,
        issued_ms=iat_ms,
        used_ms=iat_ms,
        ends_ms=ends_ms,
        over_ms=iat_ms,
        chain=chain,
        person_issuer=opening.person_issuer,
    )


def renewed(session: Session, renewing: Renewing, iat_ms: int, now_ms: int) -> Session:
    """Return the session after a renewal, demoted."""
    renewal = Renewal(
        token_id=renewing.token_id,
        iat_ms=iat_ms,
        expires_at=min(iat_ms // 1000 + renewing.access_ms // 1000, session.ends_ms // 1000),
        grace_ms=now_ms + renewing.grace_ms,
    )
    # Counted from what was presented: a store that lost a write goes on from where the caller is.
    renewals = renewing.presented.renewals + 1
    return with_rights(replace(session, renewals=renewals, renewal=renewal, is_demoted=True), renewing.rights)


def lengthened(session: Session, step: StepUp, now_ms: int) -> Session:
    """Return the session with the end that it has if *step* gives it a refresh token."""
    if not _begins_chain(session, step, now_ms):
        return session
    return replace(session, ends_ms=max(session.ends_ms, session.created_ms + step.lifetime_ms))


def stepped(session: Session, step: StepUp, iat_ms: int, now_ms: int) -> Session:
    """Return the session, which was *lengthened*, after a step-up, with a new generation of CSRF tokens."""
    chain, asked = session.chain, step.long_term
    if asked is not None and _begins_chain(session, step, now_ms):
        expires_ms = min(iat_ms + asked.idle_ms, session.ends_ms)
        chain = Chain(position=asked.position, digest=asked.digest, begun_ms=iat_ms, expires_ms=expires_ms)
    return replace(
        session,
        chain=chain,
        proof_level=step.level,
        auth_ms=iat_ms,
        is_demoted=False,
        failures=0,
        last_request=step.request_id,
        csrf_generation=session.csrf_generation + 1,
        rights=step.rights or session.rights,
    )


def _begins_chain(session: Session, step: StepUp, now_ms: int) -> bool:
    is_asked = step.long_term is not None and step.rotation is None
    return is_asked and (session.chain is None or now_ms >= session.chain.expires_ms)


def with_rights(session: Session, rights: str | None) -> Session:
    """Return the session with the rights that were looked up; if they changed, with a new generation of CSRF tokens."""
    if rights is None or rights == session.rights:
        return session
    return replace(session, rights=rights, csrf_generation=session.csrf_generation + 1)


def issued(session: Session, iat_ms: int, *, now_ms: int, access_ms: int, leeway_ms: int) -> Session:
    """Return the session after an access token was issued, which lives for *access_ms* at most."""
    token_ms = min(iat_ms + access_ms, session.ends_ms) + leeway_ms
    chain_ms = 0 if session.chain is None else session.chain.expires_ms
    return replace(session, issued_ms=iat_ms, used_ms=now_ms, over_ms=max(session.over_ms, token_ms, chain_ms))


def without_salt(session: Session, now_ms: int) -> Session:
    """Return the session without the salt of its last rotation, once that rotation may not be repeated any more."""
    chain = session.chain
    if chain is None or not chain.salt or now_ms < chain.grace_ms:
        return session
    return replace(session, chain=replace(chain, salt=b""))


@dataclass(frozen=True, slots=True)
class RotationResult:
    """What becomes of a refresh chain; it changes only if it is ``rotated``."""

    outcome: Literal["rotated", "retry", "early", "stale", "reuse", "gone"]
    chain: Chain | None
    is_rolled_back: bool = False


def rotate_chain(chain: Chain | None, rotation: Rotation, *, now_ms: int, ends_ms: int) -> RotationResult:
    """
    Rotate a refresh token whose tag is valid.

    Args:
        chain: The session's chain as it is kept, None if it has none.
        rotation: The token that was presented, and the next one.
        now_ms: The time by the store's clock.
        ends_ms: The absolute end of the session, which no extension passes.
    """
    if chain is None or now_ms >= chain.expires_ms:
        return RotationResult("gone", chain)
    if rotation.position > chain.position:
        return RotationResult("gone", chain, is_rolled_back=True)
    if rotation.position == chain.position and hmac.compare_digest(rotation.digest, chain.digest):
        return _rotated(chain, rotation, now_ms, ends_ms)
    is_before = rotation.position == chain.position - 1 and hmac.compare_digest(rotation.digest, chain.previous)
    if now_ms >= chain.grace_ms or rotation.position == chain.position:
        return RotationResult("reuse", chain)
    return RotationResult("retry" if is_before else "stale", chain)


def _rotated(chain: Chain, rotation: Rotation, now_ms: int, ends_ms: int) -> RotationResult:
    if rotation.extends_ms is not None:
        if now_ms < chain_half_ms(chain):
            return RotationResult("early", chain)
        expires_ms = max(min(now_ms + rotation.extends_ms, ends_ms), chain.expires_ms)
        chain = replace(chain, begun_ms=now_ms, expires_ms=expires_ms)
    rotated = replace(
        chain,
        position=rotation.position + 1,
        digest=rotation.next_digest,
        previous=rotation.digest,
        salt=rotation.salt,
        grace_ms=now_ms + rotation.grace_ms,
    )
    return RotationResult("rotated", rotated)
