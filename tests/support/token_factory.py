"""Throw-away keys, and tokens of any shape that are signed with them."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

from safeconduct._keys.keyset import KeySet
from safeconduct._keys.loading import own_issuer, own_policy
from safeconduct._tokens.algorithms import ALGORITHMS, MODELS, canonical
from safeconduct._tokens.encryption import seal_envelope
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import ACR, IssuerPolicy
from safeconduct._tokens.key import Key, new_material, read_key
from safeconduct._tokens.key_table import KeyTable
from safeconduct._tokens.reader import decode_segment, read_header
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.config import Config

NOW = 1_750_000_000
ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"

CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "alice",
    "client_id": "app",
    "jti": "token-1",
    "iat": NOW - 10,
    "iat_ms": (NOW - 10) * 1000 + 7,
    "exp": NOW + 290,
}


def jwk_for(algorithm: str, kid: str | None = "k1") -> dict[str, Any]:
    """Return a private JWK, the same for the same arguments."""
    return dict(_jwk_for(algorithm, kid))


def key_for(algorithm: str, kid: str | None = "k1") -> Key:
    """Return the same key, ready for use."""
    return _key_for(algorithm, kid)


# Separate functions, because a cache distinguishes a default from the same value passed.
@cache
def _jwk_for(algorithm: str, kid: str | None) -> dict[str, Any]:
    name = canonical(algorithm)
    named = {} if kid is None else {"kid": kid}
    return {**new_material(name), **named, "alg": algorithm, "use": ALGORITHMS[name].use}


@cache
def _key_for(algorithm: str, kid: str | None) -> Key:
    return read_key(_jwk_for(algorithm, kid), algorithms=ALGORITHMS, is_published=False)


def public_jwk_for(algorithm: str, kid: str | None = "k1") -> dict[str, Any]:
    """Return the public half of ``jwk_for``."""
    return {
        name: value
        for name, value in jwk_for(algorithm, kid).items()
        if name not in ["d", "p", "q", "dp", "dq", "qi", "k"]
    }


def segment(data: bytes) -> bytes:
    """Return *data* in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=")


def sign_bytes(header: bytes, body: bytes, key: Key) -> str:
    """Return a signed token of *header* and *body* without changes."""
    signed = segment(header) + b"." + segment(body)
    return (signed + b"." + segment(key.sign(signed))).decode()


def mint(key: Key, claims: dict[str, Any] | None = None, **header: Any) -> str:
    """Return a signed token; a header member that is ... is left out."""
    members = {"alg": key.written, "typ": "at+jwt", "kid": ... if key.kid is None else key.kid, **header}
    members = {name: value for name, value in members.items() if value is not ...}
    return sign_bytes(json.dumps(members).encode(), json.dumps(CLAIMS if claims is None else claims).encode(), key)


def without(*names: str) -> dict[str, Any]:
    """Return valid claims without *names*."""
    return {name: value for name, value in CLAIMS.items() if name not in names}


class FixedKeys:
    """Keys that never change."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table

    def table(self) -> KeyTable:
        """Return the keys."""
        return self._table

    def reload(self) -> None:
        """Do nothing, because there are no other keys."""


def issuer_for(config: Config, keys: Callable[[], KeySet], randomness: Callable[[int], bytes]) -> TokenIssuer:
    """Return an issuer of the tokens that *config* describes, by the present *keys*."""
    return own_issuer(config.tokens, own_policy(config, FixedKeys(keys().table)), keys, randomness)


def own_verifier_for(config: Config, keys: KeySet) -> TokenVerifier:
    """Return a verifier of the tokens that *config* describes."""
    return TokenVerifier([own_policy(config, FixedKeys(keys.table))])


def own_policy_for(*keys: Key, **changes: Any) -> IssuerPolicy:
    """Return the rules of our own issuer with *keys*."""
    plain: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "keys": FixedKeys(KeyTable(keys)),
        "is_own": True,
        "leeway_seconds": 0,
        "levels": ACR,
        "remote_user": "{sub}",
        "public_claims": frozenset(("iss", "exp")),
    }
    return IssuerPolicy(**{**plain, **changes})


def trust_policy_for(*keys: Key, **changes: Any) -> IssuerPolicy:
    """Return the rules of a foreign issuer with *keys*."""
    plain: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "keys": FixedKeys(KeyTable(keys)),
        "leeway_seconds": 0,
        "roles": {},
    }
    return IssuerPolicy(**{**plain, **changes})


def own_verifier(*keys: Key, **changes: Any) -> TokenVerifier:
    """Return a verifier for our own issuer with *keys*."""
    return TokenVerifier([own_policy_for(*keys, **changes)])


def trust_verifier(*keys: Key, **changes: Any) -> TokenVerifier:
    """Return a verifier for a foreign issuer with *keys*."""
    return TokenVerifier([trust_policy_for(*keys, **changes)])


def sealed(inner: str, key: Key, **header: Any) -> str:
    """Return *inner* in an envelope; a header member that is ... is left out."""
    members = {
        "typ": "at+jwt",
        "kid": ... if key.kid is None else key.kid,
        "iss": ISSUER,
        "exp": CLAIMS["exp"],
        **header,
    }
    return seal_envelope(inner.encode(), {name: value for name, value in members.items() if value is not ...}, key)


def is_signed(jws: str, table: KeyTable) -> bool:
    """Check a signature as the verifier does, for vectors whose payload is no token."""
    head, body, last = jws.encode("ascii").split(b".")
    header = read_header(head)
    key = table.find(header.kid, header.algorithm)
    decode_segment(body)
    return MODELS[key.algorithm].verify(head + b"." + body, decode_segment(last), key.for_verifying())
