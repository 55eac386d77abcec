"""Rotate a refresh token: ask the store for its successor, and read what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from safeconduct._core.session_store import Rotation, SessionReply
from safeconduct._core.sessions.model import Lifetimes, Rights, Session, extension_window
from safeconduct._core.sessions.refresh_token import SALT_BYTES, ParsedRefreshToken
from safeconduct._core.sessions.verbs import RefreshToken
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import ReusedRefreshToken, TooEarly
from safeconduct.events import Event, RefreshReused, SessionEnded


@dataclass(frozen=True, slots=True)
class TokenRotation:
    """A refresh token that was presented, and the successor that this attempt makes of it."""

    token: ParsedRefreshToken
    keys: DerivedKeys = field(repr=False)
    salt: bytes = field(repr=False)
    next: ParsedRefreshToken

    @classmethod
    def begin(cls, token: ParsedRefreshToken, keys: DerivedKeys, draw: Callable[[int], bytes]) -> Self:
        """Draw the salt of this attempt."""
        salt = draw(SALT_BYTES)
        return cls(token, keys, salt, token.successor(salt, keys))

    def command(self, lives: Lifetimes, rights: Rights | None, *, extends: bool = False) -> Rotation:
        """Return what the store is asked to do."""
        return Rotation(
            position=self.token.position,
            digest=self.token.digest,
            next_digest=self.next.digest,
            salt=self.salt,
            grace_ms=lives.grace_ms,
            access_ms=lives.access_ms,
            rights=None if rights is None else rights.to_text(),
            extends_ms=lives.idle_ms if extends else None,
        )

    def result(self, session: Session) -> RefreshToken | None:
        """Return the refresh token that *session* has now: within the grace, an earlier attempt may have made it."""
        if session.chain is None or session.chain.salt == self.salt:
            return refresh_token_of(session, self.next, self.keys)
        return refresh_token_of(session, self.token.successor(session.chain.salt, self.keys), self.keys)


def refuse_unrotated(reply: SessionReply, session_id: str, subject: str, *, announce: Callable[[Event], None]) -> None:
    """
    Return if the refresh token was rotated, or none came along.

    Raises:
        TooEarly: If it was to be extended before half of its life.
        ReusedRefreshToken: If it was rotated away before; with a session id if that ended the session.
    """
    match reply.outcome:
        case "early":
            raise TooEarly("half of the refresh token's life is not over")
        case "stale":
            raise ReusedRefreshToken(reason="another request rotated the refresh token just now")
        case "reuse":
            announce(RefreshReused(subject=subject, session_id=session_id))
            announce(SessionEnded(subject=subject, session_id=session_id, reason="reused"))
            raise ReusedRefreshToken(session_id, "a refresh token that was rotated away")
        case _:
            return


def refresh_token_of(session: Session, token: ParsedRefreshToken, keys: DerivedKeys) -> RefreshToken | None:
    """Return *token* as its owner gets it, None if *session* has no refresh token."""
    if session.chain is None:
        return None
    extend_after, extend_before = extension_window(session)
    return RefreshToken(
        value=token.to_text(keys),
        expires_at=session.chain.expires_ms // 1000,
        extend_after=extend_after,
        extend_before=extend_before,
    )
