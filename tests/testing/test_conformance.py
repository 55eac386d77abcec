"""An application of each framework passes the conformance suite, and each check fails for an application that errs."""

import os
import secrets
import subprocess
import sys

import pytest

from conforming_apps import APPS, around, new_auth, plain_asgi, plain_wsgi, site_of
from safeconduct import ConfigurationError, SessionConfig, TokenConfig
from safeconduct._keys.generate import new_key
from safeconduct.testing import throw_away_keys
from safeconduct.testing.conformance import CHECKS, check_all

#: A middleware inside Litestar's router does not see the paths of our endpoints; the plugin does.
SIGNS_NOBODY_IN = "litestar_app"


@pytest.fixture(scope="module", params=APPS)
def site(request):
    more = {"login": None} if request.param == SIGNS_NOBODY_IN else {}
    with new_auth() as auth, site_of(APPS[request.param](auth), **more) as site:
        yield site


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_an_application_conforms(check, site):
    check(site)


def failing_at(respond, **options):
    """Return what fails, of all checks, for an application that answers by itself."""
    with new_auth(**options) as auth:
        report = check_all(site_of(around(plain_wsgi(auth), respond)))
    return dict(report.failed)


def erring(respond):
    """Return what fails, of all checks, for an ASGI application that is found to be protected and is not."""

    async def app(scope, receive, send):
        await respond(scope, receive, send)

    with new_auth() as auth:
        app.app = plain_asgi(auth)
        with site_of(app) as site:
            return dict(check_all(site).failed).keys()


async def open_to_all(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"alice"})


async def closed_to_all(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
    else:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]})
        await send({"type": "http.response.body"})


def test_every_check_fails_for_an_application_that_errs():
    """One that serves everybody, or nobody."""
    assert {check.says for check in CHECKS} == erring(open_to_all) | erring(closed_to_all)


@pytest.mark.parametrize(
    ("respond", "check"),
    [
        (lambda _: ("401 Unauthorized", [], b""), "an anonymous caller is challenged"),
        (lambda _: ("401 Unauthorized", [], b"body"), "a refused HEAD has no body"),
        (lambda _: ("500 Internal Server Error", [], b""), "POST without a credential is refused"),
        (lambda _: ("403 Forbidden", [], b""), "an expired token is refused"),
    ],
)
def test_a_wrong_answer_is_reported(respond, check):
    assert check in failing_at(respond)


def test_a_bad_token_is_served_where_it_is_configured():
    with new_auth(on_invalid="anonymous") as auth:
        assert () == check_all(site_of(plain_wsgi(auth))).failed


def trusting_a_header(auth):
    """Return an application that takes a user name from a header."""
    protected = plain_wsgi(auth)

    def app(environ, start_response):
        if environ.get("HTTP_X_FORWARDED_USER"):
            start_response("200 OK", [])
            return [b"served"]
        return protected(environ, start_response)

    app.app = protected
    return app


def test_one_hole_is_one_failure():
    with new_auth() as auth:
        report = check_all(site_of(trusting_a_header(auth)))

    assert (("user names in headers are ignored", "GET /me: got 200, wanted 400 or 401"),) == report.failed
    assert str(report).startswith("FAILED   user names in headers are ignored: GET /me: got 200, wanted 400 or 401\n")
    assert "\npassed   an expired token is refused" in str(report)


def test_what_a_site_does_not_have_is_skipped():
    with new_auth(sources=["bearer"], store="none") as auth:
        report = check_all(site_of(plain_wsgi(auth), public=None, needs_role=None, websocket=None))

    assert () == report.failed
    assert {
        "no public path was given",
        "no path was given that needs a role",
        "no path was given that accepts WebSockets",
        "there is no store",
        "revocations are not checked: there is no store, or revocation.consistency is none",
        'a sign-in sets no cookies: "cookie" is not among the sources, or cookies.mode is off',
        "sources must include \"cookie\", got ['bearer']",
    } == {reason for _, reason in report.skipped}


def keys_with(algorithm, *, alone=False):
    """Return throw-away keys with one more, or with that one in place of the signing key."""
    keys = throw_away_keys()["keys"]
    new = new_key(algorithm, now=0, randomness=secrets.token_bytes)
    return {"keys": [new, *(key for key in keys if not alone or key["kid"] == "safeconduct-secrets")]}


@pytest.mark.parametrize(
    ("options", "skipped"),
    [
        ({"tokens": TokenConfig(format="opaque")}, 0),
        ({"sources": ["cookie"]}, 0),
        ({"sessions": SessionConfig(require_session=True)}, 0),
        ({"store": "none"}, 6),
        ({"tokens": TokenConfig(format="jwe"), "keys": keys_with("ECDH-ES+A256KW")}, 0),
        ({"keys": keys_with("HS256", alone=True), "tokens": TokenConfig(algorithm="HS256")}, 7),
    ],
    ids=["opaque", "cookie", "session", "no store", "jwe", "HS256"],
)
def test_any_configuration_is_attacked(options, skipped):
    """Without a pair of keys, nobody can confuse the public one with a secret."""
    with new_auth(**options) as auth, site_of(plain_asgi(auth)) as site:
        report = check_all(site)

    assert ((), skipped) == (report.failed, len(report.skipped))


def test_a_site_begins_and_ends_the_lifespan_once():
    seen = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for _ in range(2):
                message = await receive()
                seen.append(message["type"])
                await send({"type": message["type"] + ".complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    with new_auth() as auth, site_of(auth.asgi(app)) as site:
        for check in CHECKS[:3]:
            check(site)

    assert ["lifespan.startup", "lifespan.shutdown"] == seen


def test_a_startup_that_fails_is_reported():
    async def app(_scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with new_auth() as auth, site_of(auth.asgi(app)) as site, pytest.raises(RuntimeError, match="no database"):
        CHECKS[0](site)


def test_a_site_that_was_not_asked_is_closed():
    with new_auth() as auth:
        for app in (plain_asgi(auth), plain_wsgi(auth)):
            site_of(app).close()


def test_an_application_that_waits_for_the_disconnect_is_answered():
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b"y"})
        assert "http.disconnect" == (await receive())["type"]

    with new_auth() as auth, site_of(auth.asgi(app)) as site:
        CHECKS[0](site)


def test_the_interface_is_told_by_the_application_or_by_its_author():
    class Either:
        def __init__(self, protected):
            self.app = protected

        def __call__(self, *arguments):
            return self.app(*arguments)

    with new_auth() as auth:
        for app in (Either(plain_wsgi(auth)), auth):
            with pytest.raises(ConfigurationError, match="app must be an ASGI or a WSGI application"):
                site_of(app)
        CHECKS[0](site_of(Either(plain_wsgi(auth)), interface="wsgi"))


APP = """
from flask import Flask

from safeconduct import Auth, Config, principal
from safeconduct.flask import Safeconduct
from safeconduct.testing import throw_away_keys


def create_app():
    name = "https://api.example.com"
    app = Flask("app")
    Safeconduct(Auth(Config(issuer=name, audience=name, keys=throw_away_keys(), store="memory://"))).init_app(app)
    app.add_url_rule("/me", "me", lambda: principal().subject)
    return app
"""
#: What an author writes: seven lines and the imports.
SUITE = """
import pytest
from app import create_app
from safeconduct.testing.conformance import CHECKS, Site

@pytest.fixture(scope="module")
def site():
    with Site(create_app(), closed="/me") as site:
        yield site

@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conformance(check, site):
    check(site)
"""


@pytest.mark.parametrize(("closed", "code"), [("/me", 0), ("/nowhere", 1)], ids=["right", "wrong"])
def test_an_author_runs_it_in_a_few_lines_and_sees_why_a_check_is_skipped(tmp_path, closed, code):
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "test_app.py").write_text(SUITE.replace("/me", closed))

    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rs", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        # Other plugins have their own warnings.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert code == finished.returncode, finished.stdout + finished.stderr
    assert f"test_conformance[a signed-in user is let in] {['PASSED', 'FAILED'][code]}" in finished.stdout
    for reason in (
        "no path was given that accepts WebSockets",
        "the application serves no sign-in: it has no directory, or endpoints.enabled is false",
        "no public path was given",
        "no path was given that needs a role",
        "sources must include \"cookie\", got ['bearer']",
    ):
        assert reason in finished.stdout
