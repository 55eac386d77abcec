"""Serve ``GET …/sign-in``, the page on which a person signs in, or sees that they have."""

import math
import re
from collections.abc import Callable
from html import escape
from typing import Final

from safeconduct._core.csrf import MASK_BYTES, CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.pages.refusals import sign_in_text
from safeconduct._core.pages.settings import PageSettings, Targets
from safeconduct._core.session_store import ForeignSession
from safeconduct._http.html import form, link, page, page_reply, paragraph, password_input
from safeconduct._http.request import Reply, Request
from safeconduct.errors import AuthError, Unavailable
from safeconduct.principal import Principal

_INSTANT: Final = re.compile(r"[0-9]{1,12}")
_USERNAME: Final = (
    '<p><label for="username">User name</label><br>'
    '<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" '
    "required autofocus></p>"
)
_REMEMBER: Final = (
    '<p><input id="remember" name="remember" type="checkbox" value="true">'
    ' <label for="remember">Keep me signed in on this device</label></p>'
)


class SignInPage:
    """
    Show the page.  It never redirects by itself, so that it is never part of a loop.

    Args:
        settings: What the pages are made with.
        targets: Finds where the person goes on.
        request_context: Reads requests.
        csrf: Makes the CSRF token of the form to sign out.
        draw: Returns so many random bytes.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        settings: PageSettings,
        targets: Targets,
        request_context: RequestContext,
        csrf: CsrfTokens,
        *,
        draw: Callable[[int], bytes],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._request_context = request_context
        self._csrf = csrf
        self._draw = draw
        self._clock = clock

    async def show(self, call: EndpointCall) -> Reply:
        """
        Show the form for a password, or who is signed in.

        Raises:
            InvalidRequest: If the query is malformed.
            Unavailable: If a cookie came and the store cannot be asked about it; not if another process began its
                session, so that the person can sign in again.
        """
        request = call.request
        target = self._targets.of(call.query_parameter("next"), request)
        alert = sign_in_text(call.query_parameter("error") or "", self._wait_seconds(call.query_parameter("retry_at")))
        principal = await self._signed_in(request)
        if principal is not None:
            return self._reply("You are signed in", self._for_signed_in(principal, request, target))
        values, action = {"next": target}, self._settings.endpoint("login", request)
        content = form(action, values, "Sign in", inputs=_USERNAME + password_input() + _REMEMBER)
        return self._reply("Sign in", ("" if alert is None else paragraph(alert, is_alert=True)) + content)

    def _wait_seconds(self, retry_at: str | None) -> int | None:
        """Return how long it is until *retry_at*, as a query has it; None if that is no time."""
        # A longer number is no time, and may be too long for Python.
        if retry_at is None or not _INSTANT.fullmatch(retry_at):
            return None
        return int(retry_at) - math.floor(self._clock())

    async def _signed_in(self, request: Request) -> Principal | None:
        """Return the person whom the cookie of *request* signs in; no other credential counts for a page."""
        try:
            principal = await self._request_context.principal(request)
        except ForeignSession:
            # A session that only another process knows signs nobody in here.
            return None
        except Unavailable:
            raise
        except AuthError:
            # An invalid token in a header keeps nobody from signing in.
            return None
        return principal if principal.scheme == "cookie" else None

    def _for_signed_in(self, principal: Principal, request: Request, target: str) -> str:
        # Masked, since ``next`` is a part of the page, which a proxy may compress.
        token = self._csrf.masked_token(principal, self._draw(MASK_BYTES))
        values = {} if token is None else {"csrf_token": token}
        name = escape(principal.display_name or principal.subject)
        return (
            f"<p>You are signed in as <strong>{name}</strong>.</p>"
            + link(target, "Continue")
            + form(self._settings.endpoint("logout", request), values, "Sign out")
        )

    def _reply(self, title: str, content: str) -> Reply:
        return page_reply(page(title, content, site=self._settings.title))
