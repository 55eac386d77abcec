"""Make what serves each ``grant_type`` of the token endpoint; imported only where there are clients."""

from safeconduct._core.bearer import AccessTokenResolver
from safeconduct._core.oauth.token_endpoint import CLIENT_CREDENTIALS, ClientTokenIssuer, GrantType
from safeconduct._core.oauth.token_exchange import TOKEN_EXCHANGE, TokenExchange
from safeconduct._core.sessionless_tokens import SessionlessIssuer
from safeconduct._wiring.container import Container
from safeconduct.config.clients import ClientGrant
from safeconduct.errors import ConfigurationError


def grants_of(container: Container, resolver: AccessTokenResolver, issuer: SessionlessIssuer) -> dict[str, GrantType]:
    """
    Return what serves each ``grant_type`` that some client may use.

    Args:
        container: The parts that both worlds share.
        resolver: Proves the subject tokens of an exchange.
        issuer: Issues what is asked for.
    """
    config = container.config
    tokens = ClientTokenIssuer(
        issuer,
        audience=config.audience or "",
        lifetime_seconds=config.tokens.access_lifetime_seconds,
        announce=container.announce,
    )
    exchange = TokenExchange(resolver, tokens, issuer=config.issuer or "")
    grants = {
        CLIENT_CREDENTIALS: GrantType("client_credentials", tokens.client_credentials),
        TOKEN_EXCHANGE: GrantType("token_exchange", exchange.exchange),
    }
    return {name: grant for name, grant in grants.items() if some_client(container, grant.needed)}


def some_client(container: Container, grant: ClientGrant) -> bool:
    """Return whether some client may have *grant*."""
    clients = container.clients
    return clients.has_others or any(grant in client.entry.grants for client in clients.configured.values())


def can_issue(container: Container) -> bool:
    """Return whether there are keys to issue tokens with."""
    if container.config.issuer is None or container.keys is None:
        return False
    try:
        container.issuer.require_keys()
    except ConfigurationError:
        return False
    return True
