"""Turn an error into a response, and announce it to the listeners."""

from collections.abc import Callable, Mapping
from typing import Any

from safeconduct._core.event_dispatcher import report_failed_hook
from safeconduct._core.refusals import Refusals
from safeconduct._http.problems import ProblemStyle, answer, redirect
from safeconduct._http.request import Reply, Request
from safeconduct.errors import AuthError, InvalidToken, MissingCredential
from safeconduct.events import Event
from safeconduct.principal import Level

ProblemBody = Callable[[AuthError], Mapping[str, Any]]
"""Makes the body of an error response in the application's own form; a plain function that does not block."""


class ErrorResponses:
    """
    Turn errors into responses, the same behind ASGI and WSGI.

    Args:
        realm: The realm of every challenge.
        offers_basic: Whether ``Basic`` is among the configured sources.
        acr_values: The name of each of our levels, for a step-up.
        style: The form of the standard body.
        sign_in_url: Where a navigation without a valid credential is redirected; None for an error response.
        problem_body: Makes the body instead of the standard one.
        refusals: Makes the event of a refusal.
        announce: Sends an event to the listeners.
    """

    def __init__(
        self,
        *,
        realm: str,
        offers_basic: bool,
        acr_values: Mapping[Level, str],
        style: ProblemStyle,
        sign_in_url: str | None,
        problem_body: ProblemBody | None,
        refusals: Refusals,
        announce: Callable[[Event], None],
    ) -> None:
        self._realm = realm
        self._offers_basic = offers_basic
        self._acr_values = acr_values
        self._style: ProblemStyle = style
        self._sign_in_url = sign_in_url
        self._problem_body = problem_body
        self._refusals = refusals
        self._announce = announce

    def answer(self, error: AuthError, request: Request | None) -> Reply:
        """Return the response to *request*, or to one that could not be parsed at all."""
        self._announce(self._refusals.event(error, request))
        if request is not None and self._sends_to_sign_in(error, request):
            return redirect(self._sign_in_url or "/", path=request.root_path + request.path)
        return answer(
            error,
            realm=self._realm,
            # A browser that gets a Basic challenge opens a dialogue of its own.
            basic_offered=self._offers_basic and (request is None or not _is_browser(request)),
            acr_values=self._acr_values,
            style=self._style,
            body=self._body(error),
        )

    def _sends_to_sign_in(self, error: AuthError, request: Request) -> bool:
        return (
            self._sign_in_url is not None
            and isinstance(error, (MissingCredential, InvalidToken))
            and request.method in {"GET", "HEAD"}
            and not request.is_websocket
            and _is_navigation(request)
        )

    def _body(self, error: AuthError) -> Mapping[str, Any] | None:
        if self._problem_body is None:
            return None
        try:
            return self._problem_body(error)
        except Exception as fault:  # noqa: BLE001 - a hook of the application; the refusal must not depend on it
            report_failed_hook(self._announce, fault, hook="problem_body")
            return None


def _is_browser(request: Request) -> bool:
    return any(request.values(name) for name in (b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-dest"))


def _is_navigation(request: Request) -> bool:
    modes = request.values(b"sec-fetch-mode")
    if modes:
        return modes == [b"navigate"]
    return any(b"text/html" in value for value in request.values(b"accept"))
