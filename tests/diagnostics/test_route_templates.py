"""A refusal of a view names the template of its route, where the framework tells it; one of the gate has no route."""

import inspect

import bottle
import django.http
import django.urls
import falcon
import falcon.asgi
import pytest
from django.test import override_settings
from fastapi import APIRouter, FastAPI
from flask import Flask
from litestar import Litestar, get
from litestar.params import FromPath
from pyramid.config import Configurator
from quart import Quart
from starlette.applications import Starlette
from starlette.routing import Mount, Route, Router
from starlette.testclient import TestClient
from werkzeug.test import Client

import django_site
import safeconduct.bottle
import safeconduct.falcon
import safeconduct.fastapi
import safeconduct.flask
import safeconduct.pyramid
import safeconduct.quart
import safeconduct.starlette
from auth_setups import SITE, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth, requires
from safeconduct.events import RequestRefused
from safeconduct.litestar import SafeconductPlugin
from table_tokens import tokens

ALICE = {"authorization": f"Bearer {tokens()['alice']}"}
RICH = requires(scopes=["of nobody"])


@RICH
async def show(request):
    """Never run."""


def on_flask(auth):
    app = Flask("x")
    app.get("/users/<int:number>")(RICH(lambda number: [number]))
    safeconduct.flask.Safeconduct(auth, app)
    return app


def on_quart(auth):
    app = Quart("x")
    app.get("/users/<int:number>")(RICH(lambda number: [number]))
    safeconduct.quart.Safeconduct(auth, app)
    return app


def on_starlette(auth):
    app = Starlette(routes=[Mount("/v1", routes=[Route("/users/{number:int}", show)])])
    safeconduct.starlette.install(app, auth)
    return app


def on_fastapi(auth):
    app, router = FastAPI(), APIRouter(prefix="/v1")
    router.get("/users/{number}")(RICH(lambda number: [number]))
    app.include_router(router)
    safeconduct.fastapi.install(app, auth)
    return app


def on_litestar(auth):
    @get("/users/{number:int}")
    @RICH
    async def user(number: FromPath[int]) -> None:
        """Never run."""

    return Litestar([user], plugins=[SafeconductPlugin(auth)])


class User:
    on_get = RICH(lambda _self, _req, _resp, number: number)


class AwaitedUser:
    @RICH
    async def on_get(self, req, resp, number):
        """Never run."""


def on_falcon(auth):
    app = falcon.App()
    app.add_route("/users/{number}", User())
    safeconduct.falcon.install(app, auth)
    return auth.wsgi(app)


def on_falcon_asgi(auth):
    app = falcon.asgi.App()
    app.add_route("/users/{number}", AwaitedUser())
    safeconduct.falcon.install(app, auth)
    return auth.asgi(app)


def on_pyramid(auth):
    config = Configurator()
    safeconduct.pyramid.install(config, auth)
    config.add_route("user", "users/{number}")
    config.add_view(RICH(lambda _context, _request: None), route_name="user", renderer="json")
    return auth.wsgi(config.make_wsgi_app())


def on_bottle(auth):
    app = bottle.Bottle()
    safeconduct.bottle.install(app, auth)
    app.get("/users/<number:int>")(RICH(lambda number: [number]))
    return auth.wsgi(app)


def on_django(auth):
    view = RICH(lambda _request, number: number)
    return _on_django(auth, [django.urls.path("users/<int:number>", view)])


def on_ninja(auth):
    from ninja import NinjaAPI  # noqa: PLC0415 - it reads the settings of Django, which `django_site` makes

    api = NinjaAPI(urls_namespace="route templates", docs_url=None)
    api.get("/{number}")(RICH(lambda request, number: (request, number)))
    return _on_django(auth, [django.urls.path("users/", api.urls)])


def _on_django(auth, patterns):
    with override_settings(SAFECONDUCT=configuration(), SAFECONDUCT_AUTH=lambda _config: auth):
        return django_site.handler("wsgi", patterns)


#: Older versions of Starlette do not.
TELLS_ROUTES = 'scope["route"]' in inspect.getsource(Router)

APPS = {
    "flask": (on_flask, "/users/7", "/users/<int:number>"),
    "quart": (on_quart, "/users/7", "/users/<int:number>"),
    "starlette": (on_starlette, "/v1/users/7", "/v1/users/{number:int}" if TELLS_ROUTES else None),
    "fastapi": (on_fastapi, "/v1/users/7", "/v1/users/{number}"),
    "litestar": (on_litestar, "/users/7", "/users/{number}"),
    "falcon": (on_falcon, "/users/7", "/users/{number}"),
    "falcon-asgi": (on_falcon_asgi, "/users/7", "/users/{number}"),
    "pyramid": (on_pyramid, "/users/7", "/users/{number}"),
    "bottle": (on_bottle, "/users/7", "/users/<number:int>"),
    "django": (on_django, "/users/7", "/users/<int:number>"),
    "ninja": (on_ninja, "/users/7", "/users/<number>"),
}
ASGI = {"quart", "starlette", "fastapi", "litestar", "falcon-asgi"}


def refusals(name, path, headers):
    """Send one request, and return the status and what was reported."""
    heard, make = [], APPS[name][0]
    with Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[heard.append]) as auth:
        client = TestClient(make(auth), SITE) if name in ASGI else Client(make(auth))
        where = {} if name in ASGI else {"base_url": SITE}
        status = client.get(path, headers=headers, **where).status_code
    return status, [each for each in heard if isinstance(each, RequestRefused)]


@pytest.mark.parametrize("name", APPS)
def test_a_view_names_its_template(name):
    _, path, template = APPS[name]

    status, [event] = refusals(name, path, ALICE)

    assert (403, path, template) == (status, event.path, event.route)


@pytest.mark.parametrize("name", APPS)
def test_the_gate_has_no_template(name):
    """It refuses before any routing."""
    path = APPS[name][1]

    status, [event] = refusals(name, path, {})

    assert (401, path, None) == (status, event.path, event.route)


def test_a_template_is_bounded():
    """It goes to the log as a path does."""
    heard = []
    app = Flask("x")
    app.get("/" + "c" * 300)(RICH(lambda: None))
    with Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[heard.append]) as auth:
        safeconduct.flask.Safeconduct(auth, app)
        Client(app).get("/" + "c" * 300, SITE, headers=ALICE)

    assert [200] == [len(each.route) for each in heard if isinstance(each, RequestRefused)]
