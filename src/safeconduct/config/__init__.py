"""Configure safeconduct: one frozen, nested value that is checked as a whole when it is made."""

from safeconduct.config.access import AccessConfig, EndpointConfig, Link, ProxyConfig, Rule
from safeconduct.config.clients import Client, ClientGrant
from safeconduct.config.config import Config
from safeconduct.config.cookies import CookieConfig, CsrfConfig
from safeconduct.config.fields import Consistency, Outage
from safeconduct.config.sessions import BasicConfig, LoginConfig, SessionConfig
from safeconduct.config.store import RevocationConfig, StoreConfig
from safeconduct.config.tokens import TokenConfig, Trust

__all__ = [
    "AccessConfig",
    "BasicConfig",
    "Client",
    "ClientGrant",
    "Config",
    "Consistency",
    "CookieConfig",
    "CsrfConfig",
    "EndpointConfig",
    "Link",
    "LoginConfig",
    "Outage",
    "ProxyConfig",
    "RevocationConfig",
    "Rule",
    "SessionConfig",
    "StoreConfig",
    "TokenConfig",
    "Trust",
]
