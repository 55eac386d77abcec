"""Turn an error into a response, and announce it to the listeners."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from safeconduct._core.event_dispatcher import report_failed_hook
from safeconduct._core.pages.refusals import RefusalPages
from safeconduct._core.refusals import Refusals
from safeconduct._http.fetch_metadata import is_browser, is_navigation
from safeconduct._http.paths import target_of
from safeconduct._http.problems import ProblemBody, ProblemStyle, answer, page_url, see_other
from safeconduct._http.request import Reply, Request
from safeconduct.errors import AuthError, InvalidToken, MissingCredential
from safeconduct.principal import Level

Destination = Callable[[AuthError, Request], str | None]
"""Returns the path, with the mount prefix, where a navigation is redirected; None where it does not say."""

_OF_PAGE = (b"content-type", b"content-length", b"cache-control")


class ErrorResponses:
    """
    Turn errors into responses, the same behind ASGI and WSGI.

    Args:
        realm: The realm of every challenge.
        offers_basic: Whether ``Basic`` is among the configured sources.
        acr_values: The name of each of our levels, for a step-up.
        style: The form of the standard body.
        destinations: Say, in this order, where a person's navigation without a valid credential is redirected.
        pages: Writes the pages of refusals; None where people get the same bodies as programs.
        problem_body: Makes the body instead of the standard one.
        refusals: Announces refusals.
    """

    def __init__(
        self,
        *,
        realm: str,
        offers_basic: bool,
        acr_values: Mapping[Level, str],
        style: ProblemStyle,
        destinations: Sequence[Destination],
        pages: RefusalPages | None,
        problem_body: ProblemBody | None,
        refusals: Refusals,
    ) -> None:
        self._realm = realm
        self._offers_basic = offers_basic
        self._acr_values = acr_values
        self._style: ProblemStyle = style
        self._destinations = destinations
        self._pages = pages
        self._problem_body = problem_body
        self._refusals = refusals

    def answer(self, error: AuthError, request: Request | None) -> Reply:
        """Return the response to *request*, or to one that could not be parsed at all."""
        self._refusals.report(error, request)
        if request is None or not _is_by_person(request):
            return self._problem(error, request, self._body(error))
        path = self._destination(error, request)
        if path is not None:
            target = target_of(request.root_path + request.path, request.query)
            return see_other(page_url(path, target=target))
        if self._pages is None:
            return self._problem(error, request, self._body(error))
        return self._with_fields(self._pages.page(error, request), error, request)

    def page(self, error: AuthError, request: Request, page: Reply) -> Reply:
        """Return *page*, with which an endpoint refuses *request*, with the fields of the error."""
        self._refusals.report(error, request)
        return self._with_fields(page, error, request)

    def redirect(self, error: AuthError, request: Request, location: str) -> Reply:
        """Return the redirection to *location*, a page that tells the person why *request* was refused."""
        self._refusals.report(error, request)
        return see_other(location)

    def _destination(self, error: AuthError, request: Request) -> str | None:
        """Return where a person is redirected who lacks a valid credential and only reads."""
        if request.method not in {"GET", "HEAD"} or not isinstance(error, (MissingCredential, InvalidToken)):
            return None
        paths = (destination(error, request) for destination in self._destinations)
        return next((path for path in paths if path is not None), None)

    def _with_fields(self, page: Reply, error: AuthError, request: Request) -> Reply:
        fields = self._problem(error, request, None).fields
        return Reply(page.status, (*page.fields, *(each for each in fields if each[0] not in _OF_PAGE)), page.body)

    def _problem(self, error: AuthError, request: Request | None, body: Mapping[str, Any] | None) -> Reply:
        return answer(
            error,
            realm=self._realm,
            # A browser that gets a Basic challenge opens a dialogue of its own.
            basic_offered=self._offers_basic and (request is None or not is_browser(request)),
            acr_values=self._acr_values,
            style=self._style,
            body=body,
        )

    def _body(self, error: AuthError) -> Mapping[str, Any] | None:
        if self._problem_body is None:
            return None
        try:
            return self._problem_body(error)
        except Exception as fault:  # noqa: BLE001 - a hook of the application; the refusal must not depend on it
            report_failed_hook(self._refusals.announce, fault, hook="problem_body")
            return None


def _is_by_person(request: Request) -> bool:
    # A program that sends a header of its own can read a problem, whatever else it accepts.
    return is_navigation(request) and not request.values(b"authorization")
