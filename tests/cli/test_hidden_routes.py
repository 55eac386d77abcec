"""Name the routes of an application that safeconduct answers itself, so that they are never called."""

import pytest

from command_line import run, write_configuration
from inspected_apps import module_writer

SIGN_IN = """
[safeconduct.login]
users = "users.json"
[safeconduct.endpoints]
prefix = "{prefix}"
"""


@pytest.fixture
def inspect(folder):
    """Return a function that inspects an application by both commands, and returns the routes that they name."""

    def named(application, *, prefix):
        write = module_writer(folder)
        write_configuration(folder, more=SIGN_IN.format(prefix=prefix))
        run("keys", "new", "--secrets")
        assert 0 == run("users", "add", "alice", "--password-stdin", stdin="correct horse battery\n").code
        target = write(application) + ":app"
        # A module is imported once, so that one test inspects one application.
        listed, checked = run("routes", target), run("doctor", target, "--json")
        text = ": safeconduct answers this path, and the application's route is never called"
        warned = [line.removeprefix("Warning: ").partition(text)[0] for line in listed.err.splitlines() if text in line]
        found = [each["text"].removesuffix(text) for each in checked.json if text in each["text"]]
        assert warned == found
        assert {"warn"} >= {each["verdict"] for each in checked.json if text in each["text"]}
        return warned

    return named


STARLETTE = """
    app = starlette_app(routes=[
        Route("/login", view),
        Route("/login", view, methods=["POST"]),
        Route("/session", view, methods=["GET", "PUT"]),
        Route("/sessions/{key}", view, methods=["GET", "DELETE"]),
        Route("/logout", Router()),
        Route("/{page}", view, methods=["POST"]),
        WebSocketRoute("/session", echo),
        Mount("/refresh", app=view),
        Mount("/auth", routes=[Route("/login", view), Route("/other", view)]),
    ])
"""
FLASK = """
    app = Flask("shop")
    app.add_url_rule("/login", "login", lambda: "", methods=["GET", "POST"])
    app.add_url_rule("/auth/login", "other", lambda: "")
    Safeconduct(auth()).init_app(app)
"""


def test_at_the_root_the_same_pairs_are_named(inspect):
    """A page at ``GET /login`` beside our ``POST /login`` is what the empty prefix is for."""
    named = inspect(STARLETTE, prefix="")

    assert ["POST /login", "GET /session", "DELETE /sessions/{key}", "ANY /logout"] == named


@pytest.mark.parametrize(("prefix", "expected"), [("/auth", ["GET /auth/login"]), ("/account", [])])
def test_below_a_prefix_the_same_paths_are_named(inspect, prefix, expected):
    """There every method of our paths is ours."""
    assert expected == inspect(STARLETTE, prefix=prefix)


@pytest.mark.parametrize(("prefix", "expected"), [("", ["POST /login"]), ("/auth", ["GET /auth/login"])])
def test_routes_of_flask_are_named(inspect, prefix, expected):
    assert expected == inspect(FLASK, prefix=prefix)


def test_without_a_guard_none_is_hidden(inspect):
    assert [] == inspect("app = Starlette(routes=[Route('/login', view, methods=['POST'])])", prefix="")
