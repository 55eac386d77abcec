"""One line around any ASGI or WSGI application, and every request in it knows who is asking."""

from safeconduct._core.ports import Account, AsyncDirectory, Directory
from safeconduct.auth import Auth
from safeconduct.config import (
    AccessConfig,
    BasicConfig,
    Config,
    CookieConfig,
    CsrfConfig,
    EndpointConfig,
    LoginConfig,
    ProxyConfig,
    RevocationConfig,
    Rule,
    SessionConfig,
    StoreConfig,
    TokenConfig,
    Trust,
)
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.guard import current, principal, requires
from safeconduct.principal import Anonymous, Identity, Principal

__all__ = [
    "AccessConfig",
    "Account",
    "Anonymous",
    "AsyncDirectory",
    "Auth",
    "AuthError",
    "BasicConfig",
    "Config",
    "ConfigurationError",
    "CookieConfig",
    "CsrfConfig",
    "Directory",
    "EndpointConfig",
    "Identity",
    "LoginConfig",
    "Principal",
    "ProxyConfig",
    "RevocationConfig",
    "Rule",
    "SessionConfig",
    "StoreConfig",
    "TokenConfig",
    "Trust",
    "current",
    "principal",
    "requires",
]
