"""Serve ``POST …/token``: give a token to a client that has authenticated (RFC 6749 §4.4, RFC 8707)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from authlib.oauth2.rfc6749 import (
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
    list_to_scope,
)

from safeconduct._core.client_tokens import ResolvedClaims
from safeconduct._core.clients import RegisteredClient
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.oauth.client_authentication import ClientAuthenticator
from safeconduct._core.oauth.parameters import OAuthParameters, read_parameters
from safeconduct._core.oauth.replies import InvalidTarget, json_reply
from safeconduct._core.sessionless_tokens import IssuedToken, SessionlessIssuer
from safeconduct._http.request import Reply
from safeconduct._tokens.issuer import Grant
from safeconduct.config.clients import ClientGrant
from safeconduct.events import ClientTokenIssued, Event

CLIENT_CREDENTIALS: Final = "client_credentials"

GrantAnswer = Callable[[RegisteredClient, OAuthParameters, float], Awaitable[Reply]]
"""Answers a token request of an authenticated client, at a time in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class GrantType:
    """What serves one ``grant_type``, and what a client's entry must name for it."""

    needed: ClientGrant
    answer: GrantAnswer


class UnknownGrantType(OAuth2Error):
    """The ``grant_type`` is not served here; Authlib's ``UnsupportedGrantTypeError`` would repeat the caller's text."""

    error = UnsupportedGrantTypeError.error
    description = "The grant type is not supported."


class TokenEndpoint:
    """
    Give tokens to clients.

    Args:
        authenticator: Finds out which client asks.
        grants: What serves each ``grant_type``.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(self, authenticator: ClientAuthenticator, grants: Mapping[str, GrantType], *, clock: Clock) -> None:
        self._authenticator = authenticator
        self._grants = grants
        self._clock = clock

    async def token(self, call: EndpointCall) -> Reply:
        """
        Give a token.

        Raises:
            OAuth2Error: If the client or what it asks for is refused.
            AuthError: If the request is malformed or cannot be decided now.
        """
        parameters, now = await read_parameters(call), self._clock()
        client = await self._authenticator.authenticate(call.request, parameters, now=now)
        grant = self._grants.get(parameters.require("grant_type"))
        if grant is None:
            raise UnknownGrantType
        if grant.needed not in client.entry.grants:
            raise UnauthorizedClientError("The client may not use this grant type.")
        return await grant.answer(client, parameters, now)


class ClientTokenIssuer:
    """
    Issue the tokens that clients ask for.

    Args:
        issuer: Makes tokens.
        audience: Our own audience.
        lifetime_seconds: How long a token lives.
        announce: Called with an event for each token.
    """

    def __init__(
        self, issuer: SessionlessIssuer, *, audience: str, lifetime_seconds: int, announce: Callable[[Event], None]
    ) -> None:
        self._issuer = issuer
        self.audience = audience
        self.lifetime_seconds = lifetime_seconds
        self._announce = announce

    def audience_for(self, client: RegisteredClient, parameters: OAuthParameters) -> str:
        """
        Return the audience that was asked for, or our own.

        Raises:
            InvalidTarget: If the client may not have it, or asks for more than one.
        """
        targets = parameters.targets()
        # A token for two servers would let each of them use it at the other.
        if len(targets) > 1 or not targets <= {self.audience, *client.entry.audiences}:
            raise InvalidTarget
        return next(iter(targets), self.audience)

    async def client_credentials(self, client: RegisteredClient, parameters: OAuthParameters, now: float) -> Reply:
        """
        Issue a token in the client's own name; never a refresh token (RFC 6749 §4.4.3).

        Raises:
            InvalidTarget: As ``audience_for``.
            InvalidScopeError: If a scope is not among the client's.
            Unavailable: If the store cannot be asked.
        """
        del now
        entry, audience = client.entry, self.audience_for(client, parameters)
        allowed, asked = frozenset(entry.scopes), parameters.scopes()
        if asked is not None and not asked <= allowed:
            raise InvalidScopeError("The client may not have one of these scopes.")
        grant = Grant(
            subject=client.subject,
            scopes=allowed if asked is None else asked,
            roles=entry.roles,
            lifetime_seconds=self.lifetime_seconds,
            client_id=entry.client_id,
            audience=audience,
        )
        return await self.reply(client, grant, grant_type=CLIENT_CREDENTIALS)

    async def reply(
        self,
        client: RegisteredClient,
        grant: Grant,
        *,
        grant_type: str,
        made_from: ResolvedClaims | None = None,
        **more: str,
    ) -> Reply:
        """
        Issue a token and return the response (RFC 6749 §5.1).

        Args:
            client: Who asks for it.
            grant: What it says.
            grant_type: What it is asked for by.
            made_from: The token that it is made from, and lives no longer than.
            more: Further members of the response.

        Raises:
            InvalidToken: If the token that it is made from was revoked, or ends now.
            Unavailable: If the store cannot be asked.
        """
        issued = await self._issued(grant, made_from)
        scope = list_to_scope(sorted(grant.scopes))
        self._announce(
            ClientTokenIssued(
                client_id=client.entry.client_id,
                grant_type=grant_type,
                subject=grant.subject,
                audience=grant.audience or self.audience,
                scopes=tuple(sorted(grant.scopes)),
            )
        )
        content: dict[str, object] = {
            "access_token": issued.value,
            "token_type": "Bearer",
            "expires_in": issued.lifetime_seconds,
            **({"scope": scope} if scope else {}),
            **more,
        }
        return json_reply(200, content)

    async def _issued(self, grant: Grant, made_from: ResolvedClaims | None) -> IssuedToken:
        if made_from is None:
            return await self._issuer.issue(grant)
        question, claims = made_from.question, made_from.claims
        return await self._issuer.issue(grant, made_from=question, auth_time=claims.auth_time, latest=claims.expires_at)
