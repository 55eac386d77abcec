"""Sign access tokens without asking a token endpoint: ``SelfSigned`` (claims as in RFC 7523 §3)."""

from collections.abc import Collection, Mapping
from secrets import token_urlsafe
from typing import Any, Final

from safeconduct._tokens.issuer_policy import ACCESS_TOKEN
from safeconduct._tokens.key import Key, UnusableKey
from safeconduct._tokens.signing import is_pem, private_key, secret_key, sign_claims
from safeconduct.errors import ConfigurationError
from safeconduct.service.http_auth import TokenAuth, Tokens
from safeconduct.service.options import Options
from safeconduct.service.token_cache import AccessToken, TokenCache

SecretOrKey = str | bytes | Mapping[str, Any]
"""A secret, a private key as PEM, or a private key as one JWK."""

_MAX_LIFETIME_SECONDS: Final = 3600
_JTI_BYTES: Final = 16


class SelfSigned(TokenAuth):
    """
    Send tokens that the service signs itself, so that nothing is asked for.

    The server knows the service as one of its ``clients`` with the grant ``self_signed``.

    Args:
        client_id: The service's name there.
        secret_or_key: The secret that it shares with the server, or its private key: PEM or a JWK.
        audience: The server's audience.
        scopes: What the token is for. Default: everything that the client may do.
        lifetime_seconds: How long a token counts, at most 3600; a new one is signed ahead of its end.
        algorithm: What is signed with. Default: HS256 with a secret, the one that fits with a key.
        single_use: Whether each request gets a token of its own, as the client's ``single_use`` needs.
        options: Where tokens may be sent, and the clock.

    Raises:
        ConfigurationError: If the key cannot be used, or an argument is wrong.
    """

    def __init__(
        self,
        client_id: str,
        secret_or_key: SecretOrKey,
        *,
        audience: str,
        scopes: Collection[str] = (),
        lifetime_seconds: int = 300,
        algorithm: str | None = None,
        single_use: bool = False,
        options: Options | None = None,
    ) -> None:
        options = options or Options()
        if not 0 < lifetime_seconds <= _MAX_LIFETIME_SECONDS:
            wanted = f"1 to {_MAX_LIFETIME_SECONDS}"
            raise ConfigurationError(f"lifetime_seconds: got {lifetime_seconds!r}, wanted {wanted}")
        key = signing_key(secret_or_key, algorithm)
        signer = _Signer(client_id, key, audience, scope_text(scopes), lifetime_seconds, options)
        tokens: Tokens = (
            _NewEachTime(signer) if single_use else TokenCache(signer, options.clock, options.timeout_seconds)
        )
        super().__init__(lambda: tokens, options)
        self._text = f"SelfSigned({client_id!r}, audience={audience!r})"

    def __repr__(self) -> str:
        """Return the names, and nothing secret."""
        return self._text


class _Signer:
    """Sign tokens."""

    def __init__(
        self, client_id: str, key: Key, audience: str, scope: str, lifetime_seconds: int, options: Options
    ) -> None:
        self._claims = {"iss": client_id, "sub": client_id, "aud": audience, **({"scope": scope} if scope else {})}
        self._key = key
        self._lifetime_seconds = lifetime_seconds
        self._clock = options.clock

    def fetch(self) -> AccessToken:
        """Return a new token."""
        issued_at = int(self._clock())
        times = {"iat": issued_at, "exp": issued_at + self._lifetime_seconds, "jti": token_urlsafe(_JTI_BYTES)}
        # ``at+jwt`` says that it is an access token, so that it is never taken for an assertion (RFC 8725 §3.11).
        value = sign_claims(self._key, ACCESS_TOKEN, {**self._claims, **times})
        return AccessToken.lasting(value, issued_at=issued_at, lifetime_seconds=self._lifetime_seconds)

    async def afetch(self) -> AccessToken:
        """Return a new token."""
        return self.fetch()


class _NewEachTime:
    """Sign a token for every request."""

    def __init__(self, signer: _Signer) -> None:
        self.get = signer.fetch
        self.aget = signer.afetch

    def reject(self, token: AccessToken) -> None:
        """Do nothing: it is never used again."""


def signing_key(secret_or_key: SecretOrKey, algorithm: str | None) -> Key:
    """
    Return the key that *secret_or_key* is.

    Raises:
        ConfigurationError: If it cannot be used.
    """
    try:
        if isinstance(secret_or_key, Mapping):
            return private_key(secret_or_key, algorithm)
        material = secret_bytes(secret_or_key)
        return private_key(material, algorithm) if is_pem(material) else secret_key(material, algorithm or "HS256")
    except UnusableKey as error:
        raise ConfigurationError(f"secret_or_key: {error.reason}") from None


def secret_bytes(secret: str | bytes) -> bytes:
    """
    Return the secret itself.

    Raises:
        ConfigurationError: If it is empty, or the text of a configuration, which names a secret or has its digest.
    """
    octets = secret.encode() if isinstance(secret, str) else secret
    if not octets:
        raise ConfigurationError("secret_or_key: it is empty")
    if octets.startswith((b"env:", b"sha256:")):
        raise ConfigurationError(
            'secret_or_key: got "env:…" or "sha256:…", wanted the secret itself: os.environ["NAME"]'
        )
    return octets


def scope_text(scopes: Collection[str]) -> str:
    """
    Return *scopes* as the text of a token or a request (RFC 6749 §3.3).

    Raises:
        ConfigurationError: If they are one text instead of a collection.
    """
    if isinstance(scopes, str):
        raise ConfigurationError(f"scopes: got the text {scopes!r}, wanted a collection of names")
    return " ".join(scopes)
