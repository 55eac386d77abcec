"""Make the OAuth endpoints for one world; imported only where there are clients, since it imports Authlib."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from safeconduct._core.endpoints.routing import JWKS_PATH, EndpointRoute
from safeconduct._core.oauth.client_authentication import AssertionUses, ClientAuthenticator
from safeconduct._core.oauth.introspection import IntrospectionEndpoint
from safeconduct._core.oauth.metadata import SECRET_METHODS, ServerDescription, metadata_route
from safeconduct._core.oauth.replies import OAuthReplies
from safeconduct._core.oauth.revocation import RevocationEndpoint
from safeconduct._core.oauth.routes import introspection_route, revocation_route, token_route
from safeconduct._core.oauth.token_endpoint import CLIENT_CREDENTIALS, ClientTokens, GrantType, TokenEndpoint
from safeconduct._core.oauth.token_exchange import TOKEN_EXCHANGE, TokenExchange
from safeconduct._core.oauth.token_lookup import AccessTokens, RefreshTokens, TokenReader
from safeconduct._core.revoker import Revoker
from safeconduct._http.forwarded import Proxies
from safeconduct._tokens.algorithms import SIGNATURES
from safeconduct._tokens.client_tokens import OurNames
from safeconduct._wiring.sessions import session_keys_of
from safeconduct._wiring.settings import realm_of
from safeconduct._wiring.world import WorldParts
from safeconduct.config import Config
from safeconduct.config.clients import ClientGrant
from safeconduct.errors import ConfigurationError


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
    grants = _grants(parts) if _can_issue(parts) else {}
    is_asked = _some_client(parts, "introspection") or any(client.audiences for client in config.clients)
    if not grants and not is_asked:
        # Clients that only sign their own tokens need nothing here, nor the key that the throttle needs.
        return
    replies, prefix, clock = (
        OAuthReplies(realm_of(config), container.announce),
        config.endpoints.prefix,
        container.clock,
    )
    authenticator, audiences = _client_authenticator(parts), _foreign_audiences(config)
    access_tokens = AccessTokens(container.bearer, parts.resolver, parts.revocations, container.own_policy)
    if grants:
        yield token_route(prefix, replies, TokenEndpoint(authenticator, grants, clock=clock))
    if is_asked:
        readers: list[TokenReader] = [*_refresh_tokens(parts), access_tokens]
        introspection = IntrospectionEndpoint(authenticator, readers, audiences, clock=clock)
        yield introspection_route(prefix, replies, introspection)
    if parts.revocations is not None:
        lifetime_ms = config.sessions.absolute_lifetime_seconds * 1000
        revocation = RevocationEndpoint(
            authenticator,
            parts.clients,
            access_tokens,
            audiences=audiences,
            revoker=Revoker(parts.revocations, absolute_lifetime_ms=lifetime_ms),
            session_verbs=None if parts.why_no_sessions() else parts.session_verbs,
            clock=clock,
        )
        yield revocation_route(prefix, replies, revocation)


def _refresh_tokens(parts: WorldParts) -> Iterator[RefreshTokens]:
    """Yield what reads refresh tokens, if a store keeps their sessions."""
    sessions, revocations = parts.store.sessions, parts.revocations
    if sessions is not None and revocations is not None and not parts.why_no_sessions():
        container = parts.container
        yield RefreshTokens(sessions, revocations, session_keys_of(container.config), container.derived_keys)


def _foreign_audiences(config: Config) -> frozenset[str]:
    """Return the audiences of others for which tokens are issued."""
    return frozenset(config.tokens.audiences).union(*(client.audiences for client in config.clients))


def _description(parts: WorldParts, paths: Sequence[str]) -> ServerDescription | None:
    """Return what the metadata say; None where there are none."""
    config = parts.container.config
    if config.issuer is None or not config.endpoints.well_known:
        return None
    methods, algorithms = _authentications(config)
    return ServerDescription(
        issuer=config.issuer,
        base_url=base_url_of(config),
        paths=[*paths, JWKS_PATH],
        prefix=config.endpoints.prefix,
        grant_types=_grants(parts).keys(),
        methods=methods,
        algorithms=algorithms,
        scopes={scope for client in config.clients for scope in client.scopes},
    )


def _authentications(config: Config) -> tuple[set[str], set[str]]:
    """Return how clients may authenticate, and the algorithms of their assertions."""
    methods, algorithms = set[str](), set[str]()
    for client in config.clients:
        has_secret = client.secret is not None
        signs = config.store.url != "none" and not (client.secret or "").startswith("sha256:")
        methods |= set(SECRET_METHODS) if has_secret else set()
        if signs:
            methods.add("client_secret_jwt" if has_secret else "private_key_jwt")
            usual = {"HS256"} if has_secret else {name for name in SIGNATURES if not name.startswith("HS")}
            algorithms |= usual if client.algorithm is None else {client.algorithm}
    return methods, algorithms


def _grants(parts: WorldParts) -> dict[str, GrantType]:
    """Return what serves each ``grant_type`` that some client may use."""
    tokens = _client_tokens(parts)
    exchange = TokenExchange(parts.resolver, tokens, issuer=parts.container.config.issuer or "")
    grants = {
        CLIENT_CREDENTIALS: GrantType("client_credentials", tokens.client_credentials),
        TOKEN_EXCHANGE: GrantType("token_exchange", exchange.exchange),
    }
    return {name: grant for name, grant in grants.items() if _some_client(parts, grant.needed)}


def _some_client(parts: WorldParts, *grants: ClientGrant) -> bool:
    """Return whether some client has one of *grants*."""
    return any(grant in client.grants for client in parts.container.config.clients for grant in grants)


def _can_issue(parts: WorldParts) -> bool:
    container = parts.container
    if container.config.issuer is None or container.keys is None:
        return False
    try:
        container.issuer.require_keys()
    except ConfigurationError:
        return False
    return True


def _client_tokens(parts: WorldParts) -> ClientTokens:
    config = parts.container.config
    return ClientTokens(
        parts.sessionless_issuer,
        audience=config.audience or "",
        lifetime_seconds=config.tokens.access_lifetime_seconds,
        announce=parts.container.announce,
    )


def _client_authenticator(parts: WorldParts) -> ClientAuthenticator:
    container, config, revocations = parts.container, parts.container.config, parts.revocations
    assertions = None
    if revocations is not None:
        assertions = AssertionUses(parts.store, revocations, _our_names(config), shards=config.store.shards)
    return ClientAuthenticator(
        parts.clients,
        container.passwords.throttle(parts.store),
        Proxies.of(config.proxies.trusted),
        assertions=assertions,
    )


def base_url_of(config: Config) -> str:
    """Return the URL below which clients find the endpoints."""
    return (config.external_url or config.issuer or "").rstrip("/")


def _our_names(config: Config) -> OurNames:
    return OurNames(
        issuer=config.issuer,
        audience=config.audience or "",
        token_endpoints=frozenset({f"{base_url_of(config)}{config.endpoints.prefix}/token"}),
        leeway_seconds=config.tokens.leeway_seconds,
    )
