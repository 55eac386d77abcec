"""``POST …/login`` and ``POST …/step-up``: whoever proves a password gets tokens."""

from collections.abc import Collection
from typing import Final, Literal

from safeconduct._core.decision import Clock
from safeconduct._core.device_cookie import MARK_LIFETIME_SECONDS, Devices
from safeconduct._core.endpoints.replaced_sessions import PresentedSessions
from safeconduct._core.endpoints.request_context import RequestContext, flag_of, text_of
from safeconduct._core.endpoints.routing import Call
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.model import Transport
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.request import Reply, Request
from safeconduct._http.request_body import Members
from safeconduct._http.set_cookie import SetCookie, device_cookie
from safeconduct.config import CookieConfig
from safeconduct.errors import InvalidRequest, InvalidToken, NotSupported

CookieMode = Literal["offer", "require", "off"]

#: A browser sends these and no page can keep it from doing so (Fetch Metadata §2); Origin comes with every POST of one.
_BROWSER_FIELDS: Final = (b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"origin")


class LoginEndpoint:
    """
    Prove passwords.

    Args:
        session_verbs: Give tokens.
        passwords: Prove them, behind the throttle.
        visits: Read requests.
        delivery: Writes replies.
        presented: Ends the sessions of the cookies that a sign-in replaces.
        devices: Marks the browsers on which somebody signed in.
        cookies: The settings of cookies.
        mode: Whether a sign-in may, must or must not ask for cookies.
        clock: The time in seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913 - proof, session, cookies and device meet here
        self,
        session_verbs: SessionVerbs,
        passwords: Passwords,
        visits: RequestContext,
        delivery: TokenResponse,
        presented: PresentedSessions,
        devices: Devices,
        *,
        cookies: CookieConfig,
        mode: CookieMode,
        clock: Clock,
    ) -> None:
        self._session_verbs = session_verbs
        self._passwords = passwords
        self._visits = visits
        self._delivery = delivery
        self._presented = presented
        self._devices = devices
        self._cookies = cookies
        self._mode = mode
        self._clock = clock

    async def login(self, call: Call) -> Reply:
        """
        Begin a session for whoever proves a password.

        Raises:
            BadCredentials: If the user name or the password is wrong.
            TooManyAttempts: If a bound of the throttle is reached.
            CrossSiteRequest: If a page that is not ours asks, or cookies are asked for and nothing tells who does.
            InvalidRequest: If the body lacks a member.
        """
        request, members = call.request, await call.members()
        username, password = _needed(members, "username"), _needed(members, "password")
        remember, transport = flag_of(members, "remember"), self._transport(request, members)
        account = await self._passwords.prove(
            username,
            password,
            network=self._visits.network(request),
            scheme="login",
            has_device=self._has_device(request, username),
        )
        if transport == "cookie":
            # Before the new session: if this fails, the browser is nobody, and never the person before (ASVS 7.2.4).
            await self._presented.end_cookies(request)
        tokens = await self._session_verbs.sign_in(
            account, username=username, remember=remember, origin=self._visits.caller(request, transport)
        )
        if transport == "header":
            return self._delivery.tokens(tokens, transport)
        return self._delivery.signed_in(tokens, self._marked(username))

    async def step_up(self, call: Call) -> Reply:
        """
        Raise the level of a session by the password of its user.

        Raises:
            MissingCredential: If no access token came.
            BadCredentials: If the password is wrong; the last of five in a row ends the session.
            InvalidRequest: If the body lacks the password, or a refresh token came twice.
        """
        request = call.request
        principal = await self._visits.principal(request, now=self._clock())
        members = await call.members()
        password = _needed(members, "password")
        transport: Transport = "cookie" if principal.scheme == "cookie" else "header"
        presented = self._visits.refresh_token(request, members)
        if presented is not None and presented.transport == "cookie" and transport == "header":
            # The browser's cookies are of another session, if any: each endpoint reads what its row names.
            presented = None
        tokens = await self._session_verbs.step_up(
            principal,
            password,
            refresh_token=None if presented is None else presented.value,
            origin=self._visits.caller(request, transport if presented is None else presented.transport),
            knows_device=lambda username: self._has_device(request, username),
        )
        return self._delivery.tokens(tokens, transport)

    def _transport(self, request: Request, members: Members) -> Transport:
        asks, is_page = flag_of(members, "cookies"), is_browser(request)
        if asks and self._mode == "off":
            raise NotSupported("cookies are no source, or switched off")
        if asks or (is_page and self._mode == "require"):
            self._visits.require_own_page(request)
            return "cookie"
        if is_page:
            # Before the throttle counts: a foreign page must not use up the tries of whoever visits it.
            self._visits.refuse_foreign_page(request)
        return "header"

    def _has_device(self, request: Request, username: str) -> bool:
        try:
            mark = self._visits.device_mark(request)
        except (InvalidRequest, InvalidToken):
            # A cookie that nobody can read speaks for nobody, and keeps nobody from signing in.
            return False
        return mark is not None and self._devices.knows(mark, username)

    def _marked(self, username: str) -> SetCookie:
        now = int(self._clock())
        mark = self._devices.mark(username)
        return device_cookie(self._cookies, mark, expires_at=now + MARK_LIFETIME_SECONDS, now=now)


def is_browser(request: Request, names: Collection[bytes] = _BROWSER_FIELDS) -> bool:
    """Say whether a page in a browser sent *request*."""
    return any(request.values(name) for name in names)


def _needed(members: Members, name: str) -> str:
    value = text_of(members, name)
    if value is None:
        raise InvalidRequest(f"the body has no {name}")
    return value
