"""Fail in CI: ``safeconduct routes --forbid-public``, and ``requires`` above a route decorator."""

import pytest

from command_line import run, write_configuration
from inspected_apps import findings, module_writer
from safeconduct._core.access_rules import Policy
from safeconduct._integrations.app_routes import is_named_as_public
from safeconduct._integrations.route import Route

OPEN = '[safeconduct.access]\ndefault = "anonymous"\npublic = ["GET /public"]\nrules = [{ path = "/closed/{rest...}" }]'
CLOSED = '[safeconduct.access]\npublic = ["GET /public", "/files/{rest...}"]'

STARLETTE = """
    from fastapi import FastAPI
    app = FastAPI(openapi_url=None)
    app.get("/public")(view)
    app.get("/closed/me")(view)
    app.get("/files/{name}")(view)
    app.post("/public")(view)
    app.add_middleware(AuthMiddleware, auth=auth())
"""
FLASK = """
    app = Flask("x", static_folder=None)
    for method, path in (("GET", "/public"), ("GET", "/closed/me"), ("GET", "/files/<name>"), ("POST", "/public")):
        app.add_url_rule(path, method + path.replace(".", ""), lambda **_: "", methods=[method])
    Safeconduct(auth()).init_app(app)
"""


@pytest.fixture
def made(folder):
    write = module_writer(folder)

    def make(text, more):
        write_configuration(folder, more=more)
        return write(text) + ":app"

    return make


@pytest.mark.parametrize("text", [STARLETTE, FLASK], ids=["fastapi", "flask"])
def test_an_open_route_that_no_entry_names_fails(made, text):
    """Every such route is named, and no other."""
    target = made(text, OPEN)

    ended = run("routes", target, "--forbid-public")

    assert (1, 0) == (ended.code, run("routes", target).code)
    assert "Open, and named by no entry of access.public: " in ended.err
    named = ended.err.partition("access.public: ")[2].splitlines()[0].rstrip(".").split(", ")
    files = "GET /files/{name}" if text == STARLETTE else "GET /files/<name>"
    assert {files, "POST /public"} == set(named)


@pytest.mark.parametrize("text", [STARLETTE, FLASK], ids=["fastapi", "flask"])
def test_routes_that_entries_name_may_be_open(made, text):
    assert 0 == run("routes", made(text, CLOSED), "--forbid-public").code


def test_without_a_middleware_it_fails(made):
    ended = run("routes", made("app = starlette_app(middleware=False)", CLOSED), "--forbid-public")

    assert (1, True) == (ended.code, "every route is open" in ended.err)


def test_routes_that_cannot_be_read_fail(made):
    """An unknown framework must not pass for one without open routes."""
    target = made("app = auth().asgi(raw)", CLOSED)

    ended = run("routes", target, "--forbid-public")

    assert (1, 0) == (ended.code, run("routes", target).code)
    assert "cannot be read" in ended.err


def test_a_websocket_counts_as_a_get(made):
    target = made("app = starlette_app(routes=[WebSocketRoute('/public', echo), WebSocketRoute('/ws', echo)])", OPEN)

    ended = run("routes", target, "--forbid-public")

    assert "access.public: WEBSOCKET /ws." in ended.err


def test_a_rule_for_get_closes_a_websocket(made):
    rule = 'rules = [{ path = "/ws", methods = ["GET"] }]'
    target = made("app = starlette_app(routes=[WebSocketRoute('/ws', echo)])", OPEN.partition("rules =")[0] + rule)

    assert 0 == run("routes", target, "--forbid-public").code


def test_every_middleware_must_name_what_is_open():
    """What one of two nested ones lets pass by its default alone is no decision that an author wrote down."""
    named, unnamed = Policy(["/public"]), Policy(default="anonymous")
    route = Route("GET", "/public", "/public")

    assert is_named_as_public([named, named], route)
    assert not is_named_as_public([named, unnamed], route)


ABOVE = {
    "fastapi": """
        from fastapi import FastAPI
        app = FastAPI()
        app.add_middleware(AuthMiddleware, auth=auth())
        @requires(roles=["boss"])
        @app.post("/pay")
        def pay(): ...
        @app.get("/right")
        @requires(roles=["boss"])
        def right(): ...
    """,
    "flask": """
        app = Flask("x")
        Safeconduct(auth()).init_app(app)
        @requires(roles=["boss"])
        @app.post("/pay")
        @requires(scopes=["pay"])
        def pay(): ...
        @app.get("/right")
        @requires(roles=["boss"])
        @requires(scopes=["pay"])
        def right(): ...
    """,
    "bottle": """
        import bottle
        from safeconduct.bottle import install
        inner, both = bottle.Bottle(), auth()
        install(inner, both)
        @requires(roles=["boss"])
        @inner.post("/pay")
        def pay(): ...
        @inner.get("/right")
        @requires(roles=["boss"])
        def right(): ...
        app = both.wsgi(inner)
    """,
}


@pytest.mark.parametrize("framework", ABOVE)
def test_requires_above_a_route_decorator_is_found(made, framework):
    """The framework has the function without it, so that nothing checks."""
    target = made(ABOVE[framework], CLOSED)

    listed, failing = run("routes", target), run("routes", target, "--forbid-public")
    failed = [text for verdict, text in findings(target) if verdict == "fail"]

    warned = [line for line in listed.err.splitlines() if "`requires` around" in line]
    assert [True] == [line.startswith("Warning: POST /pay: `requires` around made_") for line in warned]
    assert (0, 1) == (listed.code, failing.code)
    assert "`requires` is never checked: POST /pay." in failing.err
    assert [True] == [text.startswith("POST /pay: `requires` around made_") for text in failed]
    assert 1 == run("doctor", target).code


def test_what_litestar_has_registered_is_refused_at_once(made):
    """Its decorators return no function, so that the mistake is seen where it is made."""
    target = made(
        """
        from litestar import get
        @requires()
        @get("/me")
        async def me() -> str: return ""
        """,
        CLOSED,
    )

    ended = run("routes", target)

    assert 2 == ended.code
    assert "put it below the route decorator" in ended.err


def test_a_method_that_takes_no_mark_is_guarded_all_the_same(made):
    target = made(
        """
        class Shop:
            def pay(self): return ""
        app = Flask("x")
        app.add_url_rule("/pay", "pay", requires(roles=["boss"])(Shop().pay))
        Safeconduct(auth()).init_app(app)
        """,
        CLOSED,
    )

    assert 0 == run("routes", target, "--forbid-public").code
