"""Make the OAuth endpoints for one world; imported only where there are clients, since it imports Authlib."""

from collections.abc import Iterator

from safeconduct._core.endpoints.routing import EndpointRoute
from safeconduct._core.oauth.client_authentication import AssertionUses, ClientAuthenticator
from safeconduct._core.oauth.replies import OAuthReplies
from safeconduct._core.oauth.token_endpoint import CLIENT_CREDENTIALS, ClientTokens, GrantType, TokenEndpoint
from safeconduct._http.forwarded import Proxies
from safeconduct._tokens.client_tokens import OurNames
from safeconduct._wiring.settings import realm_of
from safeconduct._wiring.world import WorldParts
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError


def oauth_routes(parts: WorldParts) -> Iterator[EndpointRoute]:
    """Yield the OAuth endpoints that can work."""
    container, config = parts.container, parts.container.config
    replies, prefix = OAuthReplies(realm_of(config), container.announce), config.endpoints.prefix
    authenticator = _client_authenticator(parts)
    if _can_issue(parts):
        token = TokenEndpoint(authenticator, _grants(parts), clock=container.clock)
        yield EndpointRoute(
            "POST", f"{prefix}/token", "Get a token as a service (RFC 6749)", replies.endpoint(token.token)
        )


def _grants(parts: WorldParts) -> dict[str, GrantType]:
    """Return what serves each ``grant_type``."""
    tokens = _client_tokens(parts)
    return {CLIENT_CREDENTIALS: GrantType("client_credentials", tokens.client_credentials)}


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
    container, config = parts.container, parts.container.config
    return ClientTokens(
        container.issuer,
        parts.revocations,
        issuer_name=config.issuer or "",
        audience=config.audience or "",
        lifetime_seconds=config.tokens.access_lifetime_seconds,
        shards=config.store.shards,
        clock=container.clock,
        announce=container.announce,
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


def _our_names(config: Config) -> OurNames:
    return OurNames(
        issuer=config.issuer,
        audience=config.audience or "",
        token_endpoints=frozenset(),
        leeway_seconds=config.tokens.leeway_seconds,
    )
