"""Sign tokens that an application accepts: with its own keys, or with those of an issuer that it trusts."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from safeconduct._core.directory import Account
from safeconduct._tokens.algorithms import canonical
from safeconduct._tokens.key import Key, read_key
from safeconduct.auth import Auth, operator_access
from safeconduct.config import Trust
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.testing.fake_issuer import LIFETIME_SECONDS, FakeIssuer
from safeconduct.testing.signed_in import new_grant, new_token


class TokenSource(Protocol):
    """Sign tokens of a user that an application accepts, and others that it must refuse."""

    #: The ``iss`` of its tokens; None for that of the configuration.
    issuer: str | None
    #: The accepted values of ``typ``; the first one is that of its tokens.
    token_types: tuple[str, ...]
    lifetime_seconds: int
    leeway_seconds: int
    #: The maximum lifetime of an accepted token.
    max_lifetime_seconds: int

    def of_user(self, subject: str, *, roles: Collection[str]) -> str:
        """Return a token of *subject*, with the roles of the application and the scopes of the user."""
        ...

    def issued(self, *, later_seconds: int) -> str:
        """Return a token of the user that is issued at another time."""
        ...

    def claims(self) -> dict[str, Any]:
        """Return the claims of a token of the user that is accepted."""
        ...

    def signed(self, claims: Mapping[str, Any], token_type: str) -> str:
        """Return a token with these claims alone, whether or not they make sense."""
        ...

    def public_key(self) -> Key | None:
        """Return the key that verifies the tokens; None if that is a secret."""
        ...


class OwnTokens:
    """
    Sign tokens with the keys of an ``Auth``.

    Args:
        auth: The ``Auth``.
        user: The subject and the scopes of the tokens.

    Raises:
        ConfigurationError: If the ``Auth`` issues no tokens.
    """

    def __init__(self, auth: Auth, user: Account) -> None:
        if auth.config.keys is None or auth.config.issuer is None:
            raise ConfigurationError(
                "issuer: got nothing, wanted a FakeIssuer that the application trusts, since its Auth issues no tokens"
            )
        self.issuer: str | None = None
        self.token_types: tuple[str, ...] = ("at+jwt",)
        self.lifetime_seconds = auth.config.tokens.access_lifetime_seconds
        self.leeway_seconds = auth.config.tokens.leeway_seconds
        self.max_lifetime_seconds = auth.config.tokens.max_lifetime_seconds
        self._auth = auth
        self._user = user
        self._access = operator_access(auth)

    def of_user(self, subject: str, *, roles: Collection[str]) -> str:
        """Return a token of *subject*."""
        return new_token(self._auth, Account(subject, roles=sorted(roles), scopes=sorted(self._user.scopes)))

    def issued(self, *, later_seconds: int) -> str:
        """Return a token that is issued at another time, in the configured format."""
        grant = new_grant(self._auth, self._access, self._user)
        return self._access.issue(grant, iat_ms=self._now_ms() + later_seconds * 1000)

    def claims(self) -> dict[str, Any]:
        """Return the claims of a token that is accepted."""
        grant = new_grant(self._auth, self._access, self._user)
        return self._access.claims(grant, iat_ms=self._now_ms())

    def signed(self, claims: Mapping[str, Any], token_type: str) -> str:
        """Return a token with these claims alone."""
        return self._access.sign(claims, token_type)

    def public_key(self) -> Key | None:
        """Return the key that verifies the tokens; None if that is a secret."""
        return next((key for key in self._access.public_keys() if key.use == "sig"), None)

    def _now_ms(self) -> int:
        return self._access.issue_time_ms(subject=self._user.subject)


class IssuerTokens:
    """
    Sign tokens with the keys of a ``FakeIssuer``.

    Args:
        auth: The ``Auth`` that trusts it.
        issuer: The issuer.
        user: The subject and the scopes of the tokens.
        roles: The roles of the application that the trust must be able to map.

    Raises:
        ConfigurationError: If no trust names the issuer, its tokens are refused, or one of *roles* is not mapped.
    """

    def __init__(self, auth: Auth, issuer: FakeIssuer, user: Account, *, roles: Collection[str]) -> None:
        self._trust = _trust_of(auth, issuer)
        self.issuer: str | None = issuer.issuer
        self.token_types = self._trust.token_types
        self.lifetime_seconds = LIFETIME_SECONDS
        self.leeway_seconds = self._trust.leeway_seconds
        self.max_lifetime_seconds = self._trust.max_lifetime_seconds
        self._issuer = issuer
        self._user = user
        try:
            auth.verify(self.of_user(user.subject, roles=roles))
        except AuthError as error:
            raise ConfigurationError(
                f"issuer: its tokens are refused ({type(error).__name__}: {error.reason}), wanted a trust with "
                "keys=issuer.path, and its audience, algorithm and clock"
            ) from error

    def of_user(self, subject: str, *, roles: Collection[str]) -> str:
        """Return a token of *subject*, with the roles of the issuer that are mapped to *roles*."""
        return self._token({"sub": subject, **self._rights(roles)})

    def issued(self, *, later_seconds: int) -> str:
        """Return a token that is issued at another time."""
        claims = self.claims()
        return self._token({**claims, **{name: claims[name] + later_seconds for name in ("iat", "exp")}})

    def claims(self) -> dict[str, Any]:
        """Return the claims of a token that is accepted."""
        _, written, _ = self.of_user(self._user.subject, roles=()).split(".")
        return dict(json.loads(urlsafe_b64decode(written + "==")))

    def signed(self, claims: Mapping[str, Any], token_type: str) -> str:
        """Return a token with these claims alone."""
        left_out = dict.fromkeys(self.claims().keys() - claims.keys())
        return self._issuer.token(claims={**left_out, **claims}, header={"typ": token_type})

    def public_key(self) -> Key | None:
        """Return the key that verifies the tokens."""
        algorithm = canonical(self._issuer.algorithm)
        keys = (read_key(jwk, algorithms=[algorithm], is_published=True) for jwk in self._issuer.jwks()["keys"])
        return next(key for key in keys if key.kid == self._issuer.kid)

    def _token(self, claims: Mapping[str, Any]) -> str:
        return self._issuer.token(claims=claims, header={"typ": self.token_types[0]})

    def _rights(self, roles: Collection[str]) -> dict[str, Any]:
        theirs = {ours: name for name, ours in (self._trust.roles or {}).items()}
        missing = sorted(set(roles) - theirs.keys())
        if missing:
            raise ConfigurationError(f"needs_role: got {missing[0]!r}, wanted one of {sorted(theirs)} (trust.roles)")
        given: dict[str, Any] = {}
        if roles:
            given[self._trust.roles_claim] = [theirs[role] for role in roles]
        if self._user.scopes:
            given[self._trust.scopes_claim] = " ".join(self._user.scopes)
        return given


def _trust_of(auth: Auth, issuer: FakeIssuer) -> Trust:
    for trust in auth.config.trust:
        if trust.issuer == issuer.issuer:
            return trust
    names = [trust.issuer for trust in auth.config.trust]
    raise ConfigurationError(f"issuer: got {issuer.issuer!r}, wanted one of {names} (trust)")
