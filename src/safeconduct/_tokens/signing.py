"""Sign the tokens and assertions of a service that identifies itself by a secret or a key of its own (RFC 7523)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from safeconduct._tokens.algorithms import SIGNATURES, canonical
from safeconduct._tokens.key import Key, UnusableKey, read_key

_SHARED: Final = frozenset(name for name in SIGNATURES if name.startswith("HS"))
_PUBLIC: Final = SIGNATURES - _SHARED
_PEM: Final = b"-----BEGIN "


def is_pem(material: bytes) -> bool:
    """Return whether *material* is the text of a key, and no secret."""
    return material.lstrip().startswith(_PEM)


def secret_key(secret: bytes, algorithm: str) -> Key:
    """
    Make a signing key of a *secret* that is shared with the verifier.

    Raises:
        UnusableKey: If the secret is too short for the algorithm, or can be guessed.
    """
    return read_key(
        {"kty": "oct", "k": _segment(secret).decode(), "alg": algorithm}, algorithms=_SHARED, is_published=False
    )


def private_key(material: bytes | Mapping[str, Any], algorithm: str | None) -> Key:
    """
    Make a signing key of a private key: PEM, or one JWK.

    Args:
        material: The key.
        algorithm: What it signs with; None for the algorithm that a JWK names, or for the only one that fits.

    Raises:
        UnusableKey: If it is no private key for signing, or not one that a verifier should accept.
    """
    jwk = _read_pem(material) if isinstance(material, bytes) else material
    named = jwk if algorithm is None else {**jwk, "alg": algorithm}
    if "alg" in jwk and algorithm is not None and canonical(str(jwk["alg"])) != canonical(algorithm):
        raise UnusableKey("the key is for another algorithm")
    key = read_key(named, algorithms=_PUBLIC, is_published=False)
    if not key.is_private:
        raise UnusableKey("a public key, which cannot sign")
    return key


def sign_claims(key: Key, token_type: str, claims: Mapping[str, Any]) -> str:
    """Return *claims* as a signed token in the compact serialization (RFC 7515 §3.1)."""
    header = {"alg": key.written, "typ": token_type, **({} if key.kid is None else {"kid": key.kid})}
    signed = _segment(_json(header)) + b"." + _segment(_json(claims))
    return (signed + b"." + _segment(key.sign(signed))).decode()


def _read_pem(material: bytes) -> Mapping[str, Any]:
    for kind in (ECKey, OKPKey, RSAKey):
        try:
            return kind.import_key(material).as_dict(private=True)
        except (JoseError, ValueError, TypeError):
            # Each class refuses the keys of the others; cryptography raises TypeError for a key with a pass phrase.
            continue
    raise UnusableKey("no private key in PEM without a pass phrase")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _segment(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
