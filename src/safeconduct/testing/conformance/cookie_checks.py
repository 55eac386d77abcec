"""Check what an application does with its session cookies, which a browser sends by itself."""

from typing import Final
from unittest import SkipTest

from safeconduct.testing.conformance.browser import cookie_session
from safeconduct.testing.conformance.check import FOREIGN_PAGES, Check, expect, expect_served, get
from safeconduct.testing.conformance.in_process import AttackRequest
from safeconduct.testing.conformance.site import Site

_UNSAFE: Final = ("POST", "PUT", "PATCH", "DELETE")


def _unsafe_methods(site: Site) -> list[str]:
    """Return the methods that reach the middleware: some frameworks answer 405 before it."""
    methods = [each for each in _UNSAFE if site.ask(AttackRequest(each, site.closed)).status == 401]  # noqa: PLR2004 - a status
    if not methods:
        raise SkipTest(f"{site.closed} answers GET alone, before the middleware")
    return methods


def _cookie_is_let_in(site: Site) -> None:
    cookie, _ = cookie_session(site)
    expect_served(site, get(site.closed, cookie))


def _cookie_needs_the_csrf_token(site: Site) -> None:
    cookie, _ = cookie_session(site)
    for method in _unsafe_methods(site):
        expect(site, AttackRequest(method, site.closed, cookie), 403)
        expect(site, AttackRequest(method, site.closed, (*cookie, ("x-csrf-token", "A" * 43))), 403)


def _foreign_page_is_refused(site: Site) -> None:
    cookie, token = cookie_session(site)
    for said in FOREIGN_PAGES:
        for method in _unsafe_methods(site):
            expect(site, AttackRequest(method, site.closed, (*cookie, *token, said)), 403)


def _csrf_token_of_another_is_refused(site: Site) -> None:
    (cookie, _), (_, token) = cookie_session(site), cookie_session(site)
    expect(site, AttackRequest(_unsafe_methods(site)[0], site.closed, cookie + token), 403)


def _two_cookies_are_refused(site: Site) -> None:
    (first, _), (second, _) = cookie_session(site), cookie_session(site)
    line = "; ".join((first[0][1], second[0][1]))
    expect(site, get(site.closed, (("cookie", line),)), 400, 401)


COOKIE_CHECKS: Final = (
    Check("a session by cookie is let in", _cookie_is_let_in),
    Check("a change by cookie needs the CSRF token", _cookie_needs_the_csrf_token),
    Check("a change by cookie from a foreign page is refused", _foreign_page_is_refused),
    Check("the CSRF token of another session is refused", _csrf_token_of_another_is_refused),
    Check("two session cookies are refused", _two_cookies_are_refused),
)
