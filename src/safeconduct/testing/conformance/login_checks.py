"""Check how users sign in, how their tokens are refreshed, and that a sign-out ends them."""

from collections.abc import Iterator
from typing import Final
from unittest import SkipTest
from urllib.parse import urlsplit

from safeconduct.testing.conformance.browser import SignedInUser, post, post_form, sign_in, signed_in_by, user_of
from safeconduct.testing.conformance.check import (
    FOREIGN_PAGES,
    Check,
    expect,
    expect_served,
    get,
    require_stored_sessions,
)
from safeconduct.testing.conformance.in_process import AppResponse
from safeconduct.testing.conformance.site import Site

_WRONG_PASSWORD: Final = "not a password of the user"  # noqa: S105 - see its name
#: "…limit consecutive failed authentication attempts on a single account to no more than 100" — SP 800-63B §5.2.2
_MOST_FAILURES: Final = 100
_ELSEWHERE: Final = ("https://attacker.example/", "//attacker.example/", "/\\attacker.example", "javascript:alert(1)")
_SHOWN: Final = ["secure", "httponly", "samesite", "path", "domain"]


def _ways(site: Site) -> Iterator[bool]:
    """Yield whether a sign-in is by cookie, for each way that the application takes."""
    user_of(site)
    if "bearer" in site.auth.config.sources:
        yield False
    if _sets_cookies(site):
        yield True


def _sets_cookies(site: Site) -> bool:
    return "cookie" in site.auth.config.sources and site.auth.config.cookies.mode != "off"


def _require_cookies(site: Site) -> None:
    user_of(site)
    if not _sets_cookies(site):
        raise SkipTest('a sign-in sets no cookies: "cookie" is not among the sources, or cookies.mode is off')


def _signed_in(site: Site, *, by_cookie: bool, remember: bool = False) -> SignedInUser:
    """Sign the user in, and return what they got, which must let them in."""
    user = sign_in(site, by_cookie=by_cookie, remember=remember)
    if not (user.response.is_served and user.credential(site)):
        raise AssertionError(f"{_how(user)}: got {user.response.status}, wanted 2xx with an access token")
    if remember and user.refresh_token(site) is None:
        raise AssertionError(f"{_how(user)} with remember: got no refresh token, wanted one")
    expect_served(site, get(site.closed, user.credential(site)))
    return user


def _refreshed(site: Site, user: SignedInUser) -> SignedInUser:
    """Exchange the refresh token of *user*, and return what they got, which must be another one."""
    request = user.refresh_request(site)
    refreshed = signed_in_by(request, expect_served(site, request), by_cookie=user.by_cookie)
    if refreshed.refresh_token(site) in {None, user.refresh_token(site)}:
        raise AssertionError(f"{_how(user)}, refresh: got no new refresh token, wanted one")
    expect_served(site, get(site.closed, refreshed.credential(site)))
    return refreshed


def _how(user: SignedInUser) -> str:
    return "sign-in by cookie" if user.by_cookie else "sign-in by token"


def _password_signs_in(site: Site) -> None:
    for by_cookie in _ways(site):
        _signed_in(site, by_cookie=by_cookie)


def _wrong_password(site: Site) -> None:
    username, _ = user_of(site)
    names = (username, f"{username}-conformance")
    answers = (
        expect(site, post(site, "login", {"username": name, "password": _WRONG_PASSWORD}), 401) for name in names
    )
    known, unknown = map(_comparable, answers)
    if known != unknown:
        raise AssertionError(f"sign-in: got {known} for a user and {unknown} for an unknown one, wanted the same")


def _comparable(response: AppResponse) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    # The time says nothing about the user.
    return response.status, tuple(field for field in response.headers if field[0] != "date"), response.body


def _attempts_are_limited(site: Site) -> None:
    username, _ = user_of(site)
    allowed = site.auth.config.login.failures_per_account_and_network
    if allowed > _MOST_FAILURES:
        raise AssertionError(
            f"login.failures_per_account_and_network: got {allowed}, wanted at most {_MOST_FAILURES} (NIST SP 800-63B)"
        )
    # From one address.
    request = post(site, "login", {"username": f"{username}-conformance", "password": _WRONG_PASSWORD})
    for _ in range(allowed):
        expect(site, request, 401, 429)
    expect(site, request, 429)


def _cookies_are_hidden(site: Site) -> None:
    _require_cookies(site)
    user, cookies = _signed_in(site, by_cookie=True, remember=True), site.auth.config.cookies
    for name, same_site in ((cookies.access, cookies.same_site), (cookies.refresh, "strict")):
        cookie = user.cookies[name]
        seen = cookie["httponly"], cookie["samesite"].lower(), cookie["path"], cookie["domain"]
        if seen != (True, same_site, "/", ""):
            wanted = f"HttpOnly, SameSite={same_site} and Path=/ alone"
            raise AssertionError(f"Set-Cookie {name}: got {cookie.OutputString(_SHOWN)}, wanted {wanted}")
    if {"access_token", "refresh_token", "token"} & user.content.keys():
        raise AssertionError("sign-in by cookie: got a token in the body, where scripts can read it, wanted none")


def _cookies_need_tls(site: Site) -> None:
    _require_cookies(site)
    if not site.auth.config.cookies.secure:
        raise SkipTest("cookies.secure is false: the cookies are for development, without TLS")
    for name, cookie in _signed_in(site, by_cookie=True, remember=True).cookies.items():
        if not cookie["secure"]:
            raise AssertionError(f"Set-Cookie {name}: got {cookie.OutputString(_SHOWN)}, wanted Secure")


def _foreign_sign_in_is_refused(site: Site) -> None:
    _require_cookies(site)
    username, password = user_of(site)
    content = {"username": username, "password": password, "cookies": True}
    for page in FOREIGN_PAGES:
        response = expect(site, post(site, "login", content, (page,)), 403)
        if response.values("set-cookie"):
            raise AssertionError(f"sign-in with {dict([page])}: got Set-Cookie, wanted none")


def _foreign_page_changes_no_session(site: Site) -> None:
    _require_cookies(site)
    user = _signed_in(site, by_cookie=True, remember=True)
    for page in FOREIGN_PAGES:
        expect(site, user.refresh_request(site, (page,)), 403)
        expect(site, user.logout_request(site, (page,)), 403)
    # The session has not ended.
    expect_served(site, get(site.closed, user.credential(site)))


def _sign_in_ends_the_session_before(site: Site) -> None:
    _require_cookies(site)
    require_stored_sessions(site)
    before = _signed_in(site, by_cookie=True)
    after = sign_in(site, by_cookie=True, headers=before.credential(site))
    expect_served(site, get(site.closed, after.credential(site)))
    expect(site, get(site.closed, before.credential(site)), 401)


def _sign_in_leads_to_no_other_site(site: Site) -> None:
    _require_cookies(site)
    username, password = user_of(site)
    if not site.serves("GET", f"{site.auth.config.endpoints.prefix}/sign-in"):
        raise SkipTest("the application serves no sign-in page")
    for target in _ELSEWHERE:
        content = {"username": username, "password": password, "next": target}
        [location] = expect(site, post_form(site, "login", content), 303).values("location")
        if urlsplit(location).netloc or not location.startswith("/") or location.startswith(("//", "/\\")):
            raise AssertionError(f"sign-in with next={target}: got Location: {location}, wanted a path")


def _refresh_token_counts_once(site: Site) -> None:
    for by_cookie in _ways(site):
        require_stored_sessions(site)
        first = _signed_in(site, by_cookie=by_cookie, remember=True)
        # The one before the last is answered with the same successor for a while, so that a lost response does no harm.
        _refreshed(site, _refreshed(site, first))
        expect(site, first.refresh_request(site), 401)


def _reuse_ends_the_session(site: Site) -> None:
    for by_cookie in _ways(site):
        require_stored_sessions(site)
        clock = site.clock()
        first = _signed_in(site, by_cookie=by_cookie, remember=True)
        last = _refreshed(site, first)
        clock.advance(seconds=site.auth.config.sessions.refresh_grace_seconds + 1)
        expect(site, first.refresh_request(site), 401)
        expect(site, last.refresh_request(site), 401)
        expect(site, get(site.closed, last.credential(site)), 401)


def _sign_out_ends_the_session(site: Site) -> None:
    for by_cookie in _ways(site):
        require_stored_sessions(site)
        user = _signed_in(site, by_cookie=by_cookie, remember=True)
        expect_served(site, user.logout_request(site))
        expect(site, get(site.closed, user.credential(site)), 401)
        expect(site, user.refresh_request(site), 401)


LOGIN_CHECKS: Final = (
    Check("a right password signs in", _password_signs_in),
    Check("a wrong password is answered like an unknown user", _wrong_password),
    Check("wrong passwords are limited", _attempts_are_limited),
    Check("the cookies of a sign-in are hidden from scripts and other sites", _cookies_are_hidden),
    Check("the cookies of a sign-in are sent over TLS alone", _cookies_need_tls),
    Check("a sign-in by cookie from a foreign page is refused", _foreign_sign_in_is_refused),
    Check("a refresh or a sign-out from a foreign page is refused", _foreign_page_changes_no_session),
    Check("a sign-in ends the session that the browser had", _sign_in_ends_the_session_before),
    Check("a sign-in leads to no other site", _sign_in_leads_to_no_other_site),
    Check("a refresh token counts once", _refresh_token_counts_once),
    Check("a refresh token that is used again ends its session", _reuse_ends_the_session),
    Check("a sign-out ends the session", _sign_out_ends_the_session),
)
