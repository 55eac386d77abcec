"""Find out what an access token, a refresh token or an API key is worth now, for any audience."""

import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from safeconduct._core.account_checks import AccountChecks
from safeconduct._core.api_keys.authenticator import ApiKeyAuthenticator
from safeconduct._core.api_keys.wire_form import is_api_key
from safeconduct._core.bearer import AccessTokenResolver, BearerAuthenticator, principal_of
from safeconduct._core.decision import Proof
from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import SessionStore
from safeconduct._core.sessions.model import Session
from safeconduct._core.sessions.refresh_token import ParsedRefreshToken
from safeconduct._core.sessions.session_keys import SessionKeys
from safeconduct._tokens.claims import Claims
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.errors import InvalidToken, NotFound, WrongAudience

#: The claims that introspection shows as they are (RFC 7662 §2.2, RFC 8693 §4.1, RFC 9470 §6.2).
_SHOWN: Final = ("aud", "exp", "iat", "nbf", "jti", "acr", "auth_time", "act")


@dataclass(frozen=True, slots=True)
class ActiveToken:
    """A token that counts now."""

    #: Whom it is meant for; empty for a refresh token, which is meant for us alone.
    audiences: frozenset[str]
    #: What introspection says of it, besides ``active``.
    content: Mapping[str, Any] = field(repr=False)


class TokenReader(Protocol):
    """Read one kind of token."""

    async def read(self, token: str, audiences: Collection[str], *, now: float) -> ActiveToken | None:
        """
        Return what *token* says, or None if it is of another kind or does not count.

        Args:
            token: As it was presented.
            audiences: Those of others for which it may be.
            now: The current time, in seconds since the epoch.

        Raises:
            Unavailable: If the store or the clients cannot be asked.
        """
        ...


class AccessTokenReader:
    """
    Read access tokens: signed by us for any audience, opaque, signed by a client itself, or of a trusted issuer.

    Args:
        bearer: Verifies those that are for us.
        resolver: Looks up opaque ones, and those of clients.
        revocations: Asks the store, whatever the consistency of requests; None without a store.
        policy: The rules for our own tokens; None if we issue none.
        accounts: Returns what checks accounts; None where they are not asked about at every request.
    """

    def __init__(
        self,
        bearer: BearerAuthenticator,
        resolver: AccessTokenResolver,
        revocations: Revocations | None,
        policy: IssuerPolicy | None,
        *,
        accounts: Callable[[], AccountChecks | None],
    ) -> None:
        self._accounts = accounts
        self._bearer = bearer
        self._resolver = resolver
        self._revocations = revocations
        self._policy = policy

    async def read(self, token: str, audiences: Collection[str], *, now: float) -> ActiveToken | None:
        """Return what an access token says, or None if it does not count."""
        try:
            claims = await self.verify(token, audiences, now=now)
            await self._check_account(claims, now)
        except InvalidToken:
            return None
        named = claims.raw["aud"]
        return ActiveToken(frozenset([named] if isinstance(named, str) else named), _content_of(claims))

    async def verify(self, token: str, audiences: Collection[str], *, now: float) -> Claims:
        """
        Return the claims of a token that is for us or for one of *audiences*, and was not revoked.

        Raises:
            InvalidToken: If anything about it is wrong.
            Unavailable: If the store or the clients cannot be asked.
        """
        try:
            return await self._resolver.verify_not_revoked(token, self._revocations, now=now)
        except WrongAudience:
            claims = self._verify_for_others(token, audiences, now)
        if self._revocations is not None:
            await self._revocations.check(self._bearer.question(claims), now_ms=int(now * 1000))
        return claims

    async def _check_account(self, claims: Claims, now: float) -> None:
        accounts = self._accounts()
        if accounts is not None and claims.is_own:
            question = self._bearer.question(claims)
            proof = Proof(b"", question.ends_ms, question)
            await accounts.check(principal_of(claims, "bearer"), proof, now=now)

    def _verify_for_others(self, token: str, audiences: Collection[str], now: float) -> Claims:
        policy = self._policy
        policies = [] if policy is None else [replace(policy, audience=audience) for audience in audiences]
        for one in policies:
            try:
                return TokenVerifier([one]).verify(token, now=now)
            except WrongAudience:
                continue
        raise WrongAudience


def _content_of(claims: Claims) -> Mapping[str, Any]:
    optional = {
        "scope": " ".join(sorted(claims.scopes)),
        "roles": sorted(claims.roles),
        "client_id": claims.client_id,
        "username": claims.display_name,
        # Whose person it is: the subject alone would be one of our own.
        "pi": claims.person_issuer,
    }
    return {
        "iss": claims.issuer,
        "sub": claims.subject,
        "token_type": "Bearer",
        **{name: claims.raw[name] for name in _SHOWN if name in claims.raw},
        **{name: value for name, value in optional.items() if value},
    }


class RefreshTokenReader:
    """
    Read the refresh tokens of sessions that a store keeps.

    Args:
        sessions: The store's sessions.
        revocations: Knows the store's epochs.
        session_keys: Names sessions.
        derived_keys: Returns the keys of the tags.
    """

    def __init__(
        self,
        sessions: SessionStore,
        revocations: Revocations,
        session_keys: SessionKeys,
        derived_keys: Callable[[], DerivedKeys],
    ) -> None:
        self._sessions = sessions
        self._revocations = revocations
        self._session_keys = session_keys
        self._derived_keys = derived_keys

    async def read(self, token: str, audiences: Collection[str], *, now: float) -> ActiveToken | None:
        """Return what a refresh token says; None if it was rotated away, or its session is over."""
        del audiences
        try:
            parsed = ParsedRefreshToken.from_text(token, self._derived_keys())
            session = await self._session_of(parsed)
        except (InvalidToken, NotFound):
            return None
        chain = session.chain
        if chain is None or not hmac.compare_digest(chain.digest, parsed.digest) or chain.expires_ms <= now * 1000:
            return None
        content = {"iss": self._session_keys.issuer, "sub": session.subject, "exp": chain.expires_ms // 1000}
        return ActiveToken(frozenset(), content)

    async def _session_of(self, parsed: ParsedRefreshToken) -> Session:
        unknown = self._session_keys.of_unknown(parsed.session_id)
        reply = await self._revocations.consult(unknown.shard, lambda: self._sessions.read(unknown))
        # Again by the name of its owner, so that a cut-off of theirs counts.
        ref = self._session_keys.of_subject(reply.live_session().subject, parsed.session_id)
        return (await self._revocations.consult(ref.shard, lambda: self._sessions.read(ref))).live_session()


class ApiKeyReader:
    """
    Read API keys.

    Args:
        authenticator: Proves them.
    """

    def __init__(self, authenticator: ApiKeyAuthenticator) -> None:
        self._authenticator = authenticator

    async def read(self, token: str, audiences: Collection[str], *, now: float) -> ActiveToken | None:
        """Return what an API key says, which is meant for us alone; None if it does not count."""
        del audiences
        if not is_api_key(token):
            return None
        try:
            owner = await self._authenticator.resolve(token, now=now)
        except InvalidToken:
            return None
        optional = {
            "scope": " ".join(sorted(owner.scopes)),
            "roles": sorted(owner.roles),
            "username": owner.display_name,
        }
        return ActiveToken(
            frozenset(),
            {
                "iss": owner.issuer,
                "sub": owner.subject,
                "jti": owner.token_id,
                "exp": owner.expires_at,
                **{name: value for name, value in optional.items() if value},
            },
        )
