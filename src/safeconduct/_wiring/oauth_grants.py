"""Make what serves each ``grant_type`` of the token endpoint; imported only where there are clients."""

from safeconduct._core.oauth.token_endpoint import CLIENT_CREDENTIALS, ClientTokens, GrantType
from safeconduct._core.oauth.token_exchange import TOKEN_EXCHANGE, TokenExchange
from safeconduct._wiring.world import WorldParts
from safeconduct.config.clients import ClientGrant
from safeconduct.errors import ConfigurationError


def grants_of(parts: WorldParts) -> dict[str, GrantType]:
    """Return what serves each ``grant_type`` that some client may use."""
    tokens = _client_tokens(parts)
    exchange = TokenExchange(parts.resolver, tokens, issuer=parts.container.config.issuer or "")
    grants = {
        CLIENT_CREDENTIALS: GrantType("client_credentials", tokens.client_credentials),
        TOKEN_EXCHANGE: GrantType("token_exchange", exchange.exchange),
    }
    return {name: grant for name, grant in grants.items() if some_client(parts, grant.needed)}


def some_client(parts: WorldParts, grant: ClientGrant) -> bool:
    """Return whether some client may have *grant*."""
    clients = parts.container.clients
    return clients.has_others or any(grant in client.entry.grants for client in clients.configured.values())


def can_issue(parts: WorldParts) -> bool:
    """Return whether there are keys to issue tokens with."""
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
        parts.tokens.issuer,
        audience=config.audience or "",
        lifetime_seconds=config.tokens.access_lifetime_seconds,
        announce=parts.container.announce,
    )
