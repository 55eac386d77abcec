"""
Serve ``POST …/revoke`` (RFC 7009): end a token, for a caller who shows it.

A refresh token ends with its session, an access token and an API key alone.  A token that was issued to a client, or
that it signed itself, ends only if that client authenticates.  A token that is unknown, expired or revoked is answered
like any other: "invalid tokens do not cause an error response since the client cannot handle such an error in a
reasonable way" (§2.2).
"""

from collections.abc import Collection

from authlib.oauth2.rfc6749 import InvalidGrantError

from safeconduct._core.api_keys.authenticator import ApiKeyAuthenticator
from safeconduct._core.api_keys.verbs import AsyncApiKeys
from safeconduct._core.api_keys.wire_form import is_api_key
from safeconduct._core.clients import ClientPort
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.oauth.client_authentication import ClientAuthenticator
from safeconduct._core.oauth.parameters import read_parameters
from safeconduct._core.oauth.replies import ClientRefusal, json_reply
from safeconduct._core.oauth.token_lookup import AccessTokenReader
from safeconduct._core.revoker import Revoker
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.request import Reply
from safeconduct._tokens.claims import Claims
from safeconduct.errors import InvalidToken


class ApiKeyEnd:
    """
    End API keys.

    Args:
        authenticator: Proves them; None where they are no source.
        verbs: Revokes them.
    """

    def __init__(self, authenticator: ApiKeyAuthenticator | None, verbs: AsyncApiKeys) -> None:
        self._authenticator = authenticator
        self._verbs = verbs

    async def end(self, token: str, *, now: float) -> bool:
        """
        End the API key *token*, and return whether it is one; a key that does not count is left alone.

        Raises:
            TooFewReplicas: If fewer replicas than configured confirm it, although it is written.
            Unavailable: If the store or the directory cannot be asked.
        """
        if self._authenticator is None or not is_api_key(token):
            return False
        try:
            owner = await self._authenticator.resolve(token, now=now)
        except InvalidToken:
            return True
        await self._verbs.revoke(owner.subject, owner.token_id or "")
        return True


class RevocationEndpoint:
    """
    End tokens.

    Args:
        authenticator: Finds out which client asks.
        clients: Who the clients are.
        access_tokens: Verifies access tokens.
        api_keys: Ends API keys.
        audiences: All audiences of others for which tokens are issued.
        revoker: Ends access tokens.
        session_verbs: Ends the sessions of refresh tokens; None where there are no sessions.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        authenticator: ClientAuthenticator,
        clients: ClientPort,
        access_tokens: AccessTokenReader,
        api_keys: ApiKeyEnd,
        *,
        audiences: Collection[str],
        revoker: Revoker,
        session_verbs: SessionVerbs | None,
        clock: Clock,
    ) -> None:
        self._authenticator = authenticator
        self._clients = clients
        self._access_tokens = access_tokens
        self._api_keys = api_keys
        self._audiences = frozenset(audiences)
        self._revoker = revoker
        self._session_verbs = session_verbs
        self._clock = clock

    async def revoke(self, call: EndpointCall) -> Reply:
        """
        End a token.

        Raises:
            OAuth2Error: If the client is refused, or the token is another client's.
            AuthError: If the request is malformed, or the store cannot be asked.
        """
        parameters, now = await read_parameters(call), self._clock()
        client = await self._authenticator.authenticate_if_any(call.request, parameters, now=now)
        token = parameters.require("token")
        if not await self._end_session(token) and not await self._api_keys.end(token, now=now):
            await self._end_access_token(token, None if client is None else client.entry.client_id, now)
        return json_reply(200, {})

    async def _end_session(self, token: str) -> bool:
        """End the session of a refresh token, and return whether *token* is one."""
        if self._session_verbs is None:
            return False
        try:
            return await self._session_verbs.sign_out_with(token) is not None
        except InvalidToken:
            return False

    async def _end_access_token(self, token: str, client_id: str | None, now: float) -> None:
        try:
            claims = await self._access_tokens.verify(token, self._audiences, now=now)
        except InvalidToken:
            return
        await self._require_owner(claims, client_id)
        # A person who was handed over is on the shard of their issuer's subject.
        subject = None if claims.person_issuer else claims.subject
        await self._revoker.revoke_token(
            claims.issuer, claims.token_id, subject=subject, expires_ms=claims.expires_at * 1000
        )

    async def _require_owner(self, claims: Claims, client_id: str | None) -> None:
        """Return if the token was issued to no client of ours, or to the one that has authenticated."""
        owner = claims.client_id
        if owner is None or owner == client_id or await self._clients.find(owner) is None:
            return
        if client_id is None:
            raise ClientRefusal("the token of a client, without client authentication")
        raise InvalidGrantError("The token was issued to another client.")
