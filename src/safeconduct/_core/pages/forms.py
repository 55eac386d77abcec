"""
Answer the forms of pages by redirections, so that a person without a script sees a page after each of them.

==============================  =========================================================
a form sent by a navigation to  is answered with
==============================  =========================================================
``…/login``                     303 to ``next`` with the cookies; 303 back to the sign-in page with ``error``,
                                and ``retry_at`` where the throttle refused
``…/step-up``                   303 to ``next``; the form again, where the password is wrong
``…/logout``                    303 to ``next``, or else to the sign-in page
``…/logout-everywhere``         the same
==============================  =========================================================

Whatever is not sent by a navigation gets the answers for programs.  A form cannot add a header field, so that its field
``csrf_token`` counts as ``X-CSRF-Token``.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.routing import Endpoint, EndpointCall
from safeconduct._core.error_responses import ErrorResponses
from safeconduct._core.pages.refusals import RefusalPages, refused_sign_in_text, sign_in_error
from safeconduct._core.pages.settings import PageSettings, Targets
from safeconduct._http.fetch_metadata import is_form, is_form_navigation
from safeconduct._http.html import paragraph
from safeconduct._http.problems import NO_PARAMETERS, page_url, see_other
from safeconduct._http.request import Reply, Request
from safeconduct._http.request_body import read_text
from safeconduct.errors import (
    AuthError,
    BadCredentials,
    InvalidToken,
    MissingCredential,
    TooManyAttempts,
    Unavailable,
)

#: The fields that a browser acts on.
_FOR_BROWSER: Final = frozenset({b"set-cookie", b"clear-site-data"})


class FormEndpoints:
    """
    Answer forms.

    Args:
        settings: What the pages are made with.
        targets: Finds where a person goes on.
        error_responses: Announces refusals, and adds their fields to pages.
        refusal_pages: Writes the form for a password again.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        settings: PageSettings,
        targets: Targets,
        error_responses: ErrorResponses,
        refusal_pages: RefusalPages,
        *,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._error_responses = error_responses
        self._refusal_pages = refusal_pages
        self._clock = clock

    def login(self, endpoint: Endpoint) -> Endpoint:
        """Return *endpoint*, which signs a person in, for forms too."""

        async def serve(call: EndpointCall) -> Reply:
            if not is_form_navigation(call.request):
                return await endpoint(call)
            parameters = await call.parameters()
            target = self._targets.of(parameters.get("next"), call.request)
            try:
                # A browser that navigates cannot keep tokens in any other way.
                reply = await endpoint(replace(call, known={**parameters, "cookies": True}))
            except (BadCredentials, TooManyAttempts, Unavailable) as error:
                return self._to_sign_in(error, call.request, target, self._sign_in_parameters(error))
            return _redirected(reply, target)

        return serve

    def step_up(self, endpoint: Endpoint) -> Endpoint:
        """Return *endpoint*, which proves a password again, for forms too."""

        async def serve(call: EndpointCall) -> Reply:
            call = await _with_csrf_token(call)
            if not is_form_navigation(call.request):
                return await endpoint(call)
            parameters = await call.parameters()
            target = self._targets.of(parameters.get("next"), call.request)
            try:
                return _redirected(await endpoint(call), target)
            except (BadCredentials, TooManyAttempts) as error:
                form = self._refusal_pages.step_up_form(
                    error,
                    call.request,
                    target=target,
                    csrf_token=read_text(parameters, "csrf_token") or "",
                    text=paragraph(refused_sign_in_text(error), is_alert=True),
                )
                return self._error_responses.page(error, call.request, form)
            except (MissingCredential, InvalidToken) as error:
                # The session has ended meanwhile.
                return self._to_sign_in(error, call.request, target)

        return serve

    def sign_out(self, endpoint: Endpoint) -> Endpoint:
        """Return *endpoint*, which ends sessions, for forms too."""

        async def serve(call: EndpointCall) -> Reply:
            call = await _with_csrf_token(call)
            if not is_form_navigation(call.request):
                return await endpoint(call)
            request, parameters = call.request, await call.parameters()
            sign_in = self._settings.sign_in_path(request)
            if "next" in parameters or sign_in is None:
                target = self._targets.of(parameters.get("next"), request)
            else:
                target = page_url(sign_in, target=None)
            return _redirected(await endpoint(call), target)

        return serve

    def _sign_in_parameters(self, error: AuthError) -> dict[str, str]:
        """Return the query parameters that tell the sign-in page about *error*."""
        parameters = {"error": sign_in_error(error)}
        if isinstance(error, TooManyAttempts):
            # An instant, since the person may load the page again.  `Retry-After` would ask to wait with the
            # redirection itself (RFC 9110 §10.2.3).
            parameters["retry_at"] = str(math.ceil(self._clock()) + error.retry_after_seconds)
        return parameters

    def _to_sign_in(
        self, error: AuthError, request: Request, target: str, more: Mapping[str, str] = NO_PARAMETERS
    ) -> Reply:
        """Announce *error* and redirect the person to the sign-in page, where there is one."""
        path = self._settings.sign_in_path(request)
        if path is None:
            raise error
        return self._error_responses.redirect(error, request, page_url(path, target=target, more=more))


async def _with_csrf_token(call: EndpointCall) -> EndpointCall:
    """Return *call* with the CSRF token of its form as ``X-CSRF-Token``."""
    if not is_form(call.request):
        return call
    parameters = await call.parameters()
    token = read_text(parameters, "csrf_token")
    request = call.request if token is None else call.request.with_field(b"x-csrf-token", token.encode())
    return replace(call, request=request, known=parameters)


def _redirected(reply: Reply, target: str) -> Reply:
    """Return the redirection to *target* that sets, and deletes, what *reply* does."""
    return see_other(target, [each for each in reply.fields if each[0] in _FOR_BROWSER])
