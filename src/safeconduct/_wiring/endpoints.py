"""Make our own endpoints for one world: only those that can work, so none if users cannot sign in here."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from safeconduct._core.authentication import Authenticator
from safeconduct._core.endpoints.login import LoginEndpoint
from safeconduct._core.endpoints.logout import LogoutEndpoint
from safeconduct._core.endpoints.refresh import RefreshEndpoint
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routes import jwks_route, openapi_route, session_routes
from safeconduct._core.endpoints.routing import EndpointRoute
from safeconduct._core.endpoints.session import SessionEndpoint
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.permissions import OfferedLinks
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.request import Request
from safeconduct._wiring.browsers import BrowserParts
from safeconduct._wiring.world import WorldParts
from safeconduct.errors import ConfigurationError

AcceptingRoute = Callable[
    [RequestContext, TokenResponse, Callable[[Request], Awaitable[None]], Sequence[EndpointRoute]], EndpointRoute
]
"""Makes the endpoint that receives browsers, of what reads and writes, ends sessions, and all our endpoints."""


class PageRoutes(Protocol):
    """What the endpoints need of the pages for people."""

    @property
    def ways_to_sign_in(self) -> Mapping[str, str]:
        """Where users sign in: each name below the prefix, with its method."""
        ...

    def routes(
        self, rows: Iterable[EndpointRoute], requests: RequestContext, all_routes: Sequence[EndpointRoute]
    ) -> Iterator[EndpointRoute]:
        """Yield *rows*, which answer forms too, and the sign-in page."""
        ...

    def continue_routes(
        self, browsers: BrowserParts, session_verbs: SessionVerbs, all_routes: Sequence[EndpointRoute]
    ) -> Iterator[EndpointRoute]:
        """Yield the endpoint that renews and refreshes for pages, if there is one."""
        ...


def endpoint_routes(
    parts: WorldParts,
    authenticator: Authenticator,
    pages: PageRoutes,
    for_services: Iterable[EndpointRoute],
    accepting_route: AcceptingRoute | None = None,
) -> Iterator[EndpointRoute]:
    """
    Yield the endpoints of a session's life and those *for_services*, their description and the public keys.

    Args:
        parts: The parts of the world.
        authenticator: Finds out who asks by an access token.
        pages: Makes the pages for people.
        for_services: The OAuth endpoints.
        accepting_route: Makes the endpoint that receives browsers; None if nobody may hand any over.

    Raises:
        ConfigurationError: If they were switched on and lack something.
    """
    config, keys = parts.container.config, parts.container.keys
    can_begin = parts.container.passwords.has_directory or accepting_route is not None
    why = parts.why_no_sessions() or (None if can_begin else "directory: got nothing, wanted one, or login.users")
    enabled = config.endpoints.enabled
    if enabled and why:
        raise ConfigurationError(f"endpoints.enabled: got true; {why}")
    if why and config.access.continue_navigation:
        raise ConfigurationError(f"access.continue_navigation: got true; {why}")
    if why and accepting_route is not None:
        raise ConfigurationError(f"trust.hand_over: got true; {why}")
    rows: list[EndpointRoute] = []
    if enabled is not False:
        rows += [] if why else _session_routes(parts, authenticator, pages, accepting_route, rows)
        rows += for_services
    if rows and config.endpoints.prefix:
        # At the root it would be taken for the description of the application.
        rows.append(openapi_route(rows, config.endpoints.prefix, config.problem_style))
    if keys is not None and config.endpoints.well_known:
        rows.append(jwks_route(lambda: keys.current().published()))
    yield from rows


def _session_routes(
    parts: WorldParts,
    authenticator: Authenticator,
    pages: PageRoutes,
    accepting_route: AcceptingRoute | None,
    routes: Sequence[EndpointRoute],
) -> Iterator[EndpointRoute]:
    """Yield the endpoints of a session's life, without a directory those for people who are handed over."""
    container, config, session_verbs = parts.container, parts.container.config, parts.session_verbs
    clock, browsers = container.clock, BrowserParts(parts, authenticator)
    requests, replies, devices = browsers.request_context, browsers.token_response, browsers.device_cookies
    presented = browsers.presented_sessions()
    login: LoginEndpoint | None = None
    if container.passwords.has_directory:
        passwords = container.passwords.passwords(parts.world, parts.store)
        login = LoginEndpoint(session_verbs, passwords, requests, replies, devices, end_replaced=presented.end_cookies)
    rows = session_routes(
        config.endpoints.prefix,
        login=login,
        refresh=RefreshEndpoint(session_verbs, requests, replies, devices),
        logout=LogoutEndpoint(session_verbs, requests, replies, presented),
        session=SessionEndpoint(
            session_verbs,
            requests,
            replies,
            container.csrf,
            OfferedLinks(config.access.links, container.permissions.policy),
            prefix=config.endpoints.prefix,
            ways_to_sign_in=pages.ways_to_sign_in,
            clock=clock,
        ),
    )
    yield from pages.routes(rows, requests, routes)
    yield from pages.continue_routes(browsers, session_verbs, routes)
    if accepting_route is not None:
        yield accepting_route(requests, replies, presented.end_cookies, routes)
