"""Serve ``POST …/refresh`` and ``POST …/renew``, which exchange tokens for new ones."""

from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._core.endpoints.request_context import RequestContext, transport_of
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.request import Reply
from safeconduct._http.request_body import read_flag, read_text
from safeconduct.errors import BadCredentials, InvalidGrant, InvalidToken


class RefreshEndpoint:
    """
    Exchange tokens for new ones.

    Args:
        session_verbs: Make the tokens.
        request_context: Reads requests.
        token_response: Writes replies.
        device_cookies: Mark the browsers on which a user has signed in.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        request_context: RequestContext,
        token_response: TokenResponse,
        device_cookies: DeviceCookies,
    ) -> None:
        self._session_verbs = session_verbs
        self._request_context = request_context
        self._token_response = token_response
        self._device_cookies = device_cookies

    async def refresh(self, call: EndpointCall) -> Reply:
        """
        Rotate a refresh token.

        No cookie is ever cleared here: the loser of a race must not clear the winner's.

        Raises:
            BadCredentials: If it was to be extended with a wrong password, or without the one that is demanded.
            InvalidGrant: If the token is not ours, has ended, or was used before.
            InvalidRequest: If it came both in a cookie and in the body.
            CrossSiteRequest: If it came in a cookie and none of our pages sent it.
            TooEarly: If it was to be extended before half of its lifetime.
        """
        request, parameters = call.request, await call.parameters()
        try:
            presented = self._request_context.refresh_token(request, parameters)
            if presented is None:
                raise InvalidGrant("there is no refresh token")
            if presented.transport == "cookie":
                self._request_context.require_own_page(request)
            tokens = await self._session_verbs.refresh(
                presented.value,
                extend=read_flag(parameters, "extend"),
                password=read_text(parameters, "password"),
                origin=self._request_context.origin(request, presented.transport),
                knows_device=lambda username: self._device_cookies.recognizes(request, username),
            )
        except BadCredentials:
            # The refresh token is as good as before.
            raise
        except InvalidToken as error:
            raise InvalidGrant(error.reason) from error
        return self._token_response.tokens(tokens, presented.transport)

    async def renew(self, call: EndpointCall) -> Reply:
        """
        Exchange an access token past half of its lifetime for one of the level ``remembered``.

        Raises:
            MissingCredential: If no access token came.
            NotRenewable: If it has no session, or the session cannot last longer.
            TooEarly: If half of its lifetime is not over.
        """
        principal = await self._request_context.session_owner(call.request)
        tokens = await self._session_verbs.renew(principal)
        return self._token_response.tokens(tokens, transport_of(principal))
