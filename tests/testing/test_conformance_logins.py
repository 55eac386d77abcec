"""Each check of sign-in fails for an application that has this one hole, and for no other reason."""

import io
import json
import time
from http.cookies import SimpleCookie
from itertools import count
from unittest import SkipTest
from urllib.parse import parse_qs

import pytest

from conforming_apps import LOGIN, NAME, new_auth, plain_asgi, plain_wsgi, site_of
from safeconduct.testing.conformance import check_all

REFRESH = "__Host-safeconduct-refresh"
FOREIGN = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_REFERER")


class Hole:
    """
    An application around a protected one: what comes in and what goes out can be changed.

    ``given`` has the parameters in the body of the request for one of our endpoints.
    """

    def __init__(self, protected):
        self.app = protected

    def __call__(self, environ, start_response):
        self.given = parameters(environ)
        started = []
        body = self.respond(environ, lambda status, headers, _=None: started.extend((status, headers)))
        octets = b"".join(body)
        getattr(body, "close", tuple)()
        status, headers, octets = self.leave(environ, *started, octets)
        start_response(status, headers)
        return [octets]

    def respond(self, environ, start_response):
        return self.app(environ, start_response)

    def leave(self, _environ, status, headers, octets):
        return status, headers, octets


def parameters(environ):
    """Return the parameters in the body, which can be read again."""
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    if not body:
        return {}
    if environ.get("CONTENT_TYPE") == "application/json":
        return json.loads(body)
    return {name: value for name, [value] in parse_qs(body.decode()).items()}


def is_for(environ, *endpoints):
    return environ["PATH_INFO"] in {f"/auth/{name}" for name in endpoints}


class TellsUnknownUsers(Hole):
    def leave(self, environ, status, headers, octets):
        if is_for(environ, "login") and status.startswith("401") and self.given["username"] != LOGIN[0]:
            headers = [*headers, ("X-Reason", "unknown user")]
        return status, headers, octets


class SeesOtherAddresses(Hole):
    addresses = count()

    def respond(self, environ, start_response):
        return self.app({**environ, "REMOTE_ADDR": f"2001:db8:{next(self.addresses):x}::1"}, start_response)


def cookie_hole(old, new):
    """Return an application that writes its cookies in another way."""

    class WritesCookies(Hole):
        def leave(self, _environ, status, headers, octets):
            written = [
                (name, value.replace(old, new) if name.lower() == "set-cookie" else value) for name, value in headers
            ]
            return status, written, octets

    return WritesCookies


class ShowsTokens(Hole):
    def leave(self, environ, status, headers, octets):
        if is_for(environ, "login") and any(name.lower() == "set-cookie" for name, _ in headers) and octets:
            octets = json.dumps({**json.loads(octets), "access_token": "token"}).encode()
        return status, headers, octets


def trusting(*endpoints):
    """Return an application that takes every page for its own, at some endpoints."""

    class TrustsEveryPage(Hole):
        def respond(self, environ, start_response):
            if is_for(environ, *endpoints):
                environ = {name: value for name, value in environ.items() if name not in FOREIGN}
                environ["HTTP_ORIGIN"] = NAME
            return self.app(environ, start_response)

    return TrustsEveryPage


class ForgetsTheSessionBefore(Hole):
    def respond(self, environ, start_response):
        if is_for(environ, "login"):
            environ = {name: value for name, value in environ.items() if name != "HTTP_COOKIE"}
        return self.app(environ, start_response)


class LeadsAnywhere(Hole):
    def leave(self, environ, status, headers, octets):
        if is_for(environ, "login") and status.startswith("303"):
            headers = [(name, value) for name, value in headers if name.lower() != "location"]
            headers.append(("Location", self.given["next"]))
        return status, headers, octets


class KeepsOldRefreshTokens(Hole):
    """Takes every refresh token for the newest of its session."""

    def __init__(self, protected):
        super().__init__(protected)
        self.newest = {}

    def respond(self, environ, start_response):
        presented = presented_refresh_token(environ, self.given)
        if is_for(environ, "refresh") and presented in self.newest:
            environ = with_refresh_token(environ, self.newest[presented])
        return self.app(environ, start_response)

    def leave(self, environ, status, headers, octets):
        if is_for(environ, "refresh") and status.startswith("200"):
            new, presented = given_refresh_token(headers, octets), presented_refresh_token(environ, self.given)
            last = self.newest.get(presented, presented)
            self.newest |= {old: new for old, other in self.newest.items() if other == last} | {last: new}
        return status, headers, octets


class SparesTheSession(Hole):
    """Refuses an old refresh token without a word to the gate."""

    def __init__(self, protected):
        super().__init__(protected)
        self.used = set()

    def respond(self, environ, start_response):
        if is_for(environ, "refresh") and presented_refresh_token(environ, self.given) in self.used:
            start_response("401 Unauthorized", [])
            return [b""]
        return self.app(environ, start_response)

    def leave(self, environ, status, headers, octets):
        if is_for(environ, "refresh") and status.startswith("200"):
            self.used.add(presented_refresh_token(environ, self.given))
        return status, headers, octets


class SignsOutInTheBrowserAlone(Hole):
    def respond(self, environ, start_response):
        if (
            is_for(environ, "logout")
            and environ.get("HTTP_ORIGIN", NAME) == NAME
            and not ({"HTTP_REFERER", "HTTP_SEC_FETCH_SITE"} & environ.keys())
        ):
            start_response("204 No Content", [])
            return []
        return self.app(environ, start_response)


def presented_refresh_token(environ, given):
    cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(REFRESH)
    return given.get("refresh_token") if cookie is None else cookie.value


def given_refresh_token(headers, octets):
    cookies = SimpleCookie()
    for name, value in headers:
        if name.lower() == "set-cookie":
            cookies.load(value)
    return cookies[REFRESH].value if REFRESH in cookies else json.loads(octets)["refresh_token"]


def with_refresh_token(environ, token):
    if REFRESH in environ.get("HTTP_COOKIE", ""):
        return {**environ, "HTTP_COOKIE": f"{REFRESH}={token}"}
    body = json.dumps({"refresh_token": token}).encode()
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


class RemembersNobody(Hole):
    def leave(self, environ, status, headers, octets):
        if is_for(environ, "login"):
            headers = [(name, value) for name, value in headers if not value.startswith(REFRESH)]
            octets = octets.replace(b'"refresh_token"', b'"another"')
        return status, headers, octets


class RotatesNothing(Hole):
    def leave(self, environ, status, headers, octets):
        if is_for(environ, "refresh") and status.startswith("200"):
            new, presented = given_refresh_token(headers, octets), presented_refresh_token(environ, self.given)
            headers = [(name, value.replace(new, presented)) for name, value in headers]
            octets = octets.replace(new.encode(), presented.encode())
        return status, headers, octets


class SetsCookiesAllTheSame(Hole):
    def leave(self, environ, status, headers, octets):
        if is_for(environ, "login") and status.startswith("403"):
            headers = [*headers, ("Set-Cookie", "session=1")]
        return status, headers, octets


HIDDEN = "the cookies of a sign-in are hidden from scripts and other sites"
REUSED = "a refresh token that is used again ends its session"
ELSEWHERE = "a sign-in leads to no other site"
ONCE = "a refresh token counts once"
OUT = "a sign-out ends the session"
TLS = "the cookies of a sign-in are sent over TLS alone"
CHANGED = "a refresh or a sign-out from a foreign page is refused"
HOLES = {
    "unknown": (TellsUnknownUsers, {"a wrong password is answered like an unknown user"}),
    "limits": (SeesOtherAddresses, {"wrong passwords are limited"}),
    "http-only": (cookie_hole("; HttpOnly", ""), {HIDDEN}),
    "same-site": (cookie_hole("; SameSite=Strict", "; SameSite=Lax"), {HIDDEN}),
    "domain": (cookie_hole("; Path=/", "; Path=/; Domain=example.com"), {HIDDEN}),
    "path": (cookie_hole("; Path=/", "; Path=/me"), {HIDDEN}),
    "body": (ShowsTokens, {HIDDEN}),
    "secure": (cookie_hole("; Secure", ""), {TLS}),
    "foreign sign-in": (trusting("login"), {"a sign-in by cookie from a foreign page is refused"}),
    "foreign refresh": (trusting("refresh"), {CHANGED}),
    "foreign sign-out": (trusting("logout"), {CHANGED}),
    "fixation": (ForgetsTheSessionBefore, {"a sign-in ends the session that the browser had"}),
    "redirection": (LeadsAnywhere, {ELSEWHERE}),
    "rotation": (KeepsOldRefreshTokens, {ONCE, REUSED}),
    "reuse": (SparesTheSession, {REUSED}),
    "no refresh token": (RemembersNobody, {ONCE, REUSED, OUT, HIDDEN, TLS, CHANGED}),
    "no rotation": (RotatesNothing, {ONCE, REUSED}),
    "refused with cookies": (SetsCookiesAllTheSame, {"a sign-in by cookie from a foreign page is refused"}),
    "sign-out": (SignsOutInTheBrowserAlone, {OUT}),
}


@pytest.mark.parametrize(("hole", "expected"), HOLES.values(), ids=HOLES)
def test_one_hole_fails_its_checks_alone(hole, expected):
    with new_auth() as auth:
        report = check_all(site_of(hole(plain_wsgi(auth))))

    assert expected == dict(report.failed).keys()


def test_a_limit_that_limits_nothing_is_reported_at_once():
    """No password is compared a million times."""
    with new_auth(login={"failures_per_account_and_network": 1_000_000}) as auth:
        report = check_all(site_of(plain_wsgi(auth)))

    reason = "login.failures_per_account_and_network: got 1000000, wanted at most 100 (NIST SP 800-63B)"
    assert (("wrong passwords are limited", reason),) == report.failed


@pytest.mark.parametrize("make", [plain_wsgi, plain_asgi])
def test_the_protected_application_has_no_hole(make):
    with new_auth() as auth, site_of(make(auth)) as site:
        assert () == check_all(site).failed


INSECURE = {"secure": False, "access": "access", "refresh": "refresh", "device": "device"}


@pytest.mark.parametrize(
    ("options", "more", "check", "reason"),
    [
        ({}, {"login": None}, OUT, "no user was given who may sign in"),
        ({"endpoints": {"enabled": False}}, {}, OUT, "the application serves no sign-in"),
        (
            {"endpoints": {"pages": False}},
            {},
            "a sign-in leads to no other site",
            "the application serves no sign-in page",
        ),
        ({"cookies": {"mode": "off"}}, {}, HIDDEN, "a sign-in sets no cookies"),
        ({"cookies": INSECURE}, {}, TLS, "cookies.secure is false"),
        ({"store": "none"}, {}, OUT, "there is no store"),
        ({"clock": time.time}, {}, REUSED, "the time cannot be moved: the Auth was made without clock="),
    ],
    ids=["user", "endpoints", "pages", "cookies", "insecure", "store", "clock"],
)
def test_a_check_that_does_not_apply_is_skipped_with_its_reason(options, more, check, reason):
    with new_auth(**options) as auth:
        report = check_all(site_of(plain_wsgi(auth), **more))

    assert () == report.failed
    assert dict(report.skipped)[check].startswith(reason)


def test_the_time_of_a_server_cannot_be_moved():
    """Nothing is asked of the server, which does not run here."""
    with (
        new_auth(store="redis://127.0.0.1:1") as auth,
        pytest.raises(SkipTest, match="store has a clock of its own"),
    ):
        site_of(plain_wsgi(auth)).clock()
