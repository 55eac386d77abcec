"""Describe the sessions of a user as their owner sees them."""

from dataclasses import dataclass

from safeconduct._core.sessions.model import Session
from safeconduct.principal import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSession:
    """One login as its owner sees it.  Instants are seconds since the epoch."""

    session_id: str
    device: str
    network: str
    created_at: int
    last_used_at: int
    #: When it ends if it is not used again.
    expires_at: int
    level: Level
    #: Whether it has a refresh token.
    is_remembered: bool
    #: Whether it is the session that asks.
    is_current: bool


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some of a user's sessions."""

    sessions: tuple[ActiveSession, ...]
    #: Asks for the next page; None on the last page.
    cursor: str | None


def active_session(session_id: str, session: Session, *, level: Level, current: str | None) -> ActiveSession:
    """Return *session* as its owner sees it; *current* is the id of the session that asks."""
    return ActiveSession(
        session_id=session_id,
        device=session.device,
        network=session.network,
        created_at=session.created_ms // 1000,
        last_used_at=session.used_ms // 1000,
        expires_at=min(session.over_ms, session.ends_ms) // 1000,
        level=level,
        is_remembered=session.chain is not None,
        is_current=session_id == current,
    )
