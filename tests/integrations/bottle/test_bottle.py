"""The Bottle integration: answers to errors, hooks, handlers of the application, and wrong arguments."""

import importlib
import sys

import bottle
import pytest

from app_client import SentRequest, call_wsgi, wsgi_environ
from auth_setups import auth_for, configuration, now
from bottle_table import bottle_app
from memory_directory import MemoryDirectory
from safeconduct import Auth, current, principal, requires
from safeconduct.bottle import install
from safeconduct.errors import ConfigurationError, InsufficientRights
from table_tokens import tokens


def call(app, target="/me", name="alice", setup="main"):
    """Send a request to the installed *app*, with the token *name* or none."""
    fields = (("authorization", f"Bearer {tokens()[name]}".encode()),) if name else ()
    request = SentRequest("GET", target, (("host", b"app.example"), *fields), "https")
    return call_wsgi(auth_for(setup).wsgi(app), wsgi_environ(request))


@pytest.fixture
def app():
    made = bottle.Bottle()
    install(made, auth_for("main"))
    return made


@requires(roles=["admin"])
def admin_only():
    return bottle.request.environ["safeconduct.identity"].subject


def test_hooks_of_the_application_see_the_refusal(app):
    app.route("/me", "GET", admin_only)
    app.add_hook("after_request", lambda: bottle.response.set_header("x-stamp", "yes"))

    seen = call(app)

    assert (403, ("yes",)) == (seen.status, seen.values("x-stamp"))


def test_a_handler_of_the_application_makes_the_body(app):
    app.route("/me", "GET", admin_only)
    app.error(403)(lambda problem: f"not for you: {problem.exception.code}")

    seen = call(app)

    assert (403, b"not for you: insufficient_rights") == (seen.status, seen.body)
    assert seen.values("www-authenticate")[0].startswith("Bearer")
    assert ("no-store",) == seen.values("cache-control")


@pytest.mark.parametrize("before", ["", b""])
def test_a_generator_is_answered_before_its_first_chunk(app, before):
    @app.route("/me")
    def lines():
        yield before
        requires(roles=["admin"])(lambda: None)()
        yield "never"

    assert 403 == call(app).status
    assert b"never" == call(app, name="admin").body


def test_a_generator_that_has_begun_breaks_off(app):
    """The response has begun with 200, and must not end as if it were whole."""

    @app.route("/me")
    def lines():
        yield "begun"
        requires(roles=["admin"])(lambda: None)()

    with pytest.raises(InsufficientRights):
        call(app)


def test_a_generator_is_closed(app):
    closed = []

    @app.route("/me")
    def lines():
        try:
            yield "a"
            yield "b"
        finally:
            closed.append(principal().subject)

    request = SentRequest("GET", "/me", (("authorization", f"Bearer {tokens()['alice']}".encode()),), "https")
    body = auth_for("main").wsgi(app)(wsgi_environ(request), lambda *_: None)
    next(iter(body))
    body.close()

    assert ["alice"] == closed


def test_the_path_of_a_navigation_comes_back_as_it_was():
    """Bottle decodes PATH_INFO in place, which is then no string of an environ."""
    made = bottle.Bottle()
    install(made, auth_for("sign-in"))
    made.route("/caf\u00e9/<name>", "GET", requires(level="multifactor")(lambda **_: "in"))
    made.route("/\u4e2d/<name>", "GET", requires(roles=["admin"])(lambda **_: "in"))

    assert 401 == call(made, "/caf%C3%A9/x", setup="sign-in").status
    assert 403 == call(made, "/%E4%B8%AD/x", setup="sign-in").status


def test_an_application_that_is_mounted_needs_a_call_of_its_own(app):
    """Its plugins are its own: without them the error is a fault, and never a pass."""
    for prefix, is_installed in (("/with/", True), ("/without/", False)):
        inner = bottle.Bottle()
        inner.route("/me", "GET", admin_only)
        if is_installed:
            install(inner, auth_for("main"))
        app.mount(prefix, inner)

    assert 403 == call(app, "/with/me").status
    assert 500 == call(app, "/without/me").status


def test_without_the_line_around_it_no_view_is_served():
    app = bottle_app()
    app.route("/asks-nothing", "GET", lambda: "served")
    install(app, auth_for("main"))

    for target in ("/health", "/asks-nothing"):
        assert 500 == call_wsgi(app, wsgi_environ(SentRequest("GET", target, (), "https"))).status


@pytest.mark.parametrize("wrong", [bottle.Bottle, None, "app", object()], ids=["class", "none", "text", "object"])
def test_only_bottle_is_installed_into(wrong):
    with pytest.raises(ConfigurationError, match="wanted a Bottle"):
        install(wrong, auth_for("main"))


def test_only_an_auth_is_installed():
    for wrong in (Auth, configuration(), None):
        with pytest.raises(ConfigurationError, match="wanted an Auth"):
            install(bottle.Bottle(), wrong)


def test_a_missing_bottle_is_named_with_the_command_that_helps(monkeypatch):
    monkeypatch.delitem(sys.modules, "safeconduct.bottle")
    for name in [name for name in sys.modules if name.partition(".")[0] == "bottle"]:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ImportError, match=r"pip install 'safeconduct\[bottle\]'"):
        importlib.import_module("safeconduct.bottle")


class FailingDirectory(MemoryDirectory):
    """A directory that cannot be asked."""

    def check(self, *_pair):
        raise OSError


@pytest.mark.parametrize(
    ("on_invalid", "directory", "reason"),
    [("anonymous", MemoryDirectory, "invalid_token"), ("reject", FailingDirectory, "unavailable")],
)
def test_the_auth_of_bottle_is_what_a_caller_says_on_a_public_path(on_invalid, directory, reason):
    """It reads the header before ``REMOTE_USER``; the documentation says so."""
    access = {"public": ["/"], "on_invalid": on_invalid}
    auth = Auth(configuration(access=access, sources=["basic"]), directory=directory(), clock=now)
    app = bottle.Bottle()
    install(app, auth)
    app.route(
        "/", callback=lambda: f"{bottle.request.auth[0]} {current().reason} {bottle.request.environ.get('REMOTE_USER')}"
    )
    fields = (("host", b"app.example"), ("authorization", b"Basic YWRtaW46Z3Vlc3M="))

    seen = call_wsgi(auth.wsgi(app), wsgi_environ(SentRequest("GET", "/", fields, "https")))

    assert f"admin {reason} None" == seen.body.decode()
