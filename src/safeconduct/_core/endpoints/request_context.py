"""Read a request for one of our endpoints: its user, its refresh token, its origin, and which page sent it."""

from dataclasses import dataclass, field
from typing import Final

from safeconduct._core.authentication import Authenticator
from safeconduct._core.credential_sources import Sources
from safeconduct._core.decision import Clock
from safeconduct._core.requirement import Requirement
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.model import Transport
from safeconduct._core.sessions.session_keys import own_session_id
from safeconduct._http.cookies import find
from safeconduct._http.forwarded import Proxies, client_of, network_of
from safeconduct._http.origin import check_origin
from safeconduct._http.request import Request
from safeconduct._http.request_body import BodyParameters, read_text
from safeconduct.config.cookies import CookieConfig
from safeconduct.errors import InvalidRequest, MissingCredential, NotSupported, Unavailable
from safeconduct.principal import Identity, Principal

_CLOSED = Requirement(consistency="strict")
_OPEN = Requirement(is_open=True, consistency="strict")
#: A browser sends these and no page can prevent it (Fetch Metadata §2); every POST of a page has an Origin.
_PAGE_FIELDS: Final = (b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"origin")


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A refresh token, and how it came."""

    transport: Transport
    value: str = field(repr=False)


class RequestContext:
    """
    Read requests for our endpoints.

    Args:
        authenticator: Finds out who sent a request.
        sources: Where credentials may be, and whose pages are ours.
        proxies: The trusted proxies.
        cookies: The names of our cookies, and whether a sign-in may ask for them.
        issuer: Our own issuer, whose subjects have sessions here.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        sources: Sources,
        proxies: Proxies,
        *,
        cookies: CookieConfig,
        issuer: str | None,
        clock: Clock,
    ) -> None:
        self._authenticator = authenticator
        self._sources = sources
        self._proxies = proxies
        self._cookies = cookies
        self._refresh_cookie = cookies.refresh.encode()
        self._issuer = issuer
        self._clock = clock

    async def principal(self, request: Request) -> Principal:
        """
        Return who sent *request*, by its access token.

        Raises:
            MissingCredential: If there is none.
            AuthError: If it is not valid, or a page of another site sent it.
        """
        passed = await self._authenticator.identify(request, _CLOSED, None, self._clock())
        if not isinstance(passed.identity, Principal):
            raise MissingCredential
        return passed.identity

    async def session_owner(self, request: Request) -> Principal:
        """
        Return who sent *request*, by an access token of their own that a sign-in made.

        Raises:
            NotRenewable: If it is another credential.
            AuthError: As ``principal``.
        """
        principal = await self.principal(request)
        own_session_id(principal, self._issuer)
        return principal

    async def identity(self, request: Request, *, now: float) -> Identity:
        """
        Return who sent *request*; anonymous without an access token, or with a cookie that is not valid.

        Raises:
            AuthError: If a token in the header is not valid.
            Unavailable: If the store cannot be asked.
        """
        identity = (await self._authenticator.identify(request, _OPEN, None, now)).identity
        if not isinstance(identity, Principal) and identity.reason == "unavailable":
            raise Unavailable("the store cannot be asked who sent the request")
        return identity

    def origin(self, request: Request, transport: Transport) -> RequestOrigin:
        """Return where *request* comes from, as far as a session records it."""
        agents = request.values(b"user-agent")
        device = agents[0].decode("utf-8", "replace") if agents else ""
        network = network_of(client_of(request, self._proxies).address)
        return RequestOrigin(transport=transport, device=device, network=network)

    def refresh_token(self, request: Request, parameters: BodyParameters) -> PresentedToken | None:
        """
        Return the refresh token of *request*, or None where there is none.

        Raises:
            InvalidRequest: If there are two: in two cookies, or in a cookie and in the body.
            MalformedToken: If the cookie is malformed.
        """
        in_body = read_text(parameters, "refresh_token")
        in_cookie = find(request.values(b"cookie"), self._refresh_cookie) if self._sources.takes_cookies else None
        if in_body is not None and in_cookie is not None:
            raise InvalidRequest("a refresh token came both in a cookie and in the body")
        if in_cookie is not None:
            return PresentedToken("cookie", in_cookie)
        return None if in_body is None else PresentedToken("header", in_body)

    def transport_for_sign_in(self, request: Request, *, asks_for_cookies: bool) -> Transport:
        """
        Return how the tokens of a sign-in travel.

        Raises:
            NotSupported: If it asks for cookies where they are off or not a source.
            CrossSiteRequest: If a page that is not ours sent it; for cookies, also if nothing tells which page did.
        """
        mode = self._cookies.mode if self._sources.takes_cookies else "off"
        is_page = any(request.values(name) for name in _PAGE_FIELDS)
        if asks_for_cookies and mode == "off":
            raise NotSupported("cookies are off, or not among the configured sources")
        if asks_for_cookies or (is_page and mode == "require"):
            self.require_own_page(request)
            return "cookie"
        # Without external_url it is not known which pages are ours; then the browser's own checks count.
        if is_page and (self._sources.own_origin is not None or not self._is_checked_by_browser(request)):
            # Before the throttle counts: a foreign page must not use up the attempts of the person who opened it.
            self.require_own_page(request)
        return "header"

    def has_cookie(self, request: Request) -> bool:
        """Return whether *request* has an access or a refresh cookie, well-formed or not."""
        return self.has_refresh_cookie(request) or self._sources.has_cookie(request)

    def has_refresh_cookie(self, request: Request) -> bool:
        """Return whether *request* has a refresh cookie, well-formed or not."""
        cookies = request.values(b"cookie") if self._sources.takes_cookies else []
        return any(self._refresh_cookie in cookie for cookie in cookies)

    def require_own_page(self, request: Request) -> None:
        """
        Return if one of our pages sent *request*.

        Raises:
            CrossSiteRequest: If another page did, or nothing tells which.
        """
        own, trusted = self._sources.own_origin, self._sources.trusted_origins
        check_origin(request, own=own, trusted=trusted, ambient="cookie", unsafe=True)

    def _is_checked_by_browser(self, request: Request) -> bool:
        """Return whether the browser itself keeps pages of other origins from sending *request*."""
        if request.values(b"sec-fetch-site") == [b"same-origin"]:
            return True
        # An HTML form cannot send JSON; before a page of another origin sends it, the browser sends a preflight.
        return not self._sources.trusted_origins and _is_json(request)


def transport_of(principal: Principal) -> Transport:
    """Return how the access token of *principal* came, which is how new tokens travel back."""
    return "cookie" if principal.scheme == "cookie" else "header"


def _is_json(request: Request) -> bool:
    types = [value.partition(b";")[0].strip().lower() for value in request.values(b"content-type")]
    return types == [b"application/json"]
