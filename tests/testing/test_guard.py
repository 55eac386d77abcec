"""Find the ``Auth`` that protects an application, however it was wrapped."""

import pytest
from fastapi import FastAPI
from flask import Flask
from httpx2 import ASGITransport, AsyncClient
from litestar import Litestar
from litestar.middleware import DefineMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient

from safeconduct import Auth, Config, ConfigurationError, fastapi, starlette
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct
from safeconduct.testing import signed_in, throw_away_keys
from safeconduct.testing.protected_app import auth_of

NAME = "https://api.example.com"


@pytest.fixture
def auth():
    with Auth(Config(issuer=NAME, audience=NAME, keys=throw_away_keys(), store="memory://")) as auth:
        yield auth


def _flask(auth):
    app = Flask("app")
    Safeconduct(auth).init_app(app)
    return app


def _fastapi(auth):
    app = FastAPI()
    app.add_middleware(AuthMiddleware, auth)
    return app


def _installed(install, app, auth):
    install(app, auth)
    return app


class Plugin:
    """A plugin as that of Litestar, which keeps the ``Auth``."""

    def __init__(self, auth):
        self.auth = auth


class WithPlugins:
    """An application that keeps its plugins, and a handler around its routes."""

    def __init__(self, auth):
        self.plugins = [object(), Plugin(auth)]
        self.asgi_handler = self


WAYS = {
    "itself": lambda auth: auth,
    "ASGI": lambda auth: auth.asgi(print),
    "WSGI": lambda auth: auth.wsgi(print),
    "Flask": _flask,
    "FastAPI": _fastapi,
    "Starlette": lambda auth: Starlette(middleware=[Middleware(AuthMiddleware, auth=auth)]),
    "inside another": lambda auth: AuthMiddleware(Starlette(), auth),
    "installed in Starlette": lambda auth: _installed(starlette.install, Starlette(), auth),
    "installed in FastAPI": lambda auth: _installed(fastapi.install, FastAPI(), auth),
    "positional": lambda auth: Starlette(middleware=[Middleware(AuthMiddleware, auth)]),
    "client of Flask": lambda auth: _flask(auth).test_client(),
    "client of Starlette": lambda auth: TestClient(_fastapi(auth)),
    "asynchronous client": lambda auth: AsyncClient(transport=ASGITransport(_fastapi(auth))),
    "Litestar": lambda auth: Litestar([], middleware=[DefineMiddleware(AuthMiddleware, auth=auth)]),
    "plugin": WithPlugins,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_gate_is_found(auth, way):
    assert auth is auth_of(WAYS[way](auth))


def test_a_caller_is_signed_in_at_an_application(auth):
    client = _flask(auth).test_client()

    assert 401 == client.get("/nowhere").status_code
    assert 404 == client.get("/nowhere", headers=signed_in(client.application, "alice")).status_code


@pytest.mark.parametrize(
    "app",
    [Starlette(), Flask("bare"), Litestar([]), Starlette(middleware=[Middleware(GZipMiddleware)]), print, None],
    ids=["Starlette", "Flask", "Litestar", "another middleware", "function", "nothing"],
)
def test_what_has_no_gate_is_refused(app):
    with pytest.raises(ConfigurationError, match=r"with its middleware, got \w+; pass the Auth, if"):
        signed_in(app, "alice")
