"""What a session is after each event of its life, as a store in Python keeps it; the scripts in Lua do the same."""

from dataclasses import replace

from safeconduct._core.session_store import Opening, Renewing, StepUp
from safeconduct._core.sessions.model import Chain, Renewal, Session


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
    )


def renewed(session: Session, renewing: Renewing, iat_ms: int, now_ms: int) -> Session:
    """Return the session one renewal further, demoted."""
    renewal = Renewal(
        token_id=renewing.token_id,
        iat_ms=iat_ms,
        expires_at=min(iat_ms // 1000 + renewing.access_ms // 1000, session.ends_ms // 1000),
        grace_ms=now_ms + renewing.grace_ms,
    )
    # What was presented, not what is kept: a store that lost a write goes on from where the caller is.
    renewals = renewing.presented.renewals + 1
    return with_rights(replace(session, renewals=renewals, renewal=renewal, is_demoted=True), renewing.rights)


def stepped(session: Session, step: StepUp, iat_ms: int) -> Session:
    """Return the session with what was just proven, and with another generation of tokens against forgery."""
    return replace(
        session,
        proof_level=step.level,
        auth_ms=iat_ms,
        is_demoted=False,
        failures=0,
        last_request=step.request_id,
        csrf_generation=session.csrf_generation + 1,
        rights=step.rights or session.rights,
    )


def with_rights(session: Session, rights: str | None) -> Session:
    """Return the session with the rights that were looked up; where they changed, a new generation begins."""
    if rights is None or rights == session.rights:
        return session
    return replace(session, rights=rights, csrf_generation=session.csrf_generation + 1)


def issued(session: Session, iat_ms: int, *, now_ms: int, access_ms: int, leeway_ms: int) -> Session:
    """Return the session after a token of it was issued, which lives for *access_ms* at most."""
    token_ms = min(iat_ms + access_ms, session.ends_ms) + leeway_ms
    chain_ms = 0 if session.chain is None else session.chain.expires_ms
    return replace(session, issued_ms=iat_ms, used_ms=now_ms, over_ms=max(session.over_ms, token_ms, chain_ms))


def without_salt(session: Session, now_ms: int) -> Session:
    """Return the session without the salt of its last rotation, once nobody may ask for that again."""
    chain = session.chain
    if chain is None or not chain.salt or now_ms < chain.grace_ms:
        return session
    return replace(session, chain=replace(chain, salt=b""))
