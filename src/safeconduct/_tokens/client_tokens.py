"""
Verify what a client has signed: an access token of its own, or an assertion that proves who it is (RFC 7523).

One key signs both, and neither may be taken for the other:

==========================================  ============================================================================
the JWT has                                 and is
==========================================  ============================================================================
the type ``client-authentication+jwt``      an assertion
a token endpoint in its ``aud``             an assertion
our issuer as its ``aud``                   an assertion; but where our audience has the same name, an access token of a
                                            client that may sign its own, and an assertion of any other
any other ``aud``                           an access token
==========================================  ============================================================================

``iss`` is the name of the client, and says only whose keys must have signed it.
"""

import math
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, cast

from safeconduct._tokens.claims import Claims, check_times, check_unbound
from safeconduct._tokens.issuer_policy import ACCESS_TOKEN, ASSERTION
from safeconduct._tokens.key_table import KeySource
from safeconduct._tokens.reader import decode_segment, read_object, token_octets
from safeconduct._tokens.signatures import NO_TYPE, Check, Signatures
from safeconduct.errors import MalformedToken, WrongAudience, WrongIssuer, WrongTokenType
from safeconduct.principal import CLIENT_SUBJECT

MAX_LIFETIME_SECONDS: Final = 3600
"""How long an access token that a client signs itself may live."""

MAX_ASSERTION_SECONDS: Final = 300
"""How long an assertion may live."""

_PLAIN: Final = "jwt"
_ASSERTION_TYPES: Final = frozenset({NO_TYPE, _PLAIN, ASSERTION})
_TOKEN_TYPES: Final = _ASSERTION_TYPES | {ACCESS_TOKEN}
_PARTS: Final = 3

Purpose = Literal["access_token", "assertion"]


class ClientTimes(NamedTuple):
    """What holds for the times of what a client signs."""

    leeway_seconds: int
    max_lifetime_seconds: int
    is_dated_by_store: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OurNames:
    """The names by which we are addressed in ``aud``, and the leeway granted to the clocks of clients."""

    #: None if we issue no tokens; then there is no assertion either.
    issuer: str | None
    audience: str
    #: Every URL of the token endpoint.
    token_endpoints: frozenset[str] = frozenset()
    leeway_seconds: int = 10


class ClientSigner:
    """
    What one client may sign, and the keys that verify it.

    Args:
        client_id: Its name.
        keys: Its keys.
        scopes: The most that its tokens may have.
        roles: What its tokens have.
        signs_tokens: Whether it may sign access tokens itself.
        has_secret: Whether its one key is a secret without a name.
    """

    __slots__ = ("client_id", "roles", "scopes", "signatures", "signs_tokens")

    def __init__(
        self,
        client_id: str,
        keys: KeySource,
        *,
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        signs_tokens: bool,
        has_secret: bool,
    ) -> None:
        self.client_id = client_id
        self.scopes = frozenset(scopes)
        self.roles = frozenset(roles)
        self.signs_tokens = signs_tokens
        self.signatures = Signatures(keys, _TOKEN_TYPES, has_one_key=has_secret)


class SignedToken(NamedTuple):
    """A signed token whose signature was not checked."""

    head: bytes
    signed: bytes
    signature: bytes
    raw: dict[str, Any]

    @property
    def client_id(self) -> str:
        """Return the client that the token claims to be of, in ``iss`` and ``sub`` (RFC 7523 §3)."""
        name = self.raw.get("iss")
        if type(name) is not str or self.raw.get("sub") != name:
            raise MalformedToken("iss and sub are not the name of one client")
        return name


def read_signed(token: str) -> SignedToken:
    """
    Read a signed *token* strictly, without checking its signature.

    Raises:
        MalformedToken: If it is none.
    """
    wire = token_octets(token)
    parts = wire.split(b".", _PARTS)
    if len(parts) != _PARTS:
        raise MalformedToken("not three parts")
    head, body, last = parts
    return SignedToken(head, wire[: -len(last) - 1], decode_segment(last), read_object(decode_segment(body)))


def purpose_of(token_type: str, audience: object, names: OurNames, *, signs_tokens: bool) -> Purpose:
    """
    Tell what a JWT of a client is meant for.

    Args:
        token_type: Its type, as ``media_type`` spells it.
        audience: Its ``aud``.
        names: Ours.
        signs_tokens: Whether the client may sign access tokens itself.

    Raises:
        WrongAudience: If it has no audience.
        MalformedToken: If its audience is neither a text nor a list of texts.
    """
    audiences = _audiences(audience)
    if token_type == ASSERTION or not names.token_endpoints.isdisjoint(audiences):
        return "assertion"
    if names.issuer not in audiences:
        return "access_token"
    if names.issuer == names.audience:
        return "access_token" if signs_tokens else "assertion"
    return "access_token" if names.audience in audiences else "assertion"


def verify_access_token(token: SignedToken, signer: ClientSigner, names: OurNames, *, now: float) -> Claims:
    """
    Check an access token that a client has signed itself, and return its claims.

    Whether it was revoked, or used before, is not checked.

    Raises:
        InvalidToken: If anything about it is wrong.
    """
    raw, check = token.raw, _check_origin(token, signer)
    if not signer.signs_tokens:
        raise WrongIssuer("a client without the grant self_signed")
    if purpose_of(check.token_type, raw.get("aud"), names, signs_tokens=True) != "access_token":
        raise WrongTokenType("the assertion of a client")
    if names.audience not in _audiences(raw.get("aud")):
        raise WrongAudience("aud does not name our audience")
    check_times(raw, ClientTimes(names.leeway_seconds, MAX_LIFETIME_SECONDS), now)
    claims = _claims(token, signer, check.kid, names)
    if not claims.scopes <= signer.scopes:
        raise MalformedToken("a scope that the client may not have")
    return claims


def verify_assertion(token: SignedToken, signer: ClientSigner, names: OurNames, *, now: float) -> Claims:
    """
    Check an assertion by which a client proves who it is (RFC 7523 §3), and return its claims.

    Its ``token_id`` is its ``jti``.  The caller lets that count once, and asks whether the client was revoked.

    Raises:
        InvalidToken: If anything about it is wrong.
    """
    raw, check = token.raw, _check_origin(token, signer)
    if check.token_type not in _ASSERTION_TYPES:
        raise WrongTokenType("an access token where an assertion is needed")
    purpose = purpose_of(check.token_type, raw.get("aud"), names, signs_tokens=signer.signs_tokens)
    if purpose != "assertion":
        raise WrongTokenType("an access token where an assertion is needed")
    audiences = _audiences(raw.get("aud"))
    # Alone: the other party could send it to us (draft-ietf-oauth-rfc7523bis §4).
    if len(audiences) != 1 or (audiences[0] != names.issuer and audiences[0] not in names.token_endpoints):
        raise WrongAudience
    check_times(raw, ClientTimes(names.leeway_seconds, MAX_ASSERTION_SECONDS), now)
    if "jti" not in raw:
        raise MalformedToken("an assertion without jti")
    return _claims(token, signer, check.kid, names)


def token_digest(signed: bytes) -> str:
    """Return the name of a token without ``jti``: the digest of what is signed, for a signature can be varied."""
    return urlsafe_b64encode(sha256(signed).digest()).rstrip(b"=").decode()


def _check_origin(token: SignedToken, signer: ClientSigner) -> Check:
    """Check the signature, that the token is of this client, and that it is not bound to a key."""
    if token.client_id != signer.client_id:
        raise WrongIssuer
    check = signer.signatures.check_signature(token.head, token.signed, token.signature)
    if token.raw.get("client_id", signer.client_id) != signer.client_id:
        raise MalformedToken("client_id is not iss")
    check_unbound(token.raw)
    return check


def _claims(token: SignedToken, signer: ClientSigner, kid: str | None, names: OurNames) -> Claims:
    raw, client_id = token.raw, signer.client_id
    token_id = raw.get("jti", "")
    if type(token_id) is not str or (not token_id and "jti" in raw):
        raise MalformedToken("jti is not a string")
    return Claims(
        issuer=client_id,
        subject=f"{CLIENT_SUBJECT}{client_id}",
        token_id=token_id or token_digest(token.signed),
        client_id=client_id,
        # As for every issuer whose clock is not ours.
        issued_ms=math.floor(raw["iat"] * 1000) - names.leeway_seconds * 1000,
        expires_at=math.floor(raw["exp"]),
        auth_time=None,
        level="remembered",
        scopes=_scopes(raw["scope"]) if "scope" in raw else signer.scopes,
        roles=signer.roles,
        # A client has no session with us, and nobody acts for it.
        session_id=None,
        csrf_generation=None,
        renewals=None,
        actor=None,
        kid=kid,
        is_own=False,
        display_name=None,
        remote_user=None,
        raw=MappingProxyType(raw),
    )


def _scopes(scope: object) -> frozenset[str]:
    if type(scope) is not str:
        raise MalformedToken("scope is not a string")
    return frozenset(scope.split(" ")) - {""}


def _audiences(audience: object) -> list[str]:
    audiences = [audience] if type(audience) is str else audience
    if not audiences:
        raise WrongAudience
    if type(audiences) is not list or any(type(each) is not str for each in cast("list[object]", audiences)):
        raise MalformedToken("aud is neither a string nor a list of strings")
    return cast("list[str]", audiences)
