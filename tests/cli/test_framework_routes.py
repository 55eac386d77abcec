"""Show the routes of every framework with an integration, and whether the middleware is around it."""

import sys

import pytest
from django.test import override_settings

import django_site  # noqa: F401 - configures Django for this process
from command_line import run, write_configuration
from inspected_apps import findings, module_writer, own_rows

ACCESS = '[safeconduct.access]\npublic = ["GET /public"]\nrules = [{ path = "/admin/{rest...}", roles = ["admin"] }]'

FALCON = """
    import falcon, falcon.asgi
    from safeconduct.falcon import install
    both = auth()
    class Item:
        def on_get(self, req, resp, name): ...
        @requires(scopes=["pay"])
        def on_post(self, req, resp, name): ...
    class Public:
        def on_get(self, req, resp): ...
    inner = falcon.App()
    inner.add_route("/items/{name:int}", Item())
    inner.add_route("/public", Public())
    inner.add_route("/admin/x", Public())
    install(inner, both)
    app = both.wsgi(inner)
"""
BOTTLE = """
    import bottle
    from safeconduct.bottle import install
    inner, both = bottle.Bottle(), auth()
    inner.get("/items/<name:int>")(lambda name: "")
    inner.post("/items/<name:int>")(requires(scopes=["pay"])(lambda name: ""))
    inner.get("/public")(lambda: "")
    inner.get("/admin/x")(lambda: "")
    install(inner, both)
    app = both.wsgi(inner)
"""
PYRAMID = """
    from pyramid.config import Configurator
    from safeconduct.pyramid import install
    both = auth()
    class Views:
        def __init__(self, request): ...
        @requires(scopes=["pay"])
        def pay(self): ...
    config = Configurator()
    install(config, both)
    config.add_route("item", "/items/{name}")
    config.add_route("public", "public")
    config.add_route("admin", "/admin/x", request_method="GET")
    config.add_view(lambda request: {}, route_name="item", request_method="GET", renderer="json")
    config.add_view(Views, attr="pay", route_name="item", request_method="POST", renderer="json")
    config.add_view(lambda request: {}, route_name="public", request_method=("GET", "HEAD"), renderer="json")
    config.add_view(lambda request: {}, route_name="admin", renderer="json")
    config.add_view(lambda request: {}, name="traversed", renderer="json")
    app = both.wsgi(config.make_wsgi_app())
"""
QUART = """
    from quart import Quart
    app = Quart("x", static_folder=None)
    @app.get("/items/<name>")
    async def item(name): return ""
    @app.post("/items/<name>")
    @requires(scopes=["pay"])
    async def pay(name): return ""
    @app.get("/public")
    async def public(): return ""
    @app.get("/admin/x")
    async def admin(): return ""
    @app.websocket("/ws")
    async def ws(): ...
    app.asgi_app = auth().asgi(app.asgi_app)
"""
LITESTAR = """
    from litestar import Litestar, WebSocket, asgi, get, post, websocket
    from litestar.params import FromPath
    from litestar.types import Receive, Scope, Send
    @get("/items/{name:str}")
    async def item(name: FromPath[str]) -> str: return ""
    @post("/items/{name:str}")
    @requires(scopes=["pay"])
    async def pay(name: FromPath[str]) -> str: return ""
    @get("/public")
    async def public() -> str: return ""
    @get("/admin/x")
    async def admin() -> str: return ""
    @websocket("/ws")
    async def ws(socket: WebSocket) -> None: ...
    @asgi("/raw", copy_scope=True)
    async def raw_app(scope: Scope, receive: Receive, send: Send) -> None: ...
    app = auth().asgi(Litestar([item, pay, public, admin, ws, raw_app], openapi_config=None))
"""


@pytest.fixture
def made(folder):
    write = module_writer(folder)
    write_configuration(folder, more=ACCESS)
    return lambda text: write(text) + ":app"


def assert_is_read(seen):
    """What each of the applications above has in common."""
    by_method = {method: row for (method, path), row in seen.items() if "items" in path}
    assert [[], ["pay"]] == [by_method[method]["scopes"] for method in ("GET", "POST")]
    assert "authenticated" == by_method["GET"]["access"]
    assert ["public"] == [row["access"] for (_, path), row in seen.items() if path == "/public"]
    assert [["admin"]] == [row["roles"] for (_, path), row in seen.items() if path == "/admin/x"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (FALCON, "ok: a middleware is wrapped around it, and Falcon answers what `requires` raises"),
        (FALCON.replace("falcon.App()", "falcon.asgi.App()").replace("    def on", "    async def on")
         .replace("both.wsgi", "both.asgi"), "ok: a middleware is wrapped around it, and Falcon answers"),
        (FALCON.replace("    install(inner, both)\n", ""), "fail: a middleware is wrapped around a Falcon application"),
        (BOTTLE, "ok: a middleware is wrapped around it, and Bottle answers what `requires` raises"),
        (BOTTLE.replace("    install(inner, both)\n", ""), "fail: a middleware is wrapped around a Bottle application"),
        (PYRAMID, "ok: a middleware is wrapped around it, and Pyramid answers what `requires` raises"),
        (PYRAMID.replace("    install(config, both)\n", ""), "fail: a middleware is wrapped around a Pyramid"),
        (QUART, "fail: a middleware is wrapped around a Quart application"),
        (LITESTAR, "fail: a middleware is wrapped around a Litestar application"),
    ],
    ids=["falcon", "falcon-asgi", "falcon-bare", "bottle", "bottle-bare", "pyramid", "pyramid-bare", "quart",
         "litestar-bare"],
)  # fmt: skip
def test_routes_are_read(made, text, state):
    target = made(text)

    assert_is_read(own_rows(target))
    assert 0 == run("routes", target, "--forbid-public").code
    verdicts = [f"{verdict}: {text}" for verdict, text in findings(target)]
    assert any(verdict.startswith(state) for verdict in verdicts), verdicts


@pytest.mark.parametrize(("installs", "count"), [(True, 0), (False, 1)])
def test_a_rule_that_an_empty_parameter_of_falcon_passes_by(folder, made, installs, count):
    target = made(FALCON if installs else FALCON.replace("    install(inner, both)\n", ""))
    of_items = '{ path = "/items/{name}", roles = ["admin"] }, '
    write_configuration(folder, more=ACCESS.replace("rules = [", f"rules = [{of_items}"))

    found = [text for verdict, text in findings(target) if verdict == "fail" and "parameter is empty" in text]

    assert count == len(found)
    assert all(text.startswith("/items/{name}: Falcon") for text in found)


def test_websockets_and_mounted_applications_are_read(made):
    seen = own_rows(made(LITESTAR))

    assert {("WEBSOCKET", "/ws"), ("ANY", "/raw")} <= seen.keys()


def test_websockets_of_quart_are_read(made):
    assert ("WEBSOCKET", "/ws") in own_rows(made(QUART))


def test_an_application_that_nothing_guards_yet(made):
    """A bare ``install`` protects nothing without the middleware."""
    target = made(BOTTLE.replace("both.wsgi(inner)", "inner"))

    assert 1 == run("routes", target).code
    assert [("fail", "no safeconduct middleware is around it: every route is open")] == findings(target)


def test_a_bare_wrapping_without_requires_is_a_warning(made):
    text = BOTTLE.replace("    install(inner, both)\n", "").replace('requires(scopes=["pay"])', "")

    assert "warn" in {verdict for verdict, text in findings(made(text)) if "wrapped around a Bottle" in text}


DJANGO = """
    from django.core.handlers.{world} import {kind}
    from django.http import HttpResponse
    from django.urls import include, path, re_path
    from django.views import View
    class Item(View):
        def get(self, request, name): return HttpResponse()
        @requires(scopes=["pay"])
        def post(self, request, name): return HttpResponse()
    def answer(request, **_): return HttpResponse()
    inner = [path("x", answer)]
    urlpatterns = [
        path("items/<str:name>", Item.as_view()), path("public", answer), path("admin/", include(inner)),
        re_path("^old/(?P<year>[0-9]+)$", requires(roles=["historian"])(answer)),
    ]
    app = {kind}()
"""


@pytest.mark.parametrize(("world", "kind"), [("wsgi", "WSGIHandler"), ("asgi", "ASGIHandler")])
@pytest.mark.parametrize("is_guarded", [True, False])
def test_routes_of_django_are_read(made, folder, world, kind, is_guarded):
    target = made(DJANGO.format(world=world, kind=kind))
    name = target.partition(":")[0]
    middleware = ["safeconduct.django.SafeconductMiddleware"] if is_guarded else []
    sys.path.insert(0, str(folder))
    try:
        with override_settings(ROOT_URLCONF=name, MIDDLEWARE=middleware, SAFECONDUCT=None):
            ended, verdicts = run("routes", target, "--json"), findings(target)
    finally:
        sys.path.remove(str(folder))

    seen = {(row["method"], row["path"]): row for row in ended.json}
    assert (0 if is_guarded else 1) == ended.code
    assert ["historian"] == seen["ANY", "/old/(?P<year>[0-9]+)"]["roles"]
    assert ["pay"] == seen["POST", "/items/<str:name>"]["scopes"]
    assert ([["admin"], "authenticated"] if is_guarded else [[], "public"]) == [
        seen["ANY", "/admin/x"]["roles"], seen["GET", "/items/<str:name>"]["access"]
    ]  # fmt: skip
    expected = "it is guarded by the integration for Django" if is_guarded else "no safeconduct middleware is around it"
    assert any(text.startswith(expected) for _, text in verdicts)
