"""
Write and read the self-contained refresh token that is used where no store keeps the session.

It is a compact JWE (RFC 7516 §3.1) with ``alg: dir`` and ``enc: A256GCM`` and no other algorithm.  Its key is derived
for this purpose alone, and *kid* names the version of the key.  Only we can read or make one, so its claims can be
trusted.  The 96-bit IV is random, so one version of the key may encrypt 2^32 tokens (NIST SP 800-38D §8.3).
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from joserfc import jwe
from joserfc.jwe import JWERegistry

from safeconduct._tokens.algorithms import CONTENT_ENCRYPTION
from safeconduct._tokens.encryption import open_envelope, read_envelope
from safeconduct._tokens.key import Key, read_key
from safeconduct._tokens.reader import MAX_TOKEN_BYTES, Header, read_object
from safeconduct.errors import (
    ConfigurationError,
    ExpiredToken,
    MalformedToken,
    UnknownKey,
    WrongAudience,
    WrongIssuer,
    WrongTokenType,
)
from safeconduct.principal import LEVELS, Level

REFRESH_TOKEN: Final = "sc-rt+jwt"  # noqa: S105 - a media type
"""The type of a sealed refresh token, so that it is never taken for an access token (RFC 8725 §3.11)."""

KeyOf = Callable[[int], bytes]
"""Returns the 32-byte key of a version; raises ``KeyError`` if there is no such version."""

_DIRECT: Final = "dir"
_PARTS: Final = 5
_MEMBERS: Final[frozenset[str]] = frozenset(("alg", "enc", "typ", "kid"))
# A version is one octet in the other kind of refresh token, so it has at most three digits; no leading zeros.
_KID: Final = re.compile(r"refresh-(0|[1-9][0-9]{0,2})", re.ASCII)
_TRANSPORTS: Final = ("header", "cookie")
_registry: Final = JWERegistry(algorithms=[_DIRECT, CONTENT_ENCRYPTION], strict_check_header=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRefresh:
    """The content of a sealed refresh token."""

    issuer: str
    subject: str
    session_id: str
    #: When and at which level the user last authenticated.
    auth_ms: int
    level: Level
    #: The end of the session and of this token, in seconds since the epoch.
    expires_at: int
    #: The user name as it was submitted, for a later step-up.
    username: str = field(repr=False)
    transport: Literal["header", "cookie"]
    device: str
    network: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    #: The display name from the directory; empty if it gives none.
    display_name: str = field(default="", repr=False)


# The claim of each field; a token has exactly these and "aud".
_CLAIMS: Final = {
    "issuer": "iss",
    "subject": "sub",
    "session_id": "sid",
    "auth_ms": "auth_ms",
    "level": "level",
    "expires_at": "exp",
    "username": "username",
    "transport": "transport",
    "device": "device",
    "network": "network",
    "roles": "roles",
    "scopes": "scopes",
    "display_name": "name",
}
_NAMES: Final[frozenset[str]] = frozenset((*_CLAIMS.values(), "aud"))
_NEVER_EMPTY: Final = ("sub", "sid")
_TEXTS: Final = (*_NEVER_EMPTY, "iss", "aud", "level", "username", "transport", "device", "network", "name")
_NUMBERS: Final = ("auth_ms", "exp")
_LISTS: Final = ("roles", "scopes")


def seal_refresh(refresh: SealedRefresh, *, key: bytes, version: int) -> str:
    """
    Write a sealed refresh token; its audience is its issuer.

    Args:
        refresh: The content.
        key: The 32-byte key of *version*.
        version: The version of the key, which the header names.

    Raises:
        ConfigurationError: If a name is not valid Unicode text, so that no reader could decode it.
    """
    values = asdict(refresh)
    claims = {**{claim: values[name] for name, claim in _CLAIMS.items()}, "aud": refresh.issuer}
    header = {"alg": _DIRECT, "enc": CONTENT_ENCRYPTION, "typ": REFRESH_TOKEN, "kid": f"refresh-{version}"}
    try:
        text = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError("subject, names, network, roles and scopes must be Unicode text") from error
    return jwe.encrypt_compact(header, text, _key(key).jose, registry=_registry)


def open_refresh(text: str, *, issuer: str, key_of: KeyOf, now: float) -> SealedRefresh:
    """
    Decrypt a sealed refresh token and check its content.

    No leeway applies to its expiry, because we issued it and no session outlives its end.

    Args:
        text: The token as it was presented.
        issuer: Our own issuer, which must be both ``iss`` and ``aud``.
        key_of: Returns the key of a version.
        now: The current time, in seconds since the epoch.

    Raises:
        InvalidToken: One of its subclasses, for the first check that fails.
    """
    try:
        wire = text.encode("ascii")
    except UnicodeEncodeError:
        raise MalformedToken("a refresh token that is not ASCII") from None
    parts = wire.split(b".", _PARTS)
    if len(wire) > MAX_TOKEN_BYTES or len(parts) != _PARTS:
        raise MalformedToken("a refresh token that is too long, or not of five parts")
    envelope = read_envelope(wire, parts)
    version = _version(envelope.header)
    try:
        key = key_of(version)
    except KeyError:
        raise UnknownKey(envelope.header.kid, "no such version of the key for refresh tokens") from None
    return _read(open_envelope(envelope, _key(key)), issuer, now)


def _version(header: Header) -> int:
    """Require the one header that ``seal_refresh`` writes, and return the version of the key that it names."""
    if header.typ != REFRESH_TOKEN:
        raise WrongTokenType("typ is not that of a refresh token")
    if header.algorithm != _DIRECT or frozenset(header.members) != _MEMBERS:
        raise MalformedToken("the header of a refresh token has other members")
    named = _KID.fullmatch(header.kid or "")
    if named is None:
        raise UnknownKey(header.kid, "kid names no version of the key for refresh tokens")
    return int(named[1])


def _key(secret: bytes) -> Key:
    encoded = urlsafe_b64encode(secret).rstrip(b"=").decode()
    return read_key({"kty": "oct", "k": encoded}, algorithms=(_DIRECT,), is_published=False)


def _read(plaintext: bytes, issuer: str, now: float) -> SealedRefresh:
    claims = read_object(plaintext)
    _check_types(claims)
    if claims["iss"] != issuer:
        raise WrongIssuer("a refresh token of another issuer")
    if claims["aud"] != issuer:
        raise WrongAudience("a refresh token for another audience")
    if now >= claims["exp"]:
        raise ExpiredToken(claims["exp"])
    values: dict[str, Any] = {name: claims[claim] for name, claim in _CLAIMS.items()}
    values |= {name: tuple(values[name]) for name in _LISTS}
    return SealedRefresh(**values)


def _check_types(claims: dict[str, Any]) -> None:
    """Require each claim with its exact type; ``isinstance`` would take true for an integer."""
    if frozenset(claims) != _NAMES:
        raise MalformedToken("a refresh token with other claims")
    if any(type(claims[name]) is not str for name in _TEXTS) or not all(claims[name] for name in _NEVER_EMPTY):
        raise MalformedToken("a claim of the refresh token is not a string")
    if any(type(claims[name]) is not int or claims[name] < 0 for name in _NUMBERS):
        raise MalformedToken("a claim of the refresh token is not a natural number")
    if any(type(claims[name]) is not list or any(type(each) is not str for each in claims[name]) for name in _LISTS):
        raise MalformedToken("a claim of the refresh token is not a list of strings")
    # A user who signed in is never anonymous.
    if claims["level"] not in LEVELS[1:] or claims["transport"] not in _TRANSPORTS:
        raise MalformedToken("an unknown level or transport")
