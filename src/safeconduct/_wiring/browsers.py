"""Make what reads the cookies of browsers and sets them, for our endpoints and for pages of the application."""

import secrets
from typing import Protocol

from safeconduct._core.authentication import Authenticator
from safeconduct._core.bearer import AccessTokenResolver
from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._core.endpoints.logout import PresentedSessions
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._core.sign_in_by_code import AsyncCookies, AsyncPasswords
from safeconduct._core.store import Store
from safeconduct._core.wrapped_app import World
from safeconduct._http.forwarded import Proxies
from safeconduct._wiring.container import Container
from safeconduct.errors import ConfigurationError


class PartsOfWorld(Protocol):
    """What is needed of the parts of one world."""

    container: Container
    world: World

    @property
    def store(self) -> Store:
        """The store's port."""
        ...

    @property
    def session_verbs(self) -> SessionVerbs:
        """What can be done with sessions."""
        ...

    @property
    def resolver(self) -> AccessTokenResolver:
        """What proves access tokens."""
        ...


class BrowserParts:
    """
    Make what reads and sets cookies, in one world.

    Args:
        parts: The parts of the world.
        authenticator: Finds out who sent a request.
    """

    def __init__(self, parts: PartsOfWorld, authenticator: Authenticator) -> None:
        container, config = parts.container, parts.container.config
        sources, clock = container.sources, container.clock
        self._parts = parts
        self.request_context = RequestContext(
            authenticator,
            sources,
            Proxies.of(config.proxies.trusted),
            cookies=config.cookies,
            issuer=config.issuer,
            clock=clock,
        )
        self.token_response = TokenResponse(
            config.cookies, container.csrf, clock=clock, adds_token=config.endpoints.login_answer == "token"
        )
        self.device_cookies = DeviceCookies(
            container.derived_keys, secrets.token_bytes, config.cookies, are_read=sources.takes_cookies, clock=clock
        )

    def presented_sessions(self) -> PresentedSessions:
        """
        Return what ends the sessions of the credentials in a request.

        Raises:
            ConfigurationError: If sessions lack something.
        """
        parts = self._parts
        return PresentedSessions(
            parts.session_verbs,
            self.request_context,
            parts.container.sources,
            bearer=parts.container.bearer,
            resolver=parts.resolver,
            clock=parts.container.clock,
        )

    def cookies(self) -> AsyncCookies:
        """
        Return what sets our cookies by code.

        Raises:
            ConfigurationError: If cookies are no source or off, or sessions lack something.
        """
        config = self._parts.container.config
        if "cookie" not in config.sources or config.cookies.mode == "off":
            raise ConfigurationError('auth.cookies: wanted "cookie" among the sources, and cookies.mode not "off"')
        return AsyncCookies(self.request_context, self.token_response, self.device_cookies, self.presented_sessions())

    def passwords(self) -> AsyncPasswords:
        """
        Return what checks passwords by code.

        Raises:
            ConfigurationError: If there is no directory, or no key for the throttle.
        """
        parts = self._parts
        if not parts.container.passwords.has_directory:
            raise ConfigurationError("auth.passwords: wanted a directory, or login.users")
        passwords = parts.container.passwords.passwords(parts.world, parts.store)
        return AsyncPasswords(passwords, self.request_context, self.device_cookies)
