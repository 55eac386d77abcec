"""
A refresh token's wire form, and how the next one follows from it.

``base64url(ver:1 ‖ kv:1 ‖ sid:18 ‖ n:u32 ‖ secret:32 ‖ tag:16)``: *kv* is the version of the key behind the tag, *sid*
the session, *n* the token's place in its chain.  Length and tag are checked before any store is asked: garbage touches
no session, and whoever knows a session's id knows nothing.

To make a successor one needs the token before it, the server's key and the salt of the rotation.  The store has the
salt alone, and the digest of each secret.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from safeconduct._core.revocation_keys import untagged
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import BadSignature, MalformedToken, UnknownKey


def read_octets(text: str, *, form: re.Pattern[str], version: int, what: str) -> bytes:
    """
    Return the octets behind *text*, whose *form* leaves no padding and no spare bits; *what* it is goes into the log.

    Raises:
        MalformedToken: If it has another form or version.
    """
    # Not left to the decoder, which also takes + and /: one token has one spelling.
    if form.fullmatch(text) is None:
        raise MalformedToken(f"{what} of another form")
    octets = base64.urlsafe_b64decode(text)
    if octets[0] != version:
        raise MalformedToken(f"{what} of another version")
    return octets


def check_tag(tag: Callable[[], bytes], shown: bytes, *, what: str) -> None:
    """
    Return if *shown* is the tag that we would make.

    Raises:
        UnknownKey: If the version of the key is gone: *tag* raises ``KeyError``.
        BadSignature: If it was made by nobody who has the key.
    """
    try:
        own = tag()
    except KeyError:
        raise UnknownKey(reason=f"no such version of the key for {what}") from None
    if not hmac.compare_digest(own, shown):
        raise BadSignature(reason=f"{what} without its right tag")


_INSTANCE_BYTES: Final = 8
SESSION_ID_BYTES: Final = 18


def new_session_id(shard: int, origin: bytes | None, draw: Callable[[int], bytes]) -> bytes:
    """
    Draw the id of a new session; its text is ``text_of`` it, and ``members.session_place`` reads that.

    Args:
        shard: Where everything of its owner lies.
        origin: The tag of the store's epoch, or what marks the sessions of this process; None where there is no store.
        draw: Draws random bytes.
    """
    first = untagged(draw(_INSTANCE_BYTES)) if origin is None else origin
    return shard.to_bytes(2, "big") + first + draw(_INSTANCE_BYTES)


def text_of(session_id: bytes) -> str:
    """Return the id as it is written: 24 letters of base64url."""
    return base64.urlsafe_b64encode(session_id).decode()


def octets_of(session_id: str) -> bytes:
    """Return what ``text_of`` wrote."""
    return base64.urlsafe_b64decode(session_id)


SECRET_BYTES: Final = 32
SALT_BYTES: Final = 16
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

    @property
    def session_id(self) -> str:
        """The session's name, as it is written."""
        return text_of(self.session)

    @property
    def digest(self) -> bytes:
        """What the store knows the token by."""
        return hashlib.sha256(self.secret).digest()


class RefreshTokens:
    """
    Write and read refresh tokens.

    Args:
        keys: Returns the derived keys as they are now.
    """

    def __init__(self, keys: Callable[[], DerivedKeys]) -> None:
        self._keys = keys

    def first(self, session: bytes, secret: bytes) -> ParsedRefreshToken:
        """Make the first token of a chain out of a *secret* that was drawn for it."""
        return ParsedRefreshToken(session, 0, secret, self._keys().current)

    def write(self, token: ParsedRefreshToken) -> str:
        """Return the token as it travels."""
        head = bytes((_VERSION, token.key_version)) + token.session + _position(token.position) + token.secret
        return base64.urlsafe_b64encode(head + self._tag(token)).decode()

    def read(self, text: str) -> ParsedRefreshToken:
        """
        Read a token and check its tag.

        Raises:
            MalformedToken: If it is none.
            UnknownKey: If it was made with a version of the key that is gone.
            BadSignature: If it was made by nobody who has the key.
        """
        octets = read_octets(text, form=_WIRE, version=_VERSION, what=_WHAT)
        token = ParsedRefreshToken(
            session=octets[2:_SID_END],
            position=int.from_bytes(octets[_SID_END:_POSITION_END], "big"),
            secret=octets[_POSITION_END:_SECRET_END],
            key_version=octets[1],
        )
        check_tag(lambda: self._tag(token), octets[_SECRET_END:], what=_WHAT)
        return token

    def successor(self, token: ParsedRefreshToken, salt: bytes) -> ParsedRefreshToken:
        """Return the one token that follows from *token* and *salt*; it is written with the key of now."""
        keys, position = self._keys(), _position(token.position + 1)
        # Made with the version that *token* names, so that a retry after a change of keys gets the same.
        key = keys.derive("refresh-next", version=token.key_version)
        secret = hmac.digest(key, _NEXT + token.session + position + salt + token.secret, hashlib.sha256)
        return ParsedRefreshToken(token.session, token.position + 1, secret, keys.current)

    def _tag(self, token: ParsedRefreshToken) -> bytes:
        key = self._keys().derive("refresh-tag", version=token.key_version)
        text = _TAG + token.session + _position(token.position) + token.secret
        return hmac.digest(key, text, hashlib.sha256)[:_TAG_BYTES]


def _position(position: int) -> bytes:
    return position.to_bytes(4, "big")
