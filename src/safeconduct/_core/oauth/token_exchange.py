"""
Exchange a user's access token for one that a client acts with (RFC 8693).

====================  ==============================================================================================
the new token has     which comes from
====================  ==============================================================================================
``sub``, ``sid``      the subject token, so that the end of the user's session is its end too
``client_id``         the client, so that revoking the client ends it
``act``               the client; those who acted until now are kept within, four at most
``aud``               ``audience`` or ``resource``: our own, or one of the client's
``scope``             ``scope``, or all: those of the subject token that are the client's too
roles                 those of the subject token that the client's entry names
``exp``               the shorter of an access token's life and that of the subject token
``name``              that of the subject token, where the new one is for ourselves; never the client's
``acr``               always ``remembered``; neither ``rn`` nor ``auth_time``: the user need not be there
====================  ==============================================================================================

The store is asked about the subject token whatever the consistency of requests.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError

from safeconduct._core.bearer import AccessTokenResolver
from safeconduct._core.client_tokens import ResolvedClaims
from safeconduct._core.clients import RegisteredClient
from safeconduct._core.oauth.parameters import OAuthParameters
from safeconduct._core.oauth.token_endpoint import ClientTokenIssuer
from safeconduct._core.opaque import is_opaque_token
from safeconduct._core.revocation_keys import client_mark
from safeconduct._core.sessionless_tokens import acting, carried
from safeconduct._http.request import Reply
from safeconduct._tokens.claims import Claims
from safeconduct._tokens.issuer import Grant
from safeconduct.errors import InsufficientRights, InvalidToken
from safeconduct.principal import CLIENT_SUBJECT

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type

_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type
_JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
#: How ``may_act`` may name a client.
_NAMES: Final = frozenset({"sub", "client_id"})
_TYPES: Final = frozenset({_ACCESS_TOKEN, _JWT})


class ExchangeRefused(InvalidRequestError):
    """
    The subject token is invalid or unacceptable; the client does not learn why (RFC 8693 §2.2.2).

    Args:
        reason: A constant text for the log.
        client_id: The client that asked.
    """

    description = "The subject token is invalid, or may not be exchanged."

    def __init__(self, reason: str, client_id: str) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - the stubs leave its arguments open
        self.reason = reason
        self.client_id = client_id


class TokenExchange:
    """
    Exchange tokens.

    Args:
        resolver: Proves subject tokens, signed or opaque.
        tokens: Issues what clients ask for.
        issuer: Our own issuer.
    """

    def __init__(self, resolver: AccessTokenResolver, tokens: ClientTokenIssuer, *, issuer: str) -> None:
        self._resolver = resolver
        self._tokens = tokens
        self._issuer = issuer

    async def exchange(self, client: RegisteredClient, parameters: OAuthParameters, now: float) -> Reply:
        """
        Exchange a token.

        Raises:
            ExchangeRefused: If the subject token is invalid, revoked, or not a user's own or delegated token of ours.
            InvalidRequestError: If a parameter asks for what is not served.
            InvalidTarget: If the client may not have the audience, or asks for more than one.
            InvalidScopeError: If a scope is not both the subject token's and the client's.
            Unavailable: If the store cannot be asked.
        """
        wanted_type, token = _checked(parameters)
        audience, client_id = self._tokens.audience_for(client, parameters), client.entry.client_id
        try:
            subject = await self._resolver.resolve_any(token, now=now, takes_clients=False)
            self._check_subject(subject.claims, client_id)
            actor = acting(client_id, subject.claims.actor)
            grant = self._grant(client, subject, parameters, actor=actor, audience=audience)
            return await self._tokens.reply(
                client,
                grant,
                grant_type=TOKEN_EXCHANGE,
                made_from=self._with_client(subject, client_id),
                issued_token_type=wanted_type,
            )
        except (InvalidToken, InsufficientRights) as error:
            raise ExchangeRefused(error.reason or type(error).__name__, client_id) from error

    def _with_client(self, subject: ResolvedClaims, client_id: str) -> ResolvedClaims:
        """Let the query about the subject token ask whether the client was revoked since it authenticated."""
        marks = (*subject.question.marks, client_mark(self._issuer, client_id))
        return replace(subject, question=replace(subject.question, marks=marks))

    def _check_subject(self, claims: Claims, client_id: str) -> None:
        if not claims.is_own or claims.person_issuer is not None:
            # Under our name, its subject would be one of our users.
            raise ExchangeRefused("a token of another issuer, or of another issuer's user", client_id)
        if claims.subject.startswith(CLIENT_SUBJECT):
            raise ExchangeRefused("a client's token names no user", client_id)
        if "may_act" in claims.raw and not _may_act(claims.raw["may_act"], client_id, self._issuer):
            raise ExchangeRefused("may_act names another party", client_id)

    def _grant(
        self,
        client: RegisteredClient,
        subject: ResolvedClaims,
        parameters: OAuthParameters,
        *,
        actor: Mapping[str, Any],
        audience: str,
    ) -> Grant:
        entry, claims = client.entry, subject.claims
        allowed, asked = claims.scopes.intersection(entry.scopes), parameters.scopes()
        if asked is not None and not asked <= allowed:
            raise InvalidScopeError("The client may not have one of these scopes for this user.")
        return Grant(
            subject=claims.subject,
            scopes=allowed if asked is None else asked,
            roles=claims.roles.intersection(entry.roles),
            lifetime_seconds=self._tokens.lifetime_seconds,
            session_id=claims.session_id,
            client_id=entry.client_id,
            actor=actor,
            audience=audience,
            extra=carried(claims.raw, is_foreign=audience != self._tokens.audience),
        )


def _checked(parameters: OAuthParameters) -> tuple[str, str]:
    """
    Return which type of token is wanted, and the subject token.

    Raises:
        InvalidRequestError: If a type is not served, or there is an actor token.
        InvalidRequest: If the subject token or its type is missing.
    """
    token, given = parameters.require("subject_token"), parameters.require("subject_token_type")
    wanted = parameters.get("requested_token_type") or _ACCESS_TOKEN
    if given not in _TYPES or wanted not in _TYPES or (given == _JWT and is_opaque_token(token)):
        raise InvalidRequestError("Only access tokens are exchanged, and only for access tokens.")
    if parameters.get("actor_token") is not None or parameters.get("actor_token_type") is not None:
        # The client itself acts: it has just proven who it is.
        raise InvalidRequestError("An actor token is not accepted; the client is the actor.")
    return wanted, token


def _may_act(allowed: object, client_id: str, issuer: str) -> bool:
    """Return whether ``may_act`` names the client (RFC 8693 §4.4); a claim that is unknown here names another."""
    if not isinstance(allowed, Mapping):
        return False
    claims = dict(cast("Mapping[str, object]", allowed))
    names_issuer = claims.pop("iss", issuer) == issuer
    return names_issuer and bool(claims) and claims == {name: client_id for name in claims if name in _NAMES}
