"""Make our own endpoints for one world: only those that can work, so none if users cannot sign in here."""

import secrets
from collections.abc import Iterable, Iterator

from safeconduct._core.authentication import Authenticator
from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._core.endpoints.login import LoginEndpoint
from safeconduct._core.endpoints.logout import LogoutEndpoint, PresentedSessions
from safeconduct._core.endpoints.refresh import RefreshEndpoint
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routes import jwks_route, openapi_route, session_routes
from safeconduct._core.endpoints.routing import EndpointRoute
from safeconduct._core.endpoints.session import SessionEndpoint
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.permissions import OfferedLinks
from safeconduct._http.forwarded import Proxies
from safeconduct._wiring.world import WorldParts
from safeconduct.errors import ConfigurationError


def endpoint_routes(
    parts: WorldParts, authenticator: Authenticator, for_services: Iterable[EndpointRoute]
) -> Iterator[EndpointRoute]:
    """
    Yield the endpoints of a session's life and those *for_services*, their description and the public keys.

    Args:
        parts: The parts of the world.
        authenticator: Finds out who asks by an access token.
        for_services: The OAuth endpoints.

    Raises:
        ConfigurationError: If they were switched on and lack something.
    """
    config, keys = parts.container.config, parts.container.keys
    why, enabled = _why_none(parts), config.endpoints.enabled
    if enabled and why:
        raise ConfigurationError(f"endpoints.enabled: got true; {why}")
    rows: list[EndpointRoute] = []
    if enabled is not False:
        rows += [] if why else _session_routes(parts, authenticator)
        rows += for_services
    if rows:
        yield from rows
    if rows and config.endpoints.prefix:
        # At the root it would be taken for the description of the application.
        yield openapi_route(rows, config.endpoints.prefix, config.problem_style)
    if keys is not None and config.endpoints.well_known:
        yield jwks_route(lambda: keys.current().published())


def _why_none(parts: WorldParts) -> str | None:
    has_directory = parts.container.passwords.has_directory
    return parts.why_no_sessions() or (None if has_directory else "directory: got nothing, wanted one, or login.users")


def _session_routes(parts: WorldParts, authenticator: Authenticator) -> Iterator[EndpointRoute]:
    container, config, session_verbs = parts.container, parts.container.config, parts.session_verbs
    sources, clock, prefix = container.sources, container.clock, config.endpoints.prefix

    proxies = Proxies.of(config.proxies.trusted)
    requests = RequestContext(
        authenticator, sources, proxies, cookies=config.cookies, issuer=config.issuer, clock=clock
    )  # fmt: skip
    replies = TokenResponse(
        config.cookies, container.csrf, clock=clock, adds_token=config.endpoints.login_answer == "token"
    )
    presented = PresentedSessions(
        session_verbs,
        requests,
        sources,
        bearer=container.bearer,
        resolver=parts.resolver,
        clock=clock,
    )
    devices = DeviceCookies(
        container.derived_keys, secrets.token_bytes, config.cookies, are_read=sources.takes_cookies, clock=clock
    )
    passwords = container.passwords.passwords(parts.world, parts.store)
    return session_routes(
        prefix,
        login=LoginEndpoint(session_verbs, passwords, requests, replies, devices, end_replaced=presented.end_cookies),
        refresh=RefreshEndpoint(session_verbs, requests, replies, devices),
        logout=LogoutEndpoint(session_verbs, requests, replies, presented),
        session=SessionEndpoint(
            session_verbs,
            requests,
            replies,
            container.csrf,
            OfferedLinks(config.access.links, container.permissions.policy),
            prefix=prefix,
            clock=clock,
        ),
    )
