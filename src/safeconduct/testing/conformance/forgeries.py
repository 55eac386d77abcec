"""Make tokens that no verifier may accept."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from unittest import SkipTest

from safeconduct._keys.generate import new_key
from safeconduct._tokens.key import Key, read_key
from safeconduct.testing.conformance.token_sources import TokenSource
from safeconduct.testing.fake_issuer import base64url, without_none

_FAR_SECONDS: Final = 7200


class Signer:
    """
    Sign the claims of a user's token, with changes that no verifier may accept.

    Args:
        source: Signs the tokens that the application accepts.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self.token_types = source.token_types

    def issued(self, *, later_seconds: int = 0) -> str:
        """Return a token that is issued at another time, in the configured format."""
        return self._source.issued(later_seconds=later_seconds)

    def expired(self) -> str:
        """Return a token that expired a second ago, with the leeway."""
        return self.issued(later_seconds=-(self._source.lifetime_seconds + self._source.leeway_seconds + 1))

    def signed(self, claims: Mapping[str, Any] | None = None, *, token_type: str | None = None) -> str:
        """Return a token of the accepted key with other claims; a claim of None is left out."""
        return self._source.signed(without_none(self.claims(), claims or {}), token_type or self.token_types[0])

    def of_type(self, token_type: str) -> str:
        """Return a token that is valid except for its type."""
        if token_type in self.token_types:
            raise SkipTest(f"tokens of the type {token_type} are accepted")
        return self.signed(token_type=token_type)

    def too_long(self) -> str:
        """Return a token of the accepted key that claims a longer lifetime than is accepted."""
        claims = self.claims()
        return self.signed({"exp": claims["iat"] + self._source.max_lifetime_seconds + 3600})

    def claims(self) -> dict[str, Any]:
        """Return the claims of a token that is accepted."""
        return self._source.claims()

    def forged(self, key: Key, header: Mapping[str, Any] | None = None) -> str:
        """Return a token that *key* signs in place of the accepted one."""
        signed = self._unsigned({"alg": key.written, "kid": self._own_key().kid, **(header or {})})
        return f"{signed}.{base64url(key.sign(signed.encode()))}"

    def unsigned(self, algorithm: str, signature: str = "") -> str:
        """Return a token that says it has no signature."""
        return f"{self._unsigned({'alg': algorithm})}.{signature}"

    def by_public_key(self, secret: Callable[[Key], bytes]) -> str:
        """Return a token whose HMAC has the accepted public key as its secret (RFC 8725 §2.1)."""
        key = self._own_key()
        signed = self._unsigned({"alg": "HS256", "kid": key.kid})
        return f"{signed}.{base64url(hmac.digest(secret(key), signed.encode(), hashlib.sha256))}"

    def _own_key(self) -> Key:
        key = self._source.public_key()
        if key is None:
            raise SkipTest("tokens are signed with a secret, and not with a pair of keys")
        return key

    def _unsigned(self, header: Mapping[str, Any]) -> str:
        return f"{_json_segment({'typ': self.token_types[0], **header})}.{_json_segment(self.claims())}"


def _spoilt(token: str) -> str:
    return token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]


def _other_key(algorithm: str = "ES256") -> Key:
    jwk = new_key(algorithm, now=0, randomness=secrets.token_bytes)
    return read_key(jwk, algorithms=[algorithm], is_published=False)


def _with_key_in_header(signer: Signer) -> str:
    key = _other_key()
    return signer.forged(key, {"jwk": dict(key.public_jwk or {})})


def _json_segment(value: Mapping[str, Any]) -> str:
    return base64url(json.dumps(value).encode())


FORGERIES: Final[Mapping[str, Callable[[Signer], str]]] = {
    "an empty token": lambda _: "",
    "what is no token": lambda _: "not-a-token",
    "a token of 100,000 octets": lambda _: "A" * 100_000,
    "a token of another script": lambda _: "t\xf6ken",
    "a token with alg none": lambda signer: signer.unsigned("none"),
    "a token with alg NONE": lambda signer: signer.unsigned("NONE"),
    "a token with alg none and a signature": lambda signer: signer.unsigned("none", "AAAA"),
    "a token whose signature was changed": lambda signer: _spoilt(signer.issued()),
    "a token without its signature": lambda signer: signer.signed().rpartition(".")[0] + ".",
    "a token of another key under the id of ours": lambda signer: signer.forged(_other_key()),
    "a token of an unknown key": lambda signer: signer.forged(_other_key(), {"kid": "unknown"}),
    "a token that brings its own key": _with_key_in_header,
    "a token that says where its key is": lambda signer: signer.forged(
        _other_key(), {"jku": "https://attacker.example/jwks.json"}
    ),
    "a token with our public key as its secret (PEM)": lambda signer: signer.by_public_key(
        lambda key: cast("bytes", cast("Any", key.jose).as_pem(private=False))
    ),
    "a token with our public key as its secret (JWK)": lambda signer: signer.by_public_key(
        lambda key: json.dumps(dict(key.public_jwk or {})).encode()
    ),
    "a token with an empty secret": lambda signer: signer.by_public_key(lambda _: b""),
    "an expired token": Signer.expired,
    "a token that is not valid yet": lambda signer: signer.signed({"nbf": signer.claims()["iat"] + _FAR_SECONDS}),
    "a token issued in the future": lambda signer: signer.issued(later_seconds=_FAR_SECONDS),
    "a token for another audience": lambda signer: signer.signed({"aud": "https://other-audience.example"}),
    "a token of another issuer": lambda signer: signer.signed({"iss": "https://attacker.example"}),
    "a token without an audience": lambda signer: signer.signed({"aud": None}),
    "a token without an expiry": lambda signer: signer.signed({"exp": None}),
    "a token without a subject": lambda signer: signer.signed({"sub": None}),
    "a token that lives too long": Signer.too_long,
    "an ID token": lambda signer: signer.of_type("JWT"),
    "a token of another type": lambda signer: signer.of_type("logout+jwt"),
}
"""What makes each token, by its description."""
