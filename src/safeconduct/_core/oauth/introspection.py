"""
Serve ``POST …/introspect`` (RFC 7662): tell a service whether a token counts now.

======================================  =============================================================
the client                              learns of
======================================  =============================================================
has the grant ``introspection``         every token of ours
has it not                              access tokens for one of its own ``audiences``
does not authenticate                   none: 401
======================================  =============================================================

Of any other token it learns ``{"active": false}``, and never why.  The store is asked whatever the consistency.
"""

from collections.abc import Collection, Sequence

from safeconduct._core.clients import RegisteredClient
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.oauth.client_authentication import ClientAuthenticator
from safeconduct._core.oauth.parameters import read_parameters
from safeconduct._core.oauth.replies import json_reply
from safeconduct._core.oauth.token_lookup import ActiveToken, TokenReader
from safeconduct._http.request import Reply


class IntrospectionEndpoint:
    """
    Tell clients about tokens.

    Args:
        authenticator: Finds out which client asks.
        readers: Read each kind of token.
        audiences: All audiences of others for which tokens are issued.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        authenticator: ClientAuthenticator,
        readers: Sequence[TokenReader],
        audiences: Collection[str],
        *,
        clock: Clock,
    ) -> None:
        self._authenticator = authenticator
        self._readers = tuple(readers)
        self._audiences = frozenset(audiences)
        self._clock = clock

    async def introspect(self, call: EndpointCall) -> Reply:
        """
        Say whether a token counts, and what it says.

        Raises:
            OAuth2Error: If the client is refused.
            AuthError: If the request is malformed, or the store cannot be asked.
        """
        parameters, now = await read_parameters(call), self._clock()
        client = await self._authenticator.authenticate(call.request, parameters, now=now)
        token = parameters.require("token")
        found = await self._find(token, client, now)
        # "The authorization server SHOULD NOT include any additional information about an inactive token" — §2.2
        return json_reply(200, {"active": False} if found is None else {"active": True, **found.content})

    async def _find(self, token: str, client: RegisteredClient, now: float) -> ActiveToken | None:
        own, sees_all = frozenset(client.entry.audiences), "introspection" in client.entry.grants
        for reader in self._readers:
            found = await reader.read(token, own | self._audiences, now=now)
            if found is not None:
                return found if sees_all or not own.isdisjoint(found.audiences) else None
        return None
