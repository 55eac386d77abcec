"""Prove to a token endpoint which client asks, by one of the four methods of RFC 6749 §2.3 and RFC 7523 §2.2."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Final, Literal
from urllib.parse import quote_plus

from safeconduct._tokens.issuer_policy import ASSERTION
from safeconduct._tokens.key import Key
from safeconduct._tokens.signing import is_pem, sign_claims
from safeconduct.errors import ConfigurationError
from safeconduct.service.self_signed import SecretOrKey, secret_bytes, signing_key

Authentication = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt"]
"""How a client proves to a token endpoint who it is."""

METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt")

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 60
_JTI_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Proof:
    """Header fields and form fields that prove a client, and what in them is secret."""

    fields: dict[str, str] = field(repr=False)
    form: dict[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


class ClientAuthentication:
    """
    Add to a token request what proves the client.

    Args:
        client_id: The client.
        secret_or_key: Its secret, or its private key: PEM or a JWK.
        method: One of the four; None for ``client_secret_basic`` with a secret and ``private_key_jwt`` with a key.
        algorithm: What an assertion is signed with; None for HS256, or the one that fits the key.
        clock: Returns the time in seconds since the epoch.

    Raises:
        ConfigurationError: If the method does not fit what was given.
    """

    def __init__(
        self,
        client_id: str,
        secret_or_key: SecretOrKey,
        method: Authentication | None,
        algorithm: str | None,
        clock: Callable[[], float],
    ) -> None:
        secret = None if isinstance(secret_or_key, Mapping) else secret_bytes(secret_or_key)
        has_key = secret is None or is_pem(secret)
        chosen = method or ("private_key_jwt" if has_key else "client_secret_basic")
        if chosen not in METHODS:
            raise ConfigurationError(f"authentication: got {method!r}, wanted one of {', '.join(METHODS)}")
        if has_key is not (chosen == "private_key_jwt"):
            given = "a private key" if has_key else "a secret"
            raise ConfigurationError(f"authentication: got {chosen!r} with {given}, which it does not use")
        self.client_id = client_id
        self._method = chosen
        self._clock = clock
        self._key: Key | None = signing_key(secret_or_key, algorithm) if chosen.endswith("_jwt") else None
        self._secret = "" if secret is None or self._key is not None else _text(secret)

    def proof(self, audience: str) -> Proof:
        """Return what proves the client to *audience*, the issuer or its endpoint."""
        if self._key is not None:
            assertion = self._assertion(self._key, audience)
            form = {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}
            return Proof({}, {"client_id": self.client_id, **form}, (assertion,))
        if self._method == "client_secret_post":
            return Proof({}, {"client_id": self.client_id, "client_secret": self._secret}, (self._secret,))
        # "…encoded using the "application/x-www-form-urlencoded" encoding algorithm" — RFC 6749 §2.3.1
        secret = quote_plus(self._secret)
        pair = b64encode(f"{quote_plus(self.client_id)}:{secret}".encode()).decode()
        return Proof({"Authorization": f"Basic {pair}"}, {}, (self._secret, secret, pair))

    def _assertion(self, key: Key, audience: str) -> str:
        now = int(self._clock())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
            "jti": token_urlsafe(_JTI_BYTES),
        }
        return sign_claims(key, ASSERTION, claims)


def _text(secret: bytes) -> str:
    try:
        return secret.decode()
    except UnicodeDecodeError:
        raise ConfigurationError("secret_or_key: got bytes that are not UTF-8, which no form can carry") from None
