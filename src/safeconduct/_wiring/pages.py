"""Make the pages for people, and the answers to their forms."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from safeconduct._core.continuation import CONTINUE, Continuation
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routing import EndpointRoute
from safeconduct._core.error_responses import Destination, ErrorResponses
from safeconduct._core.pages.continuing import ContinueEndpoint
from safeconduct._core.pages.forms import FormEndpoints
from safeconduct._core.pages.refusals import RefusalPages
from safeconduct._core.pages.settings import SIGN_IN, PageSettings, Targets
from safeconduct._core.pages.sign_in import SignInPage
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._tokens.issuer_policy import ACR
from safeconduct._wiring.browsers import BrowserParts
from safeconduct._wiring.settings import allows_sign_in_page, has_pages, realm_of
from safeconduct._wiring.world import WorldParts
from safeconduct.principal import Anonymous


class PageParts:
    """
    Make the pages of one world.

    Args:
        parts: The parts of the world.
    """

    def __init__(self, parts: WorldParts) -> None:
        container, config = parts.container, parts.container.config
        has_login = (
            allows_sign_in_page(config) and container.passwords.has_directory and parts.why_no_sessions() is None
        )
        prefix, sign_in_url = config.endpoints.prefix, config.access.sign_in_url
        is_on = has_pages(config)
        if has_login and sign_in_url is None:
            sign_in_url = f"{prefix}/{SIGN_IN}"
        self.settings = PageSettings(
            owner=container.permissions,
            prefix=prefix,
            title=config.endpoints.title,
            sign_in_url=sign_in_url,
            has_login=has_login,
        )
        #: Redirects navigations to ``…/continue``; None where nothing does.
        self.continuation = self._new_continuation(parts) if config.access.continue_navigation else None
        self._serves_continue = (
            "cookie" in config.sources and config.cookies.mode != "off" and (is_on or self.continuation is not None)
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

        *all_routes* are all our endpoints, a list that still grows: no page leads to one of them.
        """
        container = self._container
        refusals, settings, prefix = self._refusals, self.settings, self.settings.prefix
        if refusals is None:
            yield from rows
            return
        targets = self._targets(all_routes)
        forms = FormEndpoints(settings, targets, self.error_responses, refusals, clock=container.clock)
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
            sign_in = SignInPage(
                settings, targets, requests, container.csrf, draw=secrets.token_bytes, clock=container.clock
            )
            yield EndpointRoute("GET", f"{prefix}/{SIGN_IN}", "The page to sign in", sign_in.show)

    def continue_routes(
        self, browsers: BrowserParts, session_verbs: SessionVerbs, all_routes: Sequence[EndpointRoute]
    ) -> Iterator[EndpointRoute]:
        """Yield the endpoint that renews and refreshes for pages, where a browser can bring cookies."""
        if not self._serves_continue:
            return
        permissions, clock = self._container.permissions, self._container.clock
        continuing = ContinueEndpoint(
            self.settings,
            self._targets(all_routes),
            browsers.request_context,
            session_verbs,
            browsers.token_response,
            self.error_responses,
            is_public=lambda path, root_path: permissions.allow(
                Anonymous(), "GET", path, root_path=root_path, now=clock()
            ),
        )
        summary = "Renew or refresh the access cookie for a page"
        yield EndpointRoute("GET", f"{self.settings.prefix}/{CONTINUE}", summary, continuing.serve)

    def _targets(self, all_routes: Sequence[EndpointRoute]) -> Targets:
        return Targets(all_routes, self._container.permissions.policy, shares_paths=not self.settings.prefix)

    def _new_continuation(self, parts: WorldParts) -> Continuation:
        container, config = parts.container, parts.container.config
        return Continuation(
            self.settings,
            config.cookies,
            issuer=config.issuer,
            session_verbs=lambda: parts.session_verbs,
            bearer=container.bearer,
        )

    def _refusal_pages(self) -> RefusalPages:
        container = self._container
        return RefusalPages(
            self.settings,
            container.csrf,
            draw=secrets.token_bytes,
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
        first = [] if self.continuation is None else [self.continuation.destination]
        return [*first, lambda _error, request: self.settings.sign_in_path(request)]
