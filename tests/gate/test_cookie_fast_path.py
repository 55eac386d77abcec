"""Take the fast path for a known cookie, and let nothing pass by it that would be refused."""

import asyncio
import json

import pytest
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import WORLDS, AsgiReport, wsgi_application
from auth_setups import configuration
from login_site import LoginClient, LoginSite
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._tokens import derived_keys
from table_tokens import NOW, tokens
from worlds import Clock

ALICE = f"__Host-safeconduct={tokens()['alice']}".encode()
OTHERS = b"theme=dark; %s; __Host-safeconduct-refresh=r; __Host-safeconduct-device=d"


class RecordingDict(dict):
    """A scope or an environ that records which of its keys are read."""

    def __init__(self, *words):
        super().__init__(*words)
        self.read_keys = set()

    def __getitem__(self, name):
        self.read_keys.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.read_keys.add(name)
        return super().get(name, default)


class KnownCookieApp:
    """An application that knows alice's cookie already."""

    def __init__(self, world, **fields):
        self.world, self.clock = world, Clock(float(NOW))
        self.auth = Auth(configuration(**fields), directory=MemoryDirectory(), clock=self.clock)
        is_wsgi = world == "wsgi"
        self.application = self.auth.wsgi(wsgi_application) if is_wsgi else self.auth.asgi(AsgiReport())
        self.is_read_whole = None

    def ask(self, *lines, method="GET", target="/me", headers=()):
        """Ask with these ``Cookie`` fields, and note whether the whole request was read."""
        fields = (("host", b"app.example"), *(("cookie", line) for line in lines), *headers)
        request = SentRequest(method, target, fields, "https")
        if self.world == "wsgi":
            environ = RecordingDict(wsgi_environ(request))
            seen = call_wsgi(self.application, environ)
            self.is_read_whole = "wsgi.url_scheme" in environ.read_keys
        else:
            scope = RecordingDict(asgi_scope(request))
            seen = asyncio.run(call_asgi(self.application, scope))
            self.is_read_whole = "client" in scope.read_keys
        return seen

    def code(self, *lines, **how):
        """Return the status and the code of a refusal that reached no application."""
        seen = self.ask(*lines, **how)
        assert seen.report is None
        return seen.status, json.loads(seen.body)["code"]


@pytest.fixture(params=WORLDS)
def app(request):
    made = KnownCookieApp(request.param)
    made.ask(ALICE)
    return made


@pytest.mark.parametrize(
    "line",
    [ALICE, OTHERS % ALICE, b"a=1; " + ALICE, ALICE + b"; a=1", ALICE + b" "],
    ids=["alone", "among others", "last", "first", "blank"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_f3_a_cookie_that_was_seen_before_takes_the_fast_path(app, method, line):
    """Other cookies do not matter; the response is private, and the refresh cookie is hidden."""
    # A route is remembered for the fast path with its second request.
    app.ask(line, method=method)
    app.ask(line, method=method)
    seen = app.ask(line, method=method)

    assert (200, "alice", False) == (seen.status, seen.report["who"], app.is_read_whole)
    assert "cookie" == seen.report["scheme"]
    assert "refresh" not in seen.report["cookie"]
    assert ("private",) == seen.values("cache-control")
    assert ("Cookie",) == seen.values("vary")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((ALICE + b"; " + ALICE,), (400, "invalid_request")),
        ((ALICE + b"; __Host-safeconduct =x",), (400, "invalid_request")),
        ((ALICE + b"; __Host-safeconduct\t=x",), (400, "invalid_request")),
        ((b'a="x; ' + ALICE + b'; y"',), (401, "invalid_token")),
        ((ALICE + b",__Host-safeconduct-refresh=x",), (401, "invalid_token")),
        ((b"x" + ALICE,), (401, "missing_credential")),
        ((b"a=1," + ALICE,), (401, "missing_credential")),
        ((ALICE[:-1],), (401, "invalid_token")),
    ],
    ids=["two", "two by a blank", "two by a tab", "quoted", "comma", "another name", "behind a comma", "shorter"],
)
def test_f3_a_doubtful_cookie_is_refused_as_ever(app, lines, expected):
    """This holds although its token was proven before."""
    assert expected == app.code(*lines)


def test_f3_two_fields_are_one_in_either_order():
    """Several ``Cookie`` fields are joined (RFC 9113 §8.2.3), so two cookies of our name are an error."""
    app = KnownCookieApp("asgi")
    app.ask(ALICE)

    assert [200, 200] == [app.ask(*lines).status for lines in ((b"a=1", ALICE), (ALICE, b"a=1"))]
    assert not app.is_read_whole
    assert "alice" == app.ask(b"a=1", ALICE, b"b=2").report["who"]
    assert (400, "invalid_request") == app.code(ALICE, ALICE)
    assert (400, "invalid_request") == app.code(ALICE, b"__Host-safeconduct=x")


def test_f3_a_header_beats_a_cookie_that_was_seen_before(app):
    """An invalid header never falls back to the cookie."""
    refused = app.code(ALICE, headers=[("authorization", b"Bearer x")])

    assert (401, "invalid_token") == refused


def test_f3_a_scheme_that_is_called_cookie_is_none(app):
    """Headers and cookies are remembered under different keys."""
    token = ALICE.partition(b"=")[2]

    assert 401 == app.ask(headers=[("authorization", b"cookie " + token)]).status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "FOO", "get"])
def test_f3_an_unsafe_method_asks_for_its_page_each_time(app, method):
    """A foreign or missing origin is 403, and the application is not called."""
    app.ask(ALICE, method=method)

    for origin in ([], [("origin", b"https://evil.example")]):
        assert (403, "cross_site_request") == app.code(ALICE, method=method, headers=origin)


def test_f3_a_rule_that_is_unsafe_asks_for_its_page_each_time(app):
    """This holds for GET, too."""
    own = [("origin", b"https://app.example")]

    statuses = [app.ask(ALICE, target="/unsafe", headers=own).status for _ in range(3)]

    assert [200] * 3 == statuses
    assert (403, "cross_site_request") == app.code(ALICE, target="/unsafe")


def test_f3_what_ended_is_refused_and_what_a_rule_wants_is_asked(app):
    """Expiry, revocation and roles are checked."""
    assert 403 == app.ask(ALICE, target="/admin/x").status
    assert 403 == app.ask(ALICE, target="/admin/x").status
    app.auth.sessions.revoke_token("jti-alice")
    assert (401, "invalid_token") == app.code(ALICE)

    late = KnownCookieApp(app.world)
    late.ask(ALICE)
    late.clock.advance(seconds=100_000)
    assert (401, "invalid_token") == late.code(ALICE)


@pytest.mark.parametrize("world", WORLDS)
def test_f3_without_cookies_among_the_sources_none_is_looked_at(world):
    """The cookie identifies nobody."""
    app = KnownCookieApp(world, sources=["bearer"])

    assert [(401, "missing_credential")] * 2 == [app.code(ALICE) for _ in range(2)]


class Derivations:
    """Count the key derivations of the library."""

    count = 0

    def __init__(self, *how, **more):
        self._library = HKDF(*how, **more)

    def derive(self, secret):
        Derivations.count += 1
        return self._library.derive(secret)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("format_of_tokens", ["jws", "opaque"])
def test_f3_secrets_are_derived_once_and_not_at_each_request(world, format_of_tokens, monkeypatch):
    """Ten posts with a CSRF token and ten refreshes derive no more keys than the first of each."""
    monkeypatch.setattr(derived_keys, "HKDF", Derivations)
    site = LoginSite(world, tokens={"format": format_of_tokens})
    client = LoginClient(site)
    counts = []
    client.sign_in(remember=True)
    for _ in range(10):
        assert 200 == client.request("POST", "/me")
        site.clock.advance(seconds=700)
        assert 200 == client.request("POST", "/auth/refresh")
        client.csrf = client.json["csrf_token"]
        counts.append(Derivations.count)
    site.close()

    assert counts[0] == counts[-1]
