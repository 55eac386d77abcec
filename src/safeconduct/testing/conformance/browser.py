"""Sign in to an application as a script or as a browser does, and keep what it answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from itertools import cycle
from typing import Any, Final
from unittest import SkipTest
from urllib.parse import urlencode

from safeconduct.config.shown_values import is_table
from safeconduct.errors import ConfigurationError
from safeconduct.testing.conformance.in_process import AppResponse, AttackRequest, Fields
from safeconduct.testing.conformance.site import Site
from safeconduct.testing.signed_in import signed_in_cookies

#: Of a network for documentation (RFC 5737).  Each request has another one, so that the throttle counts it separately.
_ADDRESSES: Final = cycle(f"198.51.100.{last}" for last in range(1, 255))


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """The result of a sign-in or a refresh: tokens in the body, or cookies."""

    by_cookie: bool
    #: The address of the client, to which a session may be bound.
    client: str
    response: AppResponse = field(repr=False)
    content: Mapping[object, object] = field(repr=False)
    cookies: "dict[str, Morsel[str]]" = field(repr=False)

    def credential(self, site: Site) -> Fields:
        """Return the header with the access token; empty where there is none."""
        if self.by_cookie:
            return _cookie_line(site, self.cookies, "access")
        token = self.content.get("access_token")
        return (("authorization", f"Bearer {token}"),) if isinstance(token, str) else ()

    def refresh_token(self, site: Site) -> str | None:
        """Return the refresh token, if there is one."""
        if self.by_cookie:
            morsel = self.cookies.get(site.auth.config.cookies.refresh)
            return None if morsel is None else morsel.value
        token = self.content.get("refresh_token")
        return token if isinstance(token, str) else None

    def refresh_request(self, site: Site, page: Fields | None = None) -> AttackRequest:
        """Return the request that exchanges the refresh token, from *page* or from our own."""
        if self.by_cookie:
            cookie = _cookie_line(site, self.cookies, "refresh")
            headers = (*cookie, *(site.own_page if page is None else page))
            return post(site, "refresh", {}, headers, client=self.client)
        return post(site, "refresh", {"refresh_token": self.refresh_token(site)}, client=self.client)

    def logout_request(self, site: Site, page: Fields | None = None) -> AttackRequest:
        """Return the request that signs out, from *page* or from our own."""
        if not self.by_cookie:
            return post(site, "logout", {}, self.credential(site), client=self.client)
        cookie = _cookie_line(site, self.cookies, "access", "refresh")
        return post(site, "logout", {}, (*cookie, *(site.own_page if page is None else page)), client=self.client)


def signed_in_by(request: AttackRequest, response: AppResponse, *, by_cookie: bool) -> SignedInUser:
    """Read the tokens in the response to *request*; a malformed response has none."""
    try:
        content: object = json.loads(response.body)
    except ValueError:
        content = None
    return SignedInUser(
        by_cookie, request.client, response, content if is_table(content) else {}, _cookies_of(response)
    )


def sign_in(site: Site, *, by_cookie: bool, remember: bool = False, headers: Fields = ()) -> SignedInUser:
    """
    Sign the user of the site in; whether that has worked is for the caller to check.

    Raises:
        unittest.SkipTest: If nobody can sign in here, or no user is known who can.
    """
    username, password = user_of(site)
    content = {"username": username, "password": password, "remember": remember, "cookies": by_cookie}
    page = site.own_page if by_cookie else ()
    request = post(site, "login", content, (*page, *headers))
    return signed_in_by(request, site.ask(request), by_cookie=by_cookie)


def cookie_session(site: Site) -> tuple[Fields, Fields]:
    """
    Begin a session by cookie; return the fields of its cookie and of its CSRF token.

    Raises:
        unittest.SkipTest: If the application takes no cookies.
    """
    try:
        session = signed_in_cookies(site.auth, site.subject, scopes=site.scopes)
    except ConfigurationError as reason:
        raise SkipTest(str(reason)) from None
    cookie, token = session.headers.items()
    return (cookie,), (token,)


def user_of(site: Site) -> tuple[str, str]:
    """
    Return the name and the password of a user who may sign in.

    Raises:
        unittest.SkipTest: If nobody can sign in here, or no user is known who can.
    """
    if not site.serves("POST", f"{site.auth.config.endpoints.prefix}/login"):
        raise SkipTest("the application serves no sign-in: it has no directory, or endpoints.enabled is false")
    if site.login is None:
        raise SkipTest("no user was given who may sign in")
    return site.login


def post(
    site: Site, endpoint: str, content: dict[str, Any], headers: Fields = (), *, client: str | None = None
) -> AttackRequest:
    """Return a request to one of our endpoints, as a script sends it."""
    return AttackRequest(
        "POST",
        f"{site.auth.config.endpoints.prefix}/{endpoint}",
        (("content-type", "application/json"), *headers),
        body=json.dumps(content).encode(),
        client=client or next(_ADDRESSES),
    )


def post_form(site: Site, endpoint: str, content: dict[str, str]) -> AttackRequest:
    """Return a request to one of our endpoints, as a form on our own page sends it."""
    navigation = (("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "same-origin"))
    return AttackRequest(
        "POST",
        f"{site.auth.config.endpoints.prefix}/{endpoint}",
        (("content-type", "application/x-www-form-urlencoded"), *site.own_page, *navigation),
        body=urlencode(content).encode(),
        client=next(_ADDRESSES),
    )


def _cookies_of(response: AppResponse) -> "dict[str, Morsel[str]]":
    """Return the cookies that *response* sets; one that it deletes has no value."""
    found: SimpleCookie = SimpleCookie()
    for line in response.values("set-cookie"):
        found.load(line)
    return {name: morsel for name, morsel in found.items() if morsel.value}


def _cookie_line(site: Site, cookies: "dict[str, Morsel[str]]", *kinds: str) -> Fields:
    names = [getattr(site.auth.config.cookies, kind) for kind in kinds]
    line = "; ".join(f"{name}={cookies[name].value}" for name in names if name in cookies)
    return (("cookie", line),) if line else ()
