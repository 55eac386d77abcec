"""The one shared configuration: frozen, nested, checked whole when it is made."""

from safeconduct.config.access import AccessConfig, Rule
from safeconduct.config.cookies import CookieConfig, CsrfConfig
from safeconduct.config.endpoints import EndpointConfig, ProxyConfig
from safeconduct.config.login import BasicConfig, LoginConfig
from safeconduct.config.revocation import RevocationConfig
from safeconduct.config.sessions import SessionConfig
from safeconduct.config.store import StoreConfig
from safeconduct.config.tokens import TokenConfig
from safeconduct.config.trust import Trust
from safeconduct.config.values import Consistency, Outage
from safeconduct.config.whole import Config

__all__ = [
    "AccessConfig",
    "BasicConfig",
    "Config",
    "Consistency",
    "CookieConfig",
    "CsrfConfig",
    "EndpointConfig",
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
