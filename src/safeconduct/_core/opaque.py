"""
From any access token to what it proves: a signed one says it itself, an opaque one is told by the store.

What the store tells of an opaque token goes through the very checks that the claims of a signed one go through.

An opaque token's wire form: a reference to what the store keeps.

``base64url(ver:1 ‖ kv:1 ‖ sid:18 ‖ secret:30 ‖ tag:16)``: *kv* is the version of the key behind the tag, *sid* the
session, which names the shard.  Length and tag are checked before any store is asked.  The store has a digest: whoever
reads it has neither the secret nor the key of the tag.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from safeconduct._core.bearer import BearerAuthenticator
from safeconduct._core.credential_sources import CredentialSource
from safeconduct._core.decision import Passed
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import session_place
from safeconduct._core.sessions.refresh_token import (
    SESSION_ID_BYTES,
    check_tag,
    octets_of,
    read_octets,
    text_of,
)
from safeconduct._core.store import OpaqueQuery, OpaqueTokenStore, RevocationQuery
from safeconduct._tokens.claims import Claims, read_claims
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.reader import read_object
from safeconduct.errors import MalformedToken, RevokedToken, Unavailable

SECRET_BYTES: Final = 30
LETTERS: Final = 88
"""66 bytes: no padding, and no spare bits that would give one token two spellings."""

_VERSION: Final = 1
_TAG_BYTES: Final = 16
_WHAT: Final = "an opaque token"
_SID_END: Final = 2 + SESSION_ID_BYTES
_SECRET_END: Final = _SID_END + SECRET_BYTES
_WIRE: Final = re.compile(r"[A-Za-z0-9_-]{88}", re.ASCII)
_TAG: Final = b"sc/at-tag/1"


def is_reference(token: str) -> bool:
    """Say whether *token* has the form of a reference; a token that is signed has dots and is longer."""
    return len(token) == LETTERS and "." not in token


@dataclass(frozen=True, slots=True)
class OpaqueTokenParts:
    """A reference whose tag is right."""

    session: bytes
    secret: bytes = field(repr=False)
    key_version: int

    @property
    def session_id(self) -> str:
        """The session's name, as it is written."""
        return text_of(self.session)

    @property
    def digest(self) -> bytes:
        """What the store knows the token by."""
        return hashlib.sha256(self.session + self.secret).digest()


class OpaqueTokens:
    """
    Write and read references.

    Args:
        keys: Returns the derived keys as they are now.
        draw: Draws random bytes.
    """

    def __init__(self, keys: Callable[[], DerivedKeys], draw: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._draw = draw

    def new(self, session_id: str) -> OpaqueTokenParts:
        """Draw a reference for a token of a session."""
        return OpaqueTokenParts(octets_of(session_id), self._draw(SECRET_BYTES), self._keys().current)

    def write(self, reference: OpaqueTokenParts) -> str:
        """Return the reference as it travels."""
        head = bytes((_VERSION, reference.key_version)) + reference.session + reference.secret
        return base64.urlsafe_b64encode(head + self._tag(reference)).decode()

    def read(self, text: str) -> OpaqueTokenParts:
        """
        Read a reference and check its tag.

        Raises:
            MalformedToken: If it is none.
            UnknownKey: If it was made with a version of the key that is gone.
            BadSignature: If it was made by nobody who has the key.
        """
        octets = read_octets(text, form=_WIRE, version=_VERSION, what=_WHAT)
        reference = OpaqueTokenParts(octets[2:_SID_END], octets[_SID_END:_SECRET_END], octets[1])
        check_tag(lambda: self._tag(reference), octets[_SECRET_END:], what=_WHAT)
        return reference

    def _tag(self, reference: OpaqueTokenParts) -> bytes:
        key = self._keys().derive("reference-tag", version=reference.key_version)
        return hmac.digest(key, _TAG + reference.session + reference.secret, hashlib.sha256)[:_TAG_BYTES]


@dataclass(frozen=True, slots=True)
class ResolvedClaims:
    """What the store says of an opaque token that counts, and what it is asked about it from now on."""

    claims: Claims
    question: RevocationQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueLookup:
    """Where opaque tokens are looked up, for one world."""

    references: OpaqueTokens
    store: OpaqueTokenStore
    revocations: Revocations
    #: The rules for own tokens.
    policy: IssuerPolicy
    shards: int


class OpaqueTokenResolver:
    """
    Prove access tokens of either kind.

    Args:
        recognition: Proves signed ones, and remembers proofs.
        opaque_lookup: Returns where opaque ones are looked up, None where there can be none.
    """

    def __init__(self, recognition: BearerAuthenticator, opaque_lookup: Callable[[], OpaqueLookup | None]) -> None:
        self._recognition = recognition
        self._opaque_lookup_or_none = opaque_lookup

    async def prove(self, token: str, place: CredentialSource, *, now: float) -> Passed | None:
        """
        Ask the store what an opaque *token* says, and whether it counts; None for a token that is not opaque.

        Raises:
            InvalidToken: If anything about it is wrong, or it was ended.
            Unavailable: If the store cannot be asked.
        """
        remembered = self._recognition.remembered
        told = await self._told(token, now)
        return None if told is None else self._recognition.passed(told.claims, told.question, place, remembered)

    async def resolve(self, token: str, *, now: float) -> Claims | None:
        """
        Return what an opaque *token* says, if it counts; None for a token that is not opaque.

        Raises:
            InvalidToken: If anything about it is wrong, or it was ended.
            Unavailable: If the store cannot be asked.
        """
        told = await self._told(token, now)
        return None if told is None else told.claims

    async def told(self, token: str, *, now: float) -> ResolvedClaims:
        """
        Return what any *token* says, and what the store is asked about it; whether a signed one was ended is not asked.

        Raises:
            InvalidToken: If anything about it is wrong.
            Unavailable: If the store cannot be asked.
        """
        told = await self._told(token, now)
        if told is None:
            claims = self._recognition.verify(token, now=now)
            told = ResolvedClaims(claims, self._recognition.question(claims))
        return told

    async def counting(self, token: str, revocations: Revocations | None, *, now: float) -> Claims:
        """
        Return what any *token* says that counts; *revocations* are asked whatever the consistency.

        Raises:
            InvalidToken: If anything about it is wrong, or it was ended.
            Unavailable: If the store cannot be asked.
        """
        told = await self._told(token, now)
        if told is not None:
            return told.claims
        claims = self._recognition.verify(token, now=now)
        if revocations is not None:
            await revocations.check(self._recognition.question(claims), now_ms=int(now * 1000))
        return claims

    async def verify(self, token: str, *, now: float) -> Claims:
        """
        Return what any *token* says; whether a signed one was ended is not asked.

        Raises:
            InvalidToken: If anything about it is wrong.
            Unavailable: If the store cannot be asked.
        """
        return (await self.told(token, now=now)).claims

    def session_of(self, token: str) -> str | None:
        """
        Return the session that an opaque *token* names, None for any other token.

        Raises:
            InvalidToken: If it is none of ours.
        """
        opaque_lookup = self._opaque_lookup_for(token)
        return None if opaque_lookup is None else opaque_lookup.references.read(token).session_id

    def _opaque_lookup_for(self, token: str) -> OpaqueLookup | None:
        return self._opaque_lookup_or_none() if is_reference(token) else None

    async def _told(self, token: str, now: float) -> ResolvedClaims | None:
        opaque_lookup = self._opaque_lookup_for(token)
        if opaque_lookup is None:
            return None
        reference = opaque_lookup.references.read(token)
        place = session_place(reference.session_id)
        if place is None or place[0] >= opaque_lookup.shards:
            # Of a time when the store had more shards.
            raise RevokedToken("an opaque token of a shard that is gone")
        sought = OpaqueQuery(place[0], reference.session_id, reference.digest)
        text = await opaque_lookup.revocations.resolve(
            lambda: opaque_lookup.store.resolve(sought), sought.shard, now_ms=int(now * 1000)
        )
        claims = read_claims(_members(text), opaque_lookup.policy, None, now)
        question = self._recognition.question(claims, reference=sought.reference)
        if claims.session_id != sought.session_id or question.shard != sought.shard:
            raise Unavailable("the store keeps another session's claims under an opaque token")
        return ResolvedClaims(claims, question)


def _members(text: str) -> dict[str, object]:
    try:
        return read_object(text.encode())
    except MalformedToken as error:
        # Not the caller's fault: his reference has its right tag.
        raise Unavailable("the store keeps something else under an opaque token") from error
