"""Serve ``POST …/login`` and ``POST …/step-up``, which give tokens for a password."""

from collections.abc import Awaitable, Callable

from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._core.endpoints.request_context import RequestContext, transport_of
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.request import Reply, Request
from safeconduct._http.request_body import BodyParameters, read_flag, require_text
from safeconduct.errors import InvalidRequest


class LoginEndpoint:
    """
    Check passwords and give tokens for them.

    Args:
        session_verbs: Make the tokens.
        passwords: Check passwords, behind the throttle.
        request_context: Reads requests.
        token_response: Writes replies.
        device_cookies: Mark the browsers on which a user has signed in.
        end_replaced: Ends the sessions of the cookies that a sign-in replaces.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        passwords: Passwords,
        request_context: RequestContext,
        token_response: TokenResponse,
        device_cookies: DeviceCookies,
        *,
        end_replaced: Callable[[Request], Awaitable[None]],
    ) -> None:
        self._session_verbs = session_verbs
        self._passwords = passwords
        self._request_context = request_context
        self._token_response = token_response
        self._device_cookies = device_cookies
        self._end_replaced = end_replaced

    async def login(self, call: EndpointCall) -> Reply:
        """
        Check a password and begin a session.

        Raises:
            BadCredentials: If the user name or the password is wrong.
            TooManyAttempts: If a limit of the throttle is reached.
            CrossSiteRequest: If a page that is not ours sent it; for cookies, also if nothing tells which page did.
            InvalidRequest: If the body lacks a parameter, or has both ``username`` and ``email``.
        """
        request, parameters = call.request, await call.parameters()
        username, password = _username(parameters), require_text(parameters, "password")
        remember, asks_for_cookies = read_flag(parameters, "remember"), read_flag(parameters, "cookies")
        transport = self._request_context.transport_for_sign_in(request, asks_for_cookies=asks_for_cookies)
        origin = self._request_context.origin(request, transport)
        account = await self._passwords.prove(
            username,
            password,
            network=origin.network,
            scheme="login",
            has_device=self._device_cookies.recognizes(request, username),
        )
        if transport == "cookie":
            # Before the new session: if this fails, the browser is signed out, not still signed in as the user before
            # (ASVS 7.2.4).
            await self._end_replaced(request)
        tokens = await self._session_verbs.sign_in(account, username=username, remember=remember, origin=origin)
        if transport == "header":
            return self._token_response.signed_in_by_body(tokens)
        return self._token_response.signed_in(tokens, self._device_cookies.new(username))

    async def step_up(self, call: EndpointCall) -> Reply:
        """
        Raise the level of a session by the password of its user, and remember them if they ask for it.

        Raises:
            MissingCredential: If no access token came.
            BadCredentials: If the password is wrong; the fifth wrong one in a row ends the session.
            InvalidRequest: If the body lacks the password, or there are two refresh tokens.
        """
        request = call.request
        principal = await self._request_context.session_owner(request)
        parameters = await call.parameters()
        password, remember = require_text(parameters, "password"), read_flag(parameters, "remember")
        transport = transport_of(principal)
        presented = self._request_context.refresh_token(request, parameters)
        if presented is not None and presented.transport == "cookie" and transport == "header":
            # The browser's cookies belong to another session, if to any: the caller uses the token in the header.
            presented = None
        tokens = await self._session_verbs.step_up(
            principal,
            password,
            refresh_token=None if presented is None else presented.value,
            remember=remember,
            origin=self._request_context.origin(request, transport if presented is None else presented.transport),
            knows_device=lambda username: self._device_cookies.recognizes(request, username),
        )
        return self._token_response.tokens(tokens, transport)


def _username(parameters: BodyParameters) -> str:
    """Return the user name, which a body may also call ``email``; never one of two."""
    if "email" not in parameters:
        return require_text(parameters, "username")
    if "username" in parameters:
        raise InvalidRequest("the body has a username and an email")
    return require_text(parameters, "email")
