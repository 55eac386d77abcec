"""Make what reads the cookies of browsers and sets them, for our endpoints and for pages of the application."""

import secrets

from safeconduct._core.authentication import Authenticator
from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._core.endpoints.logout import PresentedSessions
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._http.forwarded import Proxies
from safeconduct._wiring.world import WorldParts


class BrowserParts:
    """
    Make what reads and sets cookies, in one world.

    Args:
        parts: The parts of the world.
        authenticator: Finds out who sent a request.
    """

    def __init__(self, parts: WorldParts, authenticator: Authenticator) -> None:
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
