"""Sign users in from pages of the application: prove a password, set the cookies, behind the checks of a sign-in."""

from safeconduct._core.budget import within_one_budget
from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._core.directory import Account
from safeconduct._core.endpoints.logout import PresentedSessions
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._http.given_request import GivenRequest, read_given
from safeconduct._http.request import Reply
from safeconduct.errors import ConfigurationError

TextFields = list[tuple[str, str]]
"""Header fields as frameworks take them."""


class AsyncCookies:
    """
    Set and delete our cookies in responses of the application; ``Auth.cookies`` has the same verbs, blocking.

    There is no other way to set them, so that no sign-in leaves out what protects it.

    Wherever a *request* is wanted, it is an ASGI scope, a WSGI environ, or a request of a framework that carries one.
    """

    def __init__(
        self,
        request_context: RequestContext,
        token_response: TokenResponse,
        device_cookies: DeviceCookies,
        presented: PresentedSessions,
    ) -> None:
        self._request_context = request_context
        self._token_response = token_response
        self._device_cookies = device_cookies
        self._presented = presented

    def origin_of(self, request: GivenRequest) -> RequestOrigin:
        """Return what a session that begins with *request* records of it; ``sessions.sign_in`` takes it as *origin*."""
        return self._request_context.origin(read_given(request), "cookie")

    @within_one_budget
    async def set_on(self, tokens: Tokens, request: GivenRequest) -> TextFields:
        """
        Return the ``Set-Cookie`` fields for the response to *request*, once nothing stands against them.

        Before that, the sessions end whose cookies the request brought, unless it is the session of *tokens* (ASVS
        7.2.4).  A refresh cookie that is not replaced is deleted, so that nobody becomes the person before.  After a
        sign-in there is a cookie for the device too.

        Args:
            tokens: What ``sessions.sign_in``, ``refresh``, ``renew`` or ``step_up`` returned.
            request: The request that is being answered.

        Raises:
            CrossSiteRequest: If a page that is not ours sent it, or nothing tells which page did.
            NotSupported: If a token is too long for a cookie.
            Unavailable: If the store cannot be asked: the sessions may go on.
            ConfigurationError: If there is a refresh token that counts in a header only, since the sign-in had no
                ``origin=auth.cookies.origin_of(request)``.
            TypeError: If *request* is no request.
        """
        came = read_given(request)
        if tokens.refresh_token is not None and tokens.transport != "cookie":
            raise ConfigurationError(
                "tokens: got a refresh token that no cookie may carry, wanted that of a sign-in with "
                "origin=auth.cookies.origin_of(request)"
            )
        self._request_context.require_own_page(came)
        # Made first, since it may fail: then nothing has ended.
        more = [] if tokens.username is None else [self._device_cookies.new(tokens.username)]
        self._token_response.cookie_fields(tokens)
        keeps_refresh = await self._presented.end_replaced(came, session_id=tokens.session_id)
        if tokens.refresh_token is None and not keeps_refresh:
            more.append(self._token_response.deleted_refresh())
        return Reply(200, self._token_response.cookie_fields(tokens, more_cookies=more)).text_fields

    def clear(self) -> TextFields:
        """
        Return the fields of a sign-out: they delete the access and the refresh cookie, and what the browser has cached.

        They end no session; ``sessions.sign_out`` does.
        """
        reply = self._token_response.signed_out("cookie")
        return [field for field in reply.text_fields if field[0] != "cache-control"]


class AsyncPasswords:
    """Check passwords for pages of the application; ``Auth.passwords`` has the same verb, blocking."""

    def __init__(self, passwords: Passwords, request_context: RequestContext, device_cookies: DeviceCookies) -> None:
        self._passwords = passwords
        self._request_context = request_context
        self._device_cookies = device_cookies

    @within_one_budget
    async def check(self, username: str, password: str, *, request: GivenRequest) -> Account:
        """
        Return the account of *username* if the password is right.

        Args:
            username: The name as it was submitted.
            password: The password as it was submitted: neither cut nor normalized.
            request: The request that it came with: an ASGI scope, a WSGI environ, or a framework's request.

        Raises:
            CrossSiteRequest: If a page that is not ours sent it, or nothing tells which page did; it counts as no try.
            BadCredentials: If the name or the password is wrong, or the account is disabled.
            TooManyAttempts: If a limit of the throttle is reached; nothing was compared.
            Unavailable: If the store or the directory cannot be asked, or too many checks are waiting.
            TypeError: If *request* is no request.
        """
        came = read_given(request)
        self._request_context.require_own_page(came)
        return await self._passwords.prove(
            username,
            password,
            network=self._request_context.origin(came, "cookie").network,
            scheme="login",
            has_device=self._device_cookies.recognizes(came, username),
        )
