"""Sign tokens as an identity provider would, with keys that rotate."""

import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safeconduct._core.decision import Clock
from safeconduct._keys.generate import new_key
from safeconduct._tokens.algorithms import ALGORITHMS, canonical
from safeconduct._tokens.key import Key, read_key
from safeconduct.auth import operator_access
from safeconduct.errors import ConfigurationError
from safeconduct.testing.protected_app import auth_of
from safeconduct.testing.signed_in import RequestHeaders

LIFETIME_SECONDS: Final = 300
"""How long a token is valid, where a test does not say."""

#: Those with a pair of keys, by every name.
_ALGORITHMS: Final = {"EdDSA"} | {
    name for name, algorithm in ALGORITHMS.items() if algorithm.use == "sig" and algorithm.key_type != "oct"
}
#: More than any leeway that a configuration may grant.
_FAR_SECONDS: Final = 3600


class FakeIssuer:
    """
    Another issuer, for the tests of an application that trusts one: ``Trust(issuer=…, audience=…, keys=issuer.path)``.

    It publishes its public keys in a file, as a JWK Set, and nothing is served.  A running ``Auth`` reads the file
    again at most once a second, by a clock that no test moves: at the next request, and at once when a token names a
    key that it does not know.  ``reload_keys`` makes it do so now.

    Args:
        path: The file to write the JWK Set to, such as ``tmp_path / "issuer.json"``.
        issuer: The claim ``iss`` of its tokens.
        audience: The claim ``aud`` of its tokens.
        algorithm: The algorithm of its signatures.
        clock: The time in seconds since the epoch; the same as that of the ``Auth``.

    Raises:
        ConfigurationError: If nobody can verify what *algorithm* signs with a public key.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        issuer: str = "https://issuer.example.com",
        audience: str = "https://api.example.com",
        algorithm: str = "ES256",
        clock: Clock = time.time,
    ) -> None:
        if algorithm not in _ALGORITHMS:
            raise ConfigurationError(f"algorithm must be one of {sorted(_ALGORITHMS)}, got {algorithm!r}")
        self.path = Path(path)
        self.issuer = issuer
        self.audience = audience
        self.algorithm = algorithm
        self._clock = clock
        self._key = self._new_key()
        self._published = [self._key]
        self._is_out = False
        self._publish()

    @property
    def kid(self) -> str:
        """The id of the key that signs now."""
        return self._key.kid or ""

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set, for ``Trust(keys=…)`` without a file."""
        return {"keys": [dict(key.public_jwk or {}) for key in self._published]}

    def rotate(self, *, drop_old: bool = False) -> None:
        """
        Sign with a new key from now on, and publish it.

        Args:
            drop_old: Whether the keys before it are no longer published, so that what they signed ends.
        """
        self._key = self._new_key()
        self._published = [self._key] if drop_old else [*self._published, self._key]
        self._publish()

    @contextmanager
    def outage(self) -> Generator[None, None, None]:
        """
        Publish nothing for a while: there is no file.

        An ``Auth`` goes on with the keys that it has read.  It does not start without any.
        """
        self._is_out = True
        self.path.unlink()
        try:
            yield
        finally:
            self._is_out = False
            self._publish()

    def token(
        self,
        subject: str = "alice",
        *,
        lifetime_seconds: int = LIFETIME_SECONDS,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """
        Return an access token (RFC 9068).

        Args:
            subject: The claim ``sub``.
            lifetime_seconds: How long it is valid.
            claims: More claims, or other values of those that it has; a claim of None is left out.
            header: More members of its header, or other values; a member of None is left out.
        """
        return self._signed(self._key, self._claims(subject, lifetime_seconds, claims or {}), header or {})

    def headers(
        self,
        subject: str = "alice",
        *,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> RequestHeaders:
        """Return ``{"Authorization": "Bearer …"}`` with a token; see ``token``."""
        return RequestHeaders({"Authorization": f"Bearer {self.token(subject, claims=claims, header=header)}"})

    def expired_token(self, subject: str = "alice") -> str:
        """Return a token whose ``exp`` was an hour ago."""
        issued = int(self._clock()) - _FAR_SECONDS - LIFETIME_SECONDS
        return self.token(subject, claims={"iat": issued, "exp": issued + LIFETIME_SECONDS})

    def not_yet_valid_token(self, subject: str = "alice") -> str:
        """Return a token whose ``nbf`` comes in an hour."""
        valid_from = int(self._clock()) + _FAR_SECONDS
        return self.token(subject, claims={"nbf": valid_from, "exp": valid_from + LIFETIME_SECONDS})

    def other_audience_token(self, subject: str = "alice") -> str:
        """Return a token for another service."""
        return self.token(subject, claims={"aud": "https://other-audience.example"})

    def forged_token(self, subject: str = "alice") -> str:
        """Return a token that names the present key and was signed by a key that is not published."""
        return self._signed(self._new_key(), self._claims(subject, LIFETIME_SECONDS, {}), {"kid": self.kid})

    def unsigned_token(self, subject: str = "alice") -> str:
        """Return a token with ``alg: none`` and no signature."""
        signed = self.token(subject, header={"alg": "none", "kid": None})
        return signed.rpartition(".")[0] + "."

    def _claims(self, subject: str, lifetime_seconds: int, claims: Mapping[str, Any]) -> dict[str, Any]:
        now = int(self._clock())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "client_id": "fake-client",
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + lifetime_seconds,
        }
        return without_none(usual, claims)

    def _signed(self, key: Key, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
        written = without_none({"alg": key.written, "typ": "at+jwt", "kid": key.kid}, header)
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (written, claims))
        return f"{signed}.{base64url(key.sign(signed.encode()))}"

    def _new_key(self) -> Key:
        jwk = new_key(self.algorithm, now=self._clock(), randomness=secrets.token_bytes)
        return read_key(jwk, algorithms=[canonical(self.algorithm)], is_published=False)

    def _publish(self) -> None:
        if self._is_out:
            return
        # A reader never sees half of a set.
        unfinished = self.path.with_name(self.path.name + ".new")
        unfinished.write_text(json.dumps(self.jwks()), "utf-8")
        unfinished.replace(self.path)


def reload_keys(app: object) -> None:
    """
    Let *app* read its key files now, those of the issuers that it trusts and its own.

    Otherwise it does so at most once a second, so that it learns late of a key that is not published any more, and of
    a second rotation within a second.

    Args:
        app: The application with our middleware, extension or plugin, a test client of it, or the ``Auth`` itself.

    Raises:
        ConfigurationError: If *app* has no middleware.
    """
    operator_access(auth_of(app)).reload_keys()


def without_none(usual: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return *usual* with *others* in place of its values; a name whose value is None is left out."""
    return {name: value for name, value in {**usual, **others}.items() if value is not None}


def base64url(data: bytes) -> str:
    """Return *data* as a part of a token (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()
