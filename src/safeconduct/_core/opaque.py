"""
Write and read opaque access tokens, which are references to claims that the store keeps.

The wire form is ``base64url(ver:1 ‖ kv:1 ‖ sid:18 ‖ secret:30 ‖ tag:16)``: *kv* is the version of the key that made the
tag, and *sid* is the session, which names the shard.  Length and tag are checked before a store is asked.  The store
has a digest of session and secret, so neither the secret nor the key can be read from it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import parse_session_id
from safeconduct._core.store import OpaqueQuery, OpaqueTokenStore
from safeconduct._core.tagged_token import SESSION_ID_BYTES, check_tag, octets_of, read_octets, text_of
from safeconduct._tokens.claims import Claims, read_claims
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.reader import read_object
from safeconduct.errors import MalformedToken, RevokedToken, Unavailable

_SECRET_BYTES: Final = 30
LETTERS: Final = 88
"""66 bytes need no padding, and leave no spare bits that would give one token two spellings."""

_VERSION: Final = 1
_TAG_BYTES: Final = 16
_WHAT: Final = "an opaque token"
_SID_END: Final = 2 + SESSION_ID_BYTES
_SECRET_END: Final = _SID_END + _SECRET_BYTES
_WIRE: Final = re.compile(r"[A-Za-z0-9_-]{88}", re.ASCII)
_TAG: Final = b"sc/at-tag/1"


def is_opaque_token(token: str) -> bool:
    """Return whether *token* has the form of an opaque token; a signed one is longer and contains dots."""
    return len(token) == LETTERS and "." not in token


@dataclass(frozen=True, slots=True)
class ParsedOpaqueToken:
    """An opaque token with a correct tag."""

    session: bytes
    secret: bytes = field(repr=False)
    key_version: int

    @property
    def session_id(self) -> str:
        """The session id as text."""
        return text_of(self.session)

    @property
    def digest(self) -> bytes:
        """The digest under which the store keeps the claims."""
        return hashlib.sha256(self.session + self.secret).digest()


class OpaqueTokens:
    """
    Write and read opaque tokens.

    Args:
        keys: Returns the present derived keys.
        draw: Returns the given number of random bytes.
    """

    def __init__(self, keys: Callable[[], DerivedKeys], draw: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._draw = draw

    def new(self, session_id: str) -> ParsedOpaqueToken:
        """Make a token of a session."""
        return ParsedOpaqueToken(octets_of(session_id), self._draw(_SECRET_BYTES), self._keys().current)

    def write(self, token: ParsedOpaqueToken) -> str:
        """Return the wire form of *token*."""
        head = bytes((_VERSION, token.key_version)) + token.session + token.secret
        return base64.urlsafe_b64encode(head + self._tag(token)).decode()

    def read(self, text: str) -> ParsedOpaqueToken:
        """
        Read a token and check its tag.

        Raises:
            MalformedToken: If *text* does not have the form of an opaque token.
            UnknownKey: If the token was made with a version of the key that is gone.
            BadSignature: If the tag was not made with our key.
        """
        octets = read_octets(text, form=_WIRE, version=_VERSION, what=_WHAT)
        token = ParsedOpaqueToken(octets[2:_SID_END], octets[_SID_END:_SECRET_END], octets[1])
        check_tag(lambda: self._tag(token), octets[_SECRET_END:], what=_WHAT)
        return token

    def _tag(self, token: ParsedOpaqueToken) -> bytes:
        key = self._keys().derive("reference-tag", version=token.key_version)
        return hmac.digest(key, _TAG + token.session + token.secret, hashlib.sha256)[:_TAG_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueLookup:
    """The parts that look up opaque tokens, for ASGI or for WSGI."""

    tokens: OpaqueTokens
    store: OpaqueTokenStore
    revocations: Revocations
    #: The rules for our own tokens.
    policy: IssuerPolicy
    shards: int

    async def resolve(self, token: str, *, now: float) -> tuple[Claims, OpaqueQuery]:
        """
        Return the claims of an opaque *token* that was not revoked, and what the store was asked.

        Raises:
            InvalidToken: If anything about the token is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        parsed = self.tokens.read(token)
        parts = parse_session_id(parsed.session_id)
        if parts is None or parts[0] >= self.shards:
            # The token was issued when the store had more shards.
            raise RevokedToken("an opaque token of a shard that is gone")
        query = OpaqueQuery(parts[0], parsed.session_id, parsed.digest)
        text = await self.revocations.resolve(lambda: self.store.resolve(query), query, now_ms=int(now * 1000))
        return read_claims(_stored_claims(text), self.policy, None, now), query


def _stored_claims(text: str) -> dict[str, object]:
    try:
        return read_object(text.encode())
    except MalformedToken as error:
        # The tag of the token is right, so the caller is not to blame.
        raise Unavailable("the store keeps something else under an opaque token") from error
