"""Make the OAuth endpoints for one world; imported only where there are clients, since it imports Authlib."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from safeconduct._core.endpoints.routing import EndpointRoute
from safeconduct._core.oauth.client_authentication import ClientAuthenticator
from safeconduct._core.oauth.introspection import IntrospectionEndpoint
from safeconduct._core.oauth.metadata import ASSERTION_METHODS, SECRET_METHODS, ServerDescription, metadata_route
from safeconduct._core.oauth.replies import OAuthReplies
from safeconduct._core.oauth.revocation import ApiKeyEnd, RevocationEndpoint
from safeconduct._core.oauth.routes import introspection_route, revocation_route, token_route
from safeconduct._core.oauth.token_endpoint import GrantType, TokenEndpoint
from safeconduct._core.oauth.token_lookup import AccessTokenReader, ApiKeyReader, RefreshTokenReader, TokenReader
from safeconduct._core.revoker import Revoker
from safeconduct._http.forwarded import Proxies
from safeconduct._tokens.algorithms import SIGNATURES
from safeconduct._wiring.clients import base_url_of
from safeconduct._wiring.oauth_grants import can_issue, grants_of, some_client
from safeconduct._wiring.sessions import session_keys_of
from safeconduct._wiring.settings import realm_of
from safeconduct._wiring.world import WorldParts
from safeconduct.config import Config


def oauth_routes(parts: WorldParts) -> Iterator[EndpointRoute]:
    """Yield the OAuth endpoints that can work, and their metadata."""
    routes = list(_endpoints(parts))
    yield from routes
    description = _description(parts, [route.path for route in routes])
    if description is not None:
        # Authlib raises where no client could use them: without a token endpoint, or if a URL is not https.
        with suppress(ValueError):
            yield metadata_route(description)


def _endpoints(parts: WorldParts) -> Iterator[EndpointRoute]:
    container, config = parts.container, parts.container.config
    grants = _grants_of(parts) if can_issue(container) else {}
    is_asked = some_client(container, "introspection") or any(client.audiences for client in config.clients)
    needs_throttle = any(client.entry.grants != ("self_signed",) for client in container.clients.configured.values())
    if not (grants or is_asked) or not (needs_throttle or container.passwords.can_throttle):
        # Clients that only sign their own tokens need nothing here; whether others of the application do is not known,
        # so that the key for the throttle is demanded for configured ones alone.
        return
    replies = OAuthReplies(realm_of(config), container.refusals)
    prefix, clock = config.endpoints.prefix, container.clock
    authenticator, audiences = _client_authenticator(parts), _foreign_audiences(config)
    access_tokens = AccessTokenReader(
        container.bearer, parts.resolver, parts.revocations, container.own_policy, accounts=lambda: parts.accounts
    )
    if grants:
        yield token_route(prefix, replies, TokenEndpoint(authenticator, grants, clock=clock))
    if is_asked:
        readers: list[TokenReader] = [*_api_keys(parts), *_refresh_tokens(parts), access_tokens]
        introspection = IntrospectionEndpoint(authenticator, readers, audiences, clock=clock)
        yield introspection_route(prefix, replies, introspection)
    if parts.revocations is not None:
        lifetime_ms = config.sessions.absolute_lifetime_seconds * 1000
        revocation = RevocationEndpoint(
            authenticator,
            parts.clients,
            access_tokens,
            ApiKeyEnd(parts.api_keys.authenticator, parts.api_keys.verbs),
            audiences=audiences,
            revoker=Revoker(parts.revocations, absolute_lifetime_ms=lifetime_ms),
            session_verbs=None if parts.why_no_sessions() else parts.session_verbs,
            clock=clock,
        )
        yield revocation_route(prefix, replies, revocation)


def _grants_of(parts: WorldParts) -> dict[str, GrantType]:
    return grants_of(parts.container, parts.resolver, parts.tokens.issuer)


def _api_keys(parts: WorldParts) -> Iterator[ApiKeyReader]:
    """Yield what reads API keys, if they are accepted."""
    authenticator = parts.api_keys.authenticator
    if authenticator is not None:
        yield ApiKeyReader(authenticator)


def _refresh_tokens(parts: WorldParts) -> Iterator[RefreshTokenReader]:
    """Yield what reads refresh tokens, if a store keeps their sessions."""
    sessions, revocations = parts.store.sessions, parts.revocations
    if sessions is not None and revocations is not None and not parts.why_no_sessions():
        container = parts.container
        yield RefreshTokenReader(sessions, revocations, session_keys_of(container.config), container.derived_keys)


def _foreign_audiences(config: Config) -> frozenset[str]:
    """Return the audiences of others for which tokens are issued."""
    return frozenset(config.tokens.audiences).union(*(client.audiences for client in config.clients))


def _description(parts: WorldParts, paths: Sequence[str]) -> ServerDescription | None:
    """Return what the metadata say; None where there are none."""
    config = parts.container.config
    if config.issuer is None or not config.endpoints.well_known:
        return None
    methods, algorithms = _authentications(parts)
    return ServerDescription(
        issuer=config.issuer,
        base_url=base_url_of(config),
        paths=paths,
        prefix=config.endpoints.prefix,
        grant_types=_grants_of(parts).keys(),
        methods=methods,
        algorithms=algorithms,
        scopes={scope for client in config.clients for scope in client.scopes},
    )


def _authentications(parts: WorldParts) -> tuple[set[str], set[str]]:
    """Return how clients may authenticate, and the algorithms of their assertions."""
    clients, has_store = parts.container.clients, parts.revocations is not None
    methods, algorithms = set[str](), set[str]()
    for client in clients.configured.values():
        has_secret, algorithm = client.entry.secret is not None, client.entry.algorithm
        methods |= set(SECRET_METHODS) if has_secret else set()
        if client.signer is not None and has_store:
            methods.add("client_secret_jwt" if has_secret else "private_key_jwt")
            usual = {"HS256"} if has_secret else {name for name in SIGNATURES if not name.startswith("HS")}
            algorithms |= usual if algorithm is None else {algorithm}
    if clients.has_others:
        methods |= {*SECRET_METHODS, *(ASSERTION_METHODS if has_store else ())}
        algorithms |= set(SIGNATURES) if has_store else set()
    return methods, algorithms


def _client_authenticator(parts: WorldParts) -> ClientAuthenticator:
    container = parts.container
    return ClientAuthenticator(
        parts.clients,
        container.passwords.throttle(parts.store),
        Proxies.of(container.config.proxies.trusted),
        revocations=container.clients.revocations(parts.store, parts.revocations),
    )
