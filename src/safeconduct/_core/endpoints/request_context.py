"""What an endpoint reads of a request: which credential came which way, from whom, and from whose page."""

from dataclasses import dataclass, field

from safeconduct._core.authentication import Authenticator
from safeconduct._core.credential_sources import Sources
from safeconduct._core.requirement import Requirement
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.model import Transport
from safeconduct._http.cookies import find
from safeconduct._http.forwarded import Proxies, client_of, network_of
from safeconduct._http.origin import check_origin
from safeconduct._http.request import Request
from safeconduct._http.request_body import Members
from safeconduct.config import CookieConfig
from safeconduct.errors import InvalidRequest, MissingCredential, Unavailable
from safeconduct.principal import Identity, Principal

_CLOSED = Requirement(consistency="strict")
_OPEN = Requirement(is_open=True, consistency="strict")
_TRUE = frozenset({"true", "on", "1"})
_FALSE = frozenset({"false", "off", "0", ""})


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token, and how it came."""

    transport: Transport
    value: str = field(repr=False)


class RequestContext:
    """
    Read requests for own endpoints.

    Args:
        identification: Finds out who asks by an access token.
        sources: Whose pages are ours.
        cookies: The names of our cookies.
        has_cookies: Whether cookies are a source at all.
        proxies: The proxies that are believed.
    """

    def __init__(
        self,
        identification: Authenticator,
        sources: Sources,
        cookies: CookieConfig,
        *,
        has_cookies: bool,
        proxies: Proxies,
    ) -> None:
        self._identification = identification
        self._sources = sources
        self._refresh_name = cookies.refresh.encode()
        self._device_name = cookies.device.encode()
        self._has_cookies = has_cookies
        self._proxies = proxies

    async def principal(self, request: Request, *, now: float) -> Principal:
        """
        Return who asks by an access token.

        Raises:
            MissingCredential: If there is none.
            AuthError: If it does not count, or a foreign page sent it.
        """
        identity = await self._identify(request, _CLOSED, now)
        if not isinstance(identity, Principal):
            raise MissingCredential
        return identity

    async def identity(self, request: Request, *, now: float) -> Identity:
        """
        Return who asks by an access token, be it nobody; a cookie that does not count is nobody's.

        Raises:
            AuthError: If a token in the header does not count.
            Unavailable: If that can't be found out.
        """
        identity = await self._identify(request, _OPEN, now)
        if not isinstance(identity, Principal) and identity.reason == "unavailable":
            raise Unavailable("who asks can't be found out")
        return identity

    async def _identify(self, request: Request, requirement: Requirement, now: float) -> Identity:
        return (await self._identification.identify(request, requirement, None, now)).identity

    def caller(self, request: Request, transport: Transport) -> RequestOrigin:
        """Say where *request* comes from, as far as a session minds."""
        agents = request.values(b"user-agent")
        device = agents[0].decode("utf-8", "replace") if agents else ""
        return RequestOrigin(transport=transport, device=device, network=self.network(request))

    def network(self, request: Request) -> str:
        """Say from which network *request* comes."""
        return network_of(client_of(request, self._proxies).address)

    def refresh_token(self, request: Request, members: Members) -> Presented | None:
        """
        Return the refresh token of *request*, None where there is none.

        Raises:
            InvalidRequest: If it came twice, by cookie and in the body too.
            MalformedToken: If the cookie is malformed.
        """
        said, carried = text_of(members, "refresh_token"), self._cookie(request, self._refresh_name)
        if said is not None and carried is not None:
            raise InvalidRequest("a refresh token came by cookie and in the body")
        if carried is not None:
            return Presented("cookie", carried)
        return None if said is None else Presented("header", said)

    def device_mark(self, request: Request) -> str | None:
        """
        Return the mark of the device, None where there is none.

        Raises:
            InvalidRequest: If there are two.
            MalformedToken: If it is malformed.
        """
        return self._cookie(request, self._device_name)

    def has_cookie(self, request: Request) -> bool:
        """Say whether a cookie that signs in is there, be it well-formed or not."""
        return self._has_cookies and (self.has_refresh_cookie(request) or self._sources.has_cookie(request))

    def has_refresh_cookie(self, request: Request) -> bool:
        """Say whether a long-term credential is there, be it well-formed or not."""
        return self._has_cookies and any(self._refresh_name in value for value in request.values(b"cookie"))

    def require_own_page(self, request: Request) -> None:
        """
        Return if a page of ours sent *request*.

        Raises:
            CrossSiteRequest: If another one did, or nothing tells.
        """
        own, trusted = self._sources.own_origin, self._sources.trusted_origins
        check_origin(request, own=own, trusted=trusted, ambient="cookie", unsafe=True)

    def refuse_foreign_page(self, request: Request) -> None:
        """
        Return unless a page that is not ours sent *request*, as far as that can be told.

        Without ``external_url`` nobody knows which pages are ours.  Then what a form can send must be same-origin by
        the browser's own word; of JSON from another origin, CORS was asked before.

        Raises:
            CrossSiteRequest: If it is, or may be.
        """
        if self._sources.own_origin is None and request.values(b"sec-fetch-site") == [b"same-origin"]:
            return
        if self._sources.own_origin is None and not self._sources.trusted_origins and _is_json(request):
            return
        self.require_own_page(request)

    def _cookie(self, request: Request, name: bytes) -> str | None:
        return find(request.values(b"cookie"), name) if self._has_cookies else None


def _is_json(request: Request) -> bool:
    return [value.partition(b";")[0].strip().lower() for value in request.values(b"content-type")] == [
        b"application/json"
    ]


def text_of(members: Members, name: str) -> str | None:
    """
    Return what the body says under *name*, None where it says nothing.

    Raises:
        InvalidRequest: If that is no text.
    """
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(f"{name} is no string")
    return value


def flag_of(members: Members, name: str) -> bool:
    """
    Say whether the body switches *name* on; a form has words for it.

    Raises:
        InvalidRequest: If the body says neither yes nor no.
    """
    value = members.get(name, False)
    if isinstance(value, bool):
        return value
    if value.lower() not in _TRUE | _FALSE:
        raise InvalidRequest(f"{name} is neither true nor false")
    return value.lower() in _TRUE
