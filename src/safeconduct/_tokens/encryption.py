"""
Encrypt and decrypt nested tokens: a signed token inside a JWE with AES-GCM (RFC 7519 §5.2, RFC 8725 §3.3).

joserfc wraps and unwraps the content key and makes and checks the ciphertext.  This module checks what must hold before
that: one content encryption, exact lengths, no compression, and a key that is used for nothing else.  *Envelope* is
the outer JWE here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jwe
from joserfc.jwe import JWERegistry

from safeconduct._tokens.algorithms import ALGORITHMS, CONTENT_ENCRYPTION
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.key import Key
from safeconduct._tokens.reader import MAX_TOKEN_BYTES, Header, decode_segment, media_type, read_header
from safeconduct.errors import BadSignature, MalformedToken, WrongTokenType

ENVELOPES: Final = frozenset(name for name, each in ALGORITHMS.items() if each.use == "enc")

_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16
# AES Key Wrap adds eight bytes to the content key (RFC 3394 §2.2.1); "dir" wraps nothing (RFC 7518 §4.5).
_WRAPPED_BYTES: Final = {"A256KW": 40, "ECDH-ES+A256KW": 40, "dir": 0}
# The claims that "MAY" be replicated in a header (RFC 7519 §5.3); other members of a foreign header may be extensions.
_REGISTERED: Final = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti")


class _Registry(JWERegistry):
    """A joserfc registry with our algorithms, and with the size limit of our own reader instead of joserfc's."""

    max_protected_header_length = MAX_TOKEN_BYTES


_registry: Final = _Registry(algorithms=sorted(ENVELOPES | {CONTENT_ENCRYPTION}), strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A well-formed envelope that has not been opened."""

    header: Header
    wire: bytes = field(repr=False)


def read_envelope(wire: bytes, parts: list[bytes]) -> Envelope:
    """Read an envelope without opening it (RFC 7516 §3.1)."""
    head, wrapped, iv, ciphertext, tag = parts
    header = read_header(head)
    if header.algorithm not in ENVELOPES or header.members.get("enc") != CONTENT_ENCRYPTION:
        raise MalformedToken("alg or enc is not allowed")
    lengths = [len(decode_segment(segment)) for segment in (wrapped, iv, tag)]
    if lengths != [_WRAPPED_BYTES[header.algorithm], _IV_BYTES, _TAG_BYTES] or not decode_segment(ciphertext):
        # A shorter tag would be easier to guess: "the requested size of the Authentication Tag output MUST be 128
        # bits" (RFC 7518 §5.3).
        raise MalformedToken("a part of the envelope has the wrong length")
    return Envelope(header, wire)


def check_envelope_header(header: Header, policy: IssuerPolicy) -> None:
    """
    Check the ``cty`` and ``typ`` of an envelope.

    "the value of this Header Parameter MUST be 'JWT', to indicate that a Nested JWT is carried" — RFC 7519 §5.2
    """
    if header.cty is None or media_type(header.cty) != "jwt":
        raise WrongTokenType("cty is not JWT")
    if header.typ is None:
        if policy.is_own:
            raise WrongTokenType("typ is missing in the header of the envelope")
    elif media_type(header.typ) not in (policy.token_types if policy.is_own else policy.token_types | {"jwt"}):
        raise WrongTokenType("typ in the header of the envelope is not an expected one")


def open_envelope(envelope: Envelope, key: Key) -> bytes:
    """
    Decrypt an envelope.

    Raises:
        BadSignature: If the key, the tag or anything else does not fit; the error does not tell which.
    """
    try:
        return jwe.decrypt_compact(envelope.wire, key.jose, registry=_registry).plaintext or b""
    except Exception as error:
        raise BadSignature(key.kid, "the envelope does not open") from error


def seal_envelope(token: bytes, header: Mapping[str, Any], key: Key) -> str:
    """Encrypt a signed *token* under a fresh content key (RFC 7516 §5.1)."""
    protected = {**header, "alg": key.algorithm, "enc": CONTENT_ENCRYPTION, "cty": "JWT"}
    return jwe.encrypt_compact(protected, token, key.jose, registry=_registry)


def compare_copies(header: Mapping[str, Any], raw: Mapping[str, Any], policy: IssuerPolicy) -> None:
    """
    Require that claims repeated in the header of the envelope equal those inside, as JSON values of equal type.

    "the application receiving them SHOULD verify that their values are identical" — RFC 7519 §5.3
    """
    names = policy.public_claims.union(_REGISTERED) if policy.is_own else _REGISTERED
    for name in names:
        is_copied, is_claimed = name in header, name in raw
        must_be_copied = name in policy.public_claims
        if is_copied and not is_claimed:
            raise MalformedToken("the header repeats a claim that the token does not have")
        if is_claimed and not is_copied and must_be_copied:
            raise MalformedToken("the header does not repeat a claim that it must repeat")
        if is_copied and not _same(header[name], raw[name]):
            raise MalformedToken("the header repeats a claim with another value")


def _same(one: Any, other: Any) -> bool:
    """Compare JSON values including their types, because 1, 1.0 and true are equal in Python."""
    if one.__class__ is not other.__class__:
        return False
    if one.__class__ is dict:
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if one.__class__ is list:
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
