"""Doctor says where CORS is answered, in the idiom of each framework; a real preflight confirms it."""

import importlib
import sys

import pytest
from django.test import override_settings
from starlette.testclient import TestClient
from werkzeug.test import Client

import django_site  # noqa: F401 - configures Django for this process
from command_line import run, write_configuration
from inspected_apps import findings, module_writer

SPA = "https://spa.example"
PREFLIGHT = {"Origin": SPA, "Access-Control-Request-Method": "GET"}

#: A middleware of another library, which keeps the application under another name.
WSGI_CORS = """
class WsgiCORS:
    def __init__(self, application): self.application = application
    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "OPTIONS":
            start_response("204 No Content", [("Access-Control-Allow-Origin", environ["HTTP_ORIGIN"])])
            return [b""]
        return self.application(environ, start_response)
"""
FLASK = WSGI_CORS + "app = flask_app()\n"
QUART = """
from quart import Quart
from quart_cors import cors, route_cors
from safeconduct.quart import Safeconduct
app = Quart("x", static_folder=None)
"""
LITESTAR = """
from litestar import Litestar, get
from litestar.config.cors import CORSConfig
from litestar.middleware import DefineMiddleware
from safeconduct.litestar import SafeconductPlugin
@get("/items", sync_to_thread=False)
def items() -> str: return ""
cors = CORSConfig(allow_origins=["*"])
"""
FALCON = """
import falcon
from safeconduct.falcon import install
both = auth()
"""
BOTTLE = WSGI_CORS + "import bottle\nboth = auth()\n"
STAR = "add_middleware(CORSMiddleware, allow_origins=['*'])"
INSTALL = "from safeconduct.fastapi import install\n"

APPLICATIONS = {
    "starlette-outside": (f"app = starlette_app()\napp.{STAR}", "outside: CORSMiddleware"),
    "starlette-inside": (
        f"app = starlette_app(middleware=False)\napp.{STAR}\napp.add_middleware(AuthMiddleware, auth=auth())",
        "inside: CORSMiddleware → Add CORSMiddleware after AuthMiddleware",
    ),
    "starlette-wrapped": (
        f"app = starlette_app(middleware=False)\napp.{STAR}\napp = auth().asgi(app)",
        "inside: CORSMiddleware → Put a CORS middleware around",
    ),
    "starlette-around": (
        "app = CORSMiddleware(auth().asgi(starlette_app(middleware=False)), allow_origins=['*'])",
        "outside: CORSMiddleware",
    ),
    "starlette-none": ("app = starlette_app()", "none"),
    "fastapi-outside": (INSTALL + f"app = FastAPI()\ninstall(app, auth())\napp.{STAR}", "outside: CORSMiddleware"),
    "flask-hooks": (
        FLASK + "from flask_cors import CORS\nCORS(app)\nSafeconduct(auth()).init_app(app)",
        "inside: Flask-CORS → Wrap app.wsgi_app",
    ),
    "flask-view": (
        FLASK + "from flask_cors import cross_origin\napp.add_url_rule('/items', 'items', cross_origin()(lambda: ''))\n"
        "Safeconduct(auth()).init_app(app)",
        "inside: Flask-CORS → Wrap app.wsgi_app",
    ),
    "flask-outside": (
        FLASK + "Safeconduct(auth()).init_app(app)\napp.wsgi_app = WsgiCORS(app.wsgi_app)",
        "outside: WsgiCORS",
    ),
    "flask-before": (
        FLASK + "app.wsgi_app = WsgiCORS(app.wsgi_app)\nSafeconduct(auth()).init_app(app)",
        "inside: WsgiCORS → Wrap app.wsgi_app",
    ),
    "flask-none": (FLASK + "Safeconduct(auth()).init_app(app)", "none"),
    "quart-hooks": (
        QUART + "app = cors(app, allow_origin='*')\nSafeconduct(auth()).init_app(app)",
        "inside: Quart-CORS → Wrap app.asgi_app",
    ),
    "quart-view": (
        QUART + "@app.get('/items')\n@route_cors(allow_origin='*')\nasync def items(): return ''\n"
        "Safeconduct(auth()).init_app(app)",
        "inside: Quart-CORS → Wrap app.asgi_app",
    ),
    "quart-outside": (
        QUART + "Safeconduct(auth()).init_app(app)\napp.asgi_app = CORSMiddleware(app.asgi_app, allow_origins=['*'])",
        "outside: CORSMiddleware",
    ),
    "litestar-config": (
        LITESTAR + "app = Litestar([items], cors_config=cors, plugins=[SafeconductPlugin(auth())])",
        "outside: cors_config",
    ),
    "litestar-wrapped": (
        LITESTAR + "app = auth().asgi(Litestar([items], cors_config=cors))",
        "inside: cors_config → Put a CORS middleware around",
    ),
    "litestar-middleware": (
        LITESTAR + "app = Litestar([items], middleware=[DefineMiddleware(CORSMiddleware, allow_origins=['*'])], "
        "plugins=[SafeconductPlugin(auth())])",
        "inside: CORSMiddleware → Set cors_config",
    ),
    "litestar-none": (LITESTAR + "app = Litestar([items], plugins=[SafeconductPlugin(auth())])", "none"),
    "falcon-enabled": (
        FALCON + "inner = falcon.App(cors_enable=True)\ninstall(inner, both)\napp = both.wsgi(inner)",
        "inside: CORSMiddleware → Put a CORS middleware around",
    ),
    "falcon-middleware": (
        FALCON + "inner = falcon.App(middleware=[falcon.CORSMiddleware()])\ninstall(inner, both)\n"
        "app = both.wsgi(inner)",
        "inside: CORSMiddleware → Put a CORS middleware around",
    ),
    "falcon-none": (FALCON + "inner = falcon.App()\ninstall(inner, both)\napp = both.wsgi(inner)", "none"),
    "bottle": (BOTTLE + "app = both.wsgi(bottle.Bottle())", "unknown: Bottle"),
    "bottle-outside": (BOTTLE + "app = WsgiCORS(both.wsgi(bottle.Bottle()))", "outside: WsgiCORS"),
    "pyramid": (
        "from pyramid.config import Configurator\napp = auth().wsgi(Configurator().make_wsgi_app())",
        "unknown: Pyramid",
    ),
    "raw-inside": (WSGI_CORS + "app = auth().wsgi(WsgiCORS(lambda environ, start_response: []))", "inside: WsgiCORS"),
    "raw": ("app = auth().asgi(raw)", "unknown: an application of this kind"),
}


def position(target):
    """Return what doctor says of CORS."""
    said = {
        "outside": " is outside of AuthMiddleware: pages can read refusals too",
        "inside": " is inside of AuthMiddleware: preflights are refused before it",
    }
    found = []
    for verdict, text in findings(target):
        found += [f"{where}: {text.partition(' is ')[0]}" for where, sentence in said.items() if sentence in text]
        if text.startswith("CORS cannot be found in "):
            found.append("unknown: " + text.removeprefix("CORS cannot be found in ").partition(";")[0])
            assert "ok" == verdict
    assert len(found) < 2, found
    return found[0] if found else "none"


def allowed_origin(app):
    """Send a preflight, and return the status and which origin the answer allows."""
    is_wsgi = "environ" in app.__call__.__code__.co_varnames
    client = Client(app) if is_wsgi else TestClient(app, "https://api.example.com")
    answered = client.options("/items", headers=PREFLIGHT)
    return answered.status_code, answered.headers.get("access-control-allow-origin")


def remedies(target):
    """Return what doctor advises against a CORS inside."""
    return [row["remedy"] or "" for row in run("doctor", target, "--json").json if " is inside of Auth" in row["text"]]


@pytest.mark.parametrize("case", APPLICATIONS)
def test_the_position_of_cors_is_known(folder, case):
    text, expected = APPLICATIONS[case]
    write = module_writer(folder)
    write_configuration(folder)
    name = write(text)
    said, _, remedy = expected.partition(" → ")

    assert said == position(f"{name}:app")
    assert all(each.startswith(remedy) for each in remedies(f"{name}:app"))
    status, origin = allowed_origin(importlib.import_module(name).app)
    assert (said.startswith("outside"), said.startswith("outside")) == (status < 300, origin in {"*", SPA})


CORSHEADERS = "corsheaders.middleware.CorsMiddleware"
OURS = "safeconduct.django.SafeconductMiddleware"


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        ([CORSHEADERS, OURS], f"outside: {CORSHEADERS}"),
        ([OURS, CORSHEADERS], f"inside: {CORSHEADERS}"),
        ([OURS], "none"),
    ],
)
@pytest.mark.parametrize("world", ["wsgi", "asgi"])
def test_the_order_of_middleware_in_django(folder, middleware, expected, world):
    write = module_writer(folder)
    write_configuration(folder)
    name = write(f"""
        from django.core.handlers.{world} import {world.upper()}Handler
        urlpatterns = []
        app = {world.upper()}Handler()
    """)
    sys.path.insert(0, str(folder))
    try:
        # Naming SAFECONDUCT lets the project read the configuration of this test, and forget it after it.
        with override_settings(ROOT_URLCONF=name, MIDDLEWARE=middleware, CORS_ALLOW_ALL_ORIGINS=True, SAFECONDUCT=None):
            said, advised = position(f"{name}:app"), remedies(f"{name}:app")
            handler = type(importlib.import_module(name).app)()
            status, origin = allowed_origin(handler)
    finally:
        sys.path.remove(str(folder))

    assert expected == said
    assert all(f'before "{OURS}" in MIDDLEWARE' in each for each in advised)
    is_outside = expected.startswith("outside")
    assert (is_outside, is_outside) == (status < 300, origin is not None)
