"""Make the pages for people, and the answers to their forms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routing import EndpointRoute, Endpoints
from safeconduct._core.error_responses import Destination, ErrorResponses
from safeconduct._core.pages.forms import FormEndpoints
from safeconduct._core.pages.refusals import RefusalPages
from safeconduct._core.pages.settings import SIGN_IN, PageSettings, Targets
from safeconduct._core.pages.sign_in import SignInPage
from safeconduct._tokens.issuer_policy import ACR
from safeconduct._wiring.settings import has_pages, realm_of
from safeconduct._wiring.world import WorldParts


class PageParts:
    """
    Make the pages of one world.

    Args:
        parts: The parts of the world.
    """

    def __init__(self, parts: WorldParts) -> None:
        container, config = parts.container, parts.container.config
        has_login = (
            "cookie" in config.sources
            and config.cookies.mode != "off"
            and config.endpoints.enabled is not False
            and container.passwords.has_directory
            and parts.why_no_sessions() is None
        )
        prefix, sign_in_url = config.endpoints.prefix, config.access.sign_in_url
        is_on = has_pages(config)
        if is_on and has_login and sign_in_url is None:
            sign_in_url = f"{prefix}/{SIGN_IN}"
        self.settings = PageSettings(
            prefix=prefix, title=config.endpoints.title, sign_in_url=sign_in_url, has_login=is_on and has_login
        )
        self._container = container
        self._refusals = self._refusal_pages() if is_on else None
        self.error_responses = self._error_responses()

    @property
    def ways_to_sign_in(self) -> dict[str, str]:
        """Where users sign in here: each name below the prefix, with its method."""
        login = {"login": "POST"} if self._container.passwords.has_directory else {}
        return login | ({SIGN_IN: "GET"} if self.settings.serves_sign_in else {})

    def routes(
        self, rows: Iterable[EndpointRoute], requests: RequestContext, all_routes: Sequence[EndpointRoute]
    ) -> Iterator[EndpointRoute]:
        """
        Yield *rows*, which answer forms too, and the sign-in page.

        *all_routes* are all our endpoints, once they are known: no page leads to one of them.
        """
        refusals, settings, prefix = self._refusals, self.settings, self.settings.prefix
        if refusals is None:
            yield from rows
            return
        targets = Targets(lambda path: Endpoints(all_routes, shares_paths=not prefix).owns("GET", path))
        forms = FormEndpoints(settings, targets, self.error_responses, refusals)
        wrappers = {
            f"{prefix}/login": forms.login,
            f"{prefix}/step-up": forms.step_up,
            f"{prefix}/logout": forms.sign_out,
            f"{prefix}/logout-everywhere": forms.sign_out,
        }
        for row in rows:
            wrap = wrappers.get(row.path)
            yield row if wrap is None else replace(row, endpoint=wrap(row.endpoint), answers_forms=True)
        if settings.serves_sign_in:
            sign_in = SignInPage(settings, targets, requests, self._container.csrf, clock=self._container.clock)
            yield EndpointRoute("GET", f"{prefix}/{SIGN_IN}", "The page to sign in", sign_in.show)

    def _refusal_pages(self) -> RefusalPages:
        container = self._container
        return RefusalPages(
            self.settings,
            container.csrf,
            own_origin=container.sources.own_origin,
            problem_page=container.problem_page,
            announce=container.announce,
        )

    def _error_responses(self) -> ErrorResponses:
        container, config = self._container, self._container.config
        return ErrorResponses(
            realm=realm_of(config),
            offers_basic="basic" in config.sources,
            acr_values={level: acr for acr, level in ACR.items()},
            style=config.problem_style,
            destinations=self._destinations(),
            pages=self._refusals,
            problem_body=container.problem_body,
            refusals=container.refusals,
        )

    def _destinations(self) -> list[Destination]:
        """List what says where a navigation goes that lacks a valid credential; the first that knows decides."""
        return [lambda _error, _request: self.settings.sign_in_url]
