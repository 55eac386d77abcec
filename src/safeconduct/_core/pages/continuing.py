"""
Serve ``GET …/continue``, the call by which a page renews or refreshes the access token of a person.

It acts only on a navigation that one of our own pages or the person has begun: no other site can make a browser renew,
and nothing that a browser fetches in advance does.

======================================================  ============================================================
the request                                             is answered with
======================================================  ============================================================
is speculative                                          503
navigates, ``Sec-Fetch-Site`` same-origin or none,
  with a token past half-life                           a renewal, and 303 to ``next``
  with a token that is not due, or cannot grow          303 to ``next``
  without a valid token, with a refresh cookie          a refresh, and 303 to ``next``
  with a refresh token that was just used (STALE)       303 to ``next``: another tab was faster
  otherwise                                             303 to the sign-in page, or to ``next`` if that is public
is anything else, without ``from=self``                 a page that leads to the same URL with ``from=self``, which
                                                        makes the navigation our own and brings the strict cookie
is anything else, with ``from=self``                    303 to ``next`` with a valid token, or else to the sign-in page
======================================================  ============================================================

Every answer sets a cookie of ten seconds, with which nobody is led here again.
"""

from collections.abc import Callable
from html import escape
from typing import Final

from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.error_responses import ErrorResponses
from safeconduct._core.pages.settings import PageSettings, Targets
from safeconduct._core.sessions.verbs import SessionVerbs, Tokens
from safeconduct._http.fetch_metadata import is_page_navigation, is_speculative
from safeconduct._http.html import link, page, page_reply
from safeconduct._http.problems import page_url, see_other
from safeconduct._http.request import Reply, Request
from safeconduct.errors import (
    AuthError,
    InvalidRequest,
    InvalidToken,
    NotRenewable,
    ReusedRefreshToken,
    TooEarly,
    Unavailable,
)
from safeconduct.principal import Principal

_OURS: Final = ([b"same-origin"], [b"none"])
_AGAIN: Final = {"from": "self"}


class ContinueEndpoint:
    """
    Renew or refresh for a page.

    Args:
        settings: What the pages are made with.
        targets: Finds where the person goes on.
        request_context: Reads requests.
        session_verbs: Make the tokens.
        token_response: Writes the cookies.
        error_responses: Answers what goes wrong.
        is_public: Returns whether anyone may see a path of the application, with its mount prefix.
    """

    def __init__(
        self,
        settings: PageSettings,
        targets: Targets,
        request_context: RequestContext,
        session_verbs: SessionVerbs,
        token_response: TokenResponse,
        error_responses: ErrorResponses,
        *,
        is_public: Callable[[str, str], bool],
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._request_context = request_context
        self._session_verbs = session_verbs
        self._token_response = token_response
        self._error_responses = error_responses
        self._is_public = is_public

    async def serve(self, call: EndpointCall) -> Reply:
        """Answer a navigation; never raises an ``AuthError``, since every answer sets the cookie."""
        try:
            reply = await self._answer(call)
        except AuthError as error:
            reply = self._error_responses.answer(error, call.request)
        return Reply(reply.status, (*reply.fields, *self._token_response.continued()), reply.body)

    async def _answer(self, call: EndpointCall) -> Reply:
        request, target = call.request, self._targets.of(call.query_parameter("next"), call.request)
        if is_speculative(request):
            raise Unavailable("a speculative request renews nothing")
        is_ours = request.values(b"sec-fetch-site") in _OURS
        acts = request.method == "GET" and is_ours and is_page_navigation(request)
        if not acts and call.query_parameter("from") != "self":
            return self._detour(request, target)
        principal = await self._signed_in(request)
        if not acts:
            return self._give_up(request, target) if principal is None else see_other(target)
        tokens: Tokens | None = None
        try:
            if principal is not None:
                tokens = await self._session_verbs.renew(principal)
        except (TooEarly, NotRenewable):
            return see_other(target)
        except InvalidToken:
            # It was renewed too long ago, or its session is over.
            principal = None
        if tokens is None:
            return await self._refresh(request, target)
        return see_other(target, self._token_response.cookie_fields(tokens))

    async def _refresh(self, request: Request, target: str) -> Reply:
        try:
            presented = self._request_context.refresh_token(request, {})
            if presented is None:
                return self._give_up(request, target)
            origin = self._request_context.origin(request, "cookie")
            tokens = await self._session_verbs.refresh(presented.value, origin=origin)
        except ReusedRefreshToken as error:
            # Within the grace another tab was faster, and the browser has its cookies already.
            return see_other(target) if error.session_id is None else self._give_up(request, target)
        except (InvalidRequest, InvalidToken):
            # No cookie is cleared: the loser of a race must not clear the winner's.
            return self._give_up(request, target)
        return see_other(target, self._token_response.cookie_fields(tokens))

    async def _signed_in(self, request: Request) -> Principal | None:
        """Return the person whose access cookie is valid; no other credential counts here."""
        try:
            principal = await self._request_context.principal(request.without_field(b"authorization"))
        except Unavailable:
            raise
        except AuthError:
            return None
        return principal

    def _give_up(self, request: Request, target: str) -> Reply:
        """Redirect the person to the sign-in page, unless they may see *target* without signing in."""
        if self._is_public(target, request.root_path):
            return see_other(target)
        path = self._settings.sign_in_path(request)
        if path is None:
            raise InvalidToken("there is nothing to renew and no page to sign in")
        return see_other(page_url(path, target=target))

    def _detour(self, request: Request, target: str) -> Reply:
        path = request.root_path + request.path
        again = page_url(path, target=target, more=_AGAIN)
        content = f'<meta http-equiv="refresh" content="0; url={escape(again)}">' + link(again, "Continue")
        return page_reply(page("One moment", content, site=self._settings.title))
