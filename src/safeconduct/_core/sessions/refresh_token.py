"""
Read, write and rotate refresh tokens.

``base64url(ver:1 ‖ kv:1 ‖ sid:18 ‖ n:u32 ‖ secret:32 ‖ tag:16)``: *kv* is the version of the key behind the tag, *sid*
the session, *n* the token's position in its chain.  Length and tag are checked before any store is asked: a forged
token touches no session, and the id of a session alone gives no token.

The successor follows from the token before it, the server's key and the salt of the rotation.  The store has only the
salt and the digest of each secret.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Self

from safeconduct._core.session_store import LongTerm, Rotation, SessionReply
from safeconduct._core.sessions.model import Chain, CurrentAccount, Lifetimes, Session, extension_window
from safeconduct._core.sessions.verbs import RefreshToken
from safeconduct._core.tagged_token import SESSION_ID_BYTES, check_tag, read_octets, text_of
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import ReusedRefreshToken, TooEarly
from safeconduct.events import Event, RefreshReused, SessionEnded

SECRET_BYTES: Final = 32
_SALT_BYTES: Final = 16
_VERSION: Final = 1
_TAG_BYTES: Final = 16
_WHAT: Final = "a refresh token"
_SID_END: Final = 2 + SESSION_ID_BYTES
_POSITION_END: Final = _SID_END + 4
_SECRET_END: Final = _POSITION_END + SECRET_BYTES
#: 72 bytes are 96 letters: no padding, and no spare bits that would give one token two spellings.
_WIRE: Final = re.compile(r"[A-Za-z0-9_-]{96}", re.ASCII)
_TAG: Final = b"sc/rt-tag/1"
_NEXT: Final = b"sc/rt-next/1"


@dataclass(frozen=True, slots=True)
class ParsedRefreshToken:
    """A refresh token whose tag is right, and the version of the key that its successor is made with."""

    session: bytes
    position: int
    secret: bytes = field(repr=False)
    key_version: int

    @classmethod
    def first(cls, session: bytes, secret: bytes, keys: DerivedKeys, *, position: int = 0) -> Self:
        """Make the first token of a chain out of a *secret* that was drawn for it."""
        return cls(session, position, secret, keys.current)

    @classmethod
    def from_text(cls, text: str, keys: DerivedKeys) -> Self:
        """
        Read a token and check its tag.

        Raises:
            MalformedToken: If it has another form.
            UnknownKey: If it was made with a version of the key that is gone.
            BadSignature: If it was made without the key.
        """
        octets = read_octets(text, form=_WIRE, version=_VERSION, what=_WHAT)
        token = cls(
            session=octets[2:_SID_END],
            position=int.from_bytes(octets[_SID_END:_POSITION_END], "big"),
            secret=octets[_POSITION_END:_SECRET_END],
            key_version=octets[1],
        )
        check_tag(lambda: token._tag(keys), octets[_SECRET_END:], what=_WHAT)
        return token

    def to_text(self, keys: DerivedKeys) -> str:
        """Return the token as it travels."""
        head = bytes((_VERSION, self.key_version)) + self.session + self.position.to_bytes(4, "big") + self.secret
        return base64.urlsafe_b64encode(head + self._tag(keys)).decode()

    def issue(self, session: Session, keys: DerivedKeys) -> RefreshToken | None:
        """Return the token as the owner of *session* gets it, None if the session has no refresh token."""
        if session.chain is None:
            return None
        extend_after, extend_before = extension_window(session)
        return RefreshToken(
            value=self.to_text(keys),
            expires_at=session.chain.expires_ms // 1000,
            extend_after=extend_after,
            extend_before=extend_before,
        )

    @property
    def session_id(self) -> str:
        """The id of its session, as text."""
        return text_of(self.session)

    @property
    def digest(self) -> bytes:
        """What the store keeps of it."""
        return hashlib.sha256(self.secret).digest()

    def successor(self, salt: bytes, keys: DerivedKeys) -> Self:
        """Return the one token that follows from this one and *salt*; it is tagged with the current key."""
        position = self.position + 1
        # Made with this token's own version of the key, so that a retry after a change of keys gives the same.
        key = keys.derive("refresh-next", version=self.key_version)
        text = _NEXT + self.session + position.to_bytes(4, "big") + salt + self.secret
        secret = hmac.digest(key, text, hashlib.sha256)
        return replace(self, position=position, secret=secret, key_version=keys.current)

    def _tag(self, keys: DerivedKeys) -> bytes:
        key = keys.derive("refresh-tag", version=self.key_version)
        text = _TAG + self.session + self.position.to_bytes(4, "big") + self.secret
        return hmac.digest(key, text, hashlib.sha256)[:_TAG_BYTES]


@dataclass(frozen=True, slots=True)
class TokenRotation:
    """A refresh token that was presented, and the successor that this attempt makes of it."""

    token: ParsedRefreshToken
    keys: DerivedKeys = field(repr=False)
    salt: bytes = field(repr=False)
    successor: ParsedRefreshToken

    @classmethod
    def begin(cls, token: ParsedRefreshToken, keys: DerivedKeys, draw: Callable[[int], bytes]) -> Self:
        """Draw the salt of this attempt."""
        salt = draw(_SALT_BYTES)
        return cls(token, keys, salt, token.successor(salt, keys))

    def command(self, lives: Lifetimes, account: CurrentAccount, *, extends: bool = False) -> Rotation:
        """Return what the store is asked to do."""
        return Rotation(
            position=self.token.position,
            digest=self.token.digest,
            next_digest=self.successor.digest,
            salt=self.salt,
            grace_ms=lives.grace_ms,
            access_ms=lives.access_ms,
            rights=account.rights_text,
            extends_ms=lives.idle_ms if extends else None,
            earliest_ms=account.earliest_ms,
        )

    def issue(self, session: Session) -> RefreshToken | None:
        """Return the refresh token of *session* now: within the grace, an earlier attempt may have made it."""
        if session.chain is None or session.chain.salt == self.salt:
            return self.successor.issue(session, self.keys)
        return self.token.successor(session.chain.salt, self.keys).issue(session, self.keys)


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The first refresh token of a session, made before the store decides whether the session needs one."""

    token: ParsedRefreshToken
    keys: DerivedKeys = field(repr=False)

    @classmethod
    def draw(cls, session_id: bytes, chain: Chain | None, keys: DerivedKeys, draw: Callable[[int], bytes]) -> Self:
        """Draw the token; *chain* is what the session had of refresh tokens."""
        # The tokens of a chain that has expired may still come: none of them may seem to be of a later state.
        position = 0 if chain is None else chain.position + 1
        return cls(ParsedRefreshToken.first(session_id, draw(SECRET_BYTES), keys, position=position), keys)

    def command(self, lives: Lifetimes) -> LongTerm:
        """Return what the store is asked to keep of it."""
        return LongTerm(digest=self.token.digest, idle_ms=lives.idle_ms, position=self.token.position)

    def issue(self, session: Session) -> RefreshToken | None:
        """Return the token, unless *session* has another one, which its owner keeps."""
        chain = session.chain
        is_live = chain is not None and hmac.compare_digest(chain.digest, self.token.digest)
        return self.token.issue(session, self.keys) if is_live else None


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
