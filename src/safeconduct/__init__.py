"""One line around any ASGI or WSGI application, and every request in it knows who is asking."""

from safeconduct._core.api_keys.verbs import ApiKey, AsyncApiKeys, NewApiKey
from safeconduct._core.clients import AsyncClients, Clients
from safeconduct._core.directory import Account, AsyncDirectory, Directory
from safeconduct._core.hand_over.sending import HandOver
from safeconduct._core.programmatic_sign_in import AsyncCookies, AsyncPasswords
from safeconduct._core.receipt import RevocationReceipt, TooFewReplicas
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.facade import AsyncSessions
from safeconduct._core.sessions.listing import ActiveSession
from safeconduct._core.sessions.verbs import RefreshToken, Tokens
from safeconduct._core.store import StoreProvider
from safeconduct.api_keys import ApiKeys
from safeconduct.auth import Auth
from safeconduct.config import (
    AccessConfig,
    BasicConfig,
    Client,
    Config,
    CookieConfig,
    CsrfConfig,
    EndpointConfig,
    Link,
    LoginConfig,
    ProxyConfig,
    RevocationConfig,
    Rule,
    SessionConfig,
    StoreConfig,
    TokenConfig,
    Trust,
)
from safeconduct.directories import AsyncCallableDirectory, CallableDirectory
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.guard import allows, csrf_token, current, principal, requires
from safeconduct.principal import Anonymous, Identity, Principal
from safeconduct.sessions import Cookies, Passwords, Sessions
from safeconduct.tokens import AsyncTokenFactory, TokenFactory

__all__ = [
    "AccessConfig",
    "Account",
    "ActiveSession",
    "Anonymous",
    "ApiKey",
    "ApiKeys",
    "AsyncApiKeys",
    "AsyncCallableDirectory",
    "AsyncClients",
    "AsyncCookies",
    "AsyncDirectory",
    "AsyncPasswords",
    "AsyncSessions",
    "AsyncTokenFactory",
    "Auth",
    "AuthError",
    "BasicConfig",
    "CallableDirectory",
    "Client",
    "Clients",
    "Config",
    "ConfigurationError",
    "CookieConfig",
    "Cookies",
    "CsrfConfig",
    "Directory",
    "EndpointConfig",
    "HandOver",
    "Identity",
    "Link",
    "LoginConfig",
    "NewApiKey",
    "Passwords",
    "Principal",
    "ProxyConfig",
    "RefreshToken",
    "RequestOrigin",
    "RevocationConfig",
    "RevocationReceipt",
    "Rule",
    "SessionConfig",
    "Sessions",
    "StoreConfig",
    "StoreProvider",
    "TokenConfig",
    "TokenFactory",
    "Tokens",
    "TooFewReplicas",
    "Trust",
    "allows",
    "csrf_token",
    "current",
    "principal",
    "requires",
]
