"""Make the gate of one world, and what watches its open connections."""

from collections.abc import Iterator
from functools import partial

from safeconduct._core.authentication import Authenticator
from safeconduct._core.basic import BasicAuthenticator
from safeconduct._core.connection_checks import ConnectionChecks
from safeconduct._core.endpoints.routing import EndpointRoute, Endpoints
from safeconduct._core.fast_path import ContinuingFastPath, FastPath
from safeconduct._core.gate import Gate
from safeconduct._core.programmatic_sign_in import AsyncCookies, AsyncPasswords
from safeconduct._core.revocation_query import NothingRevoked
from safeconduct._core.traced_gate import traced_gate
from safeconduct._core.validity import ValidityCheck
from safeconduct._wiring.browsers import BrowserParts
from safeconduct._wiring.endpoints import endpoint_routes
from safeconduct._wiring.hand_over import accepting_route
from safeconduct._wiring.pages import PageParts
from safeconduct._wiring.sessions import session_extension
from safeconduct._wiring.settings import READERS, realm_of, receives_browsers
from safeconduct._wiring.world import WorldParts
from safeconduct.errors import ConfigurationError


def new_gate(parts: WorldParts) -> Gate:
    """
    Make a gate.

    Raises:
        ConfigurationError: If the store or the directory does not support the world, or the endpoints were switched on
            and lack something.
    """
    container, config, revocations = parts.container, parts.container.config, parts.revocations
    parts.require_records()
    basic = container.passwords.basic(parts.world, parts.store, revocations, realm=realm_of(config))
    validity = ValidityCheck(
        revocations, container.sources, consistency=config.consistency, on_outage=config.revocation.on_outage,
        csrf=container.csrf, accounts=parts.accounts,
    )  # fmt: skip
    view = NothingRevoked() if revocations is None else revocations.view or revocations.bounded_view
    authenticator = _authenticator(parts, validity, basic)
    pages = PageParts(parts)
    gate = Gate if container.tracer is None else traced_gate(container.tracer, container.announce)
    return gate(
        policy=container.permissions.policy,
        authenticator=authenticator,
        new_fast_path=partial(
            FastPath if pages.continuation is None else partial(ContinuingFastPath, continuation=pages.continuation),
            authenticator=authenticator,
            view=view,
            reader=READERS[parts.world],
        ),
        error_responses=pages.error_responses,
        endpoints=_endpoints(parts, authenticator, pages),
        connection_checks=ConnectionChecks(
            authenticator=authenticator,
            view=view,
            extension=session_extension(config, revocations, parts.store.sessions),
            staleness_seconds=config.revocation.staleness_seconds,
            announce=container.announce,
        ),
        continuation=pages.continuation,
        announce=container.announce,
        release=parts.store.close,
    )


def cookies_of(parts: WorldParts, gate: Gate) -> AsyncCookies:
    """
    Return what sets our cookies by code.

    Raises:
        ConfigurationError: If cookies are no source or off, or sessions lack something.
    """
    config, browsers = parts.container.config, BrowserParts(parts, gate.authenticator)
    if "cookie" not in config.sources or config.cookies.mode == "off":
        raise ConfigurationError('auth.cookies: wanted "cookie" among the sources, and cookies.mode not "off"')
    return AsyncCookies(
        browsers.request_context, browsers.token_response, browsers.device_cookies, browsers.presented_sessions()
    )


def passwords_of(parts: WorldParts, gate: Gate) -> AsyncPasswords:
    """
    Return what checks passwords by code.

    Raises:
        ConfigurationError: If there is no directory, or no key for the throttle.
    """
    if not parts.container.passwords.has_directory:
        raise ConfigurationError("auth.passwords: wanted a directory, or login.users")
    browsers = BrowserParts(parts, gate.authenticator)
    passwords = parts.container.passwords.passwords(parts.world, parts.store)
    return AsyncPasswords(passwords, browsers.request_context, browsers.device_cookies)


def _endpoints(parts: WorldParts, authenticator: Authenticator, pages: PageParts) -> Endpoints:
    config = parts.container.config
    accepting = partial(accepting_route, parts) if receives_browsers(config) else None
    routes = endpoint_routes(parts, authenticator, pages, _oauth_routes(parts), accepting)
    return Endpoints(routes, shares_paths=not config.endpoints.prefix)


def _oauth_routes(parts: WorldParts) -> Iterator[EndpointRoute]:
    """Yield the endpoints for services; none without clients, so that Authlib is not imported then."""
    if parts.container.clients.are_there:
        from safeconduct._wiring.oauth_endpoints import oauth_routes  # noqa: PLC0415 - it imports Authlib

        yield from oauth_routes(parts)


def _authenticator(parts: WorldParts, validity: ValidityCheck, basic: BasicAuthenticator | None) -> Authenticator:
    return Authenticator(
        sources=parts.container.sources,
        bearer=parts.container.bearer,
        resolver=parts.resolver,
        api_keys=parts.api_keys.authenticator,
        basic=basic,
        validity=validity,
        rejects_invalid=parts.container.config.access.on_invalid == "reject",
    )
