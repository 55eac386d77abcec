"""``POST …/refresh`` and ``POST …/renew``: tokens for tokens."""

from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext, flag_of
from safeconduct._core.endpoints.routing import Call
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.sessions.model import Transport
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.request import Reply
from safeconduct.errors import InvalidGrant, InvalidToken


class RefreshEndpoint:
    """
    Give new tokens for those that are shown.

    Args:
        session_verbs: Give tokens.
        visits: Read requests.
        delivery: Writes replies.
        clock: The time in seconds since the epoch.
    """

    def __init__(
        self, session_verbs: SessionVerbs, visits: RequestContext, delivery: TokenResponse, *, clock: Clock
    ) -> None:
        self._session_verbs = session_verbs
        self._visits = visits
        self._delivery = delivery
        self._clock = clock

    async def refresh(self, call: Call) -> Reply:
        """
        Rotate a refresh token.

        No cookie is cleared whatever comes of it: the loser of a race must not clear the winner's.

        Raises:
            InvalidGrant: If the token is none of ours, over, or was used before.
            InvalidRequest: If it came by cookie and in the body.
            CrossSiteRequest: If it came by cookie and no page of ours sent it.
            TooEarly: If it was to be extended before half of its life.
        """
        request, members = call.request, await call.members()
        try:
            presented = self._visits.refresh_token(request, members)
            if presented is None:
                raise InvalidGrant("no refresh token came")
            if presented.transport == "cookie":
                self._visits.require_own_page(request)
            tokens = await self._session_verbs.refresh(
                presented.value,
                extend=flag_of(members, "extend"),
                origin=self._visits.caller(request, presented.transport),
            )
        except InvalidToken as error:
            raise InvalidGrant(error.reason) from error
        return self._delivery.tokens(tokens, presented.transport)

    async def renew(self, call: Call) -> Reply:
        """
        Give a remembered access token for one whose half of life is over.

        Raises:
            MissingCredential: If no access token came.
            NotRenewable: If no session stands behind it, or its end can't grow.
            TooEarly: If half of its life is not over.
        """
        principal = await self._visits.principal(call.request, now=self._clock())
        tokens = await self._session_verbs.renew(principal)
        transport: Transport = "cookie" if principal.scheme == "cookie" else "header"
        return self._delivery.tokens(tokens, transport)
