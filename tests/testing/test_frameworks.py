"""Sign users in with the test client of each framework, by token and by cookie."""

import asyncio
import warnings

import bottle
import falcon
import falcon.testing
import litestar
import pytest
import quart
from channels.generic.websocket import WebsocketConsumer
from channels.testing import WebsocketCommunicator
from django.http import HttpResponse
from django.test import AsyncClient, override_settings
from django.test import Client as DjangoClient
from django.urls import path as django_path
from fastapi import FastAPI
from flask import Flask
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient as LitestarClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from werkzeug.test import Client

from django_site import MIDDLEWARE, handler
from safeconduct import Auth, Config, CsrfConfig, current
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct
from safeconduct.testing import signed_in, signed_in_cookies, throw_away_keys
from safeconduct.testing.conformance import Site, check_all

with warnings.catch_warnings():
    # Pyramid imports `pkg_resources`, which setuptools deprecates, and its WebOb `cgi`, which Python does.
    for category in DeprecationWarning, UserWarning:
        warnings.simplefilter("ignore", category)
    from pyramid.config import Configurator
    from pyramid.response import Response as PyramidResponse

NAME = "https://api.example.com"
METHODS = ["GET", "POST"]


@pytest.fixture
def auth():
    config = Config(
        issuer=NAME,
        audience=NAME,
        external_url=NAME,
        keys=throw_away_keys(),
        store="memory://",
        sources=["bearer", "cookie"],
        csrf=CsrfConfig(token="always"),
    )
    with Auth(config) as auth:
        yield auth


def starlette_client(auth):
    async def me(request):
        return PlainTextResponse(request.user.subject)

    app = Starlette(routes=[Route("/me", me, methods=METHODS)])
    app.add_middleware(AuthMiddleware, auth=auth)
    client = TestClient(app, base_url="https://testserver")
    return client, lambda method, **more: client.request(method, "/me", **more)


def fastapi_client(auth):
    app = FastAPI()
    app.add_middleware(AuthMiddleware, auth=auth)

    @app.api_route("/me", methods=METHODS)
    def me():
        return PlainTextResponse(current().subject)

    client = TestClient(app, base_url="https://testserver")
    return client, lambda method, **more: client.request(method, "/me", **more)


def litestar_client(auth):
    @litestar.route("/me", http_method=METHODS, status_code=200, media_type="text/plain")
    async def me() -> str:
        return current().subject

    app = litestar.Litestar([me], middleware=[DefineMiddleware(AuthMiddleware, auth=auth)])
    client = LitestarClient(app, base_url="https://testserver.local")
    return client, lambda method, **more: client.request(method, "/me", **more)


def flask_client(auth):
    app = Flask("app")
    Safeconduct(auth).init_app(app)
    app.add_url_rule("/me", view_func=lambda: current().subject, endpoint="me", methods=METHODS)
    # With a jar, the client of werkzeug replaces the header by what is in it.
    client = app.test_client(use_cookies=False)
    return client, lambda method, **more: client.open("/me", method=method, base_url="https://localhost", **more)


def quart_client(auth):
    app = quart.Quart("app")
    app.asgi_app = auth.asgi(app.asgi_app)

    @app.route("/me", methods=METHODS)
    async def me():
        return current().subject

    client = app.test_client(use_cookies=False)

    class Received:
        def __init__(self, response, text):
            self.status_code, self.text = response.status_code, text

    async def ask(method, headers):
        response = await client.open("/me", method=method, headers=headers, scheme="https")
        return Received(response, await response.get_data(as_text=True))

    return client, lambda method, headers=None: asyncio.run(ask(method, headers))


def falcon_client(auth):
    class Me:
        def on_get(self, _request, response):
            response.text = current().subject

        on_post = on_get

    app = falcon.App()
    app.add_route("/me", Me())
    client = falcon.testing.TestClient(auth.wsgi(app))
    return client, lambda method, **more: client.simulate_request(method, "/me", protocol="https", **more)


def _werkzeug(app):
    client = Client(app, use_cookies=False)
    return client, lambda method, **more: client.open("/me", method=method, base_url="https://localhost", **more)


def pyramid_client(auth):
    with Configurator() as config:
        config.add_route("me", "/me")
        config.add_view(lambda _request: PyramidResponse(current().subject), route_name="me")
        return _werkzeug(auth.wsgi(config.make_wsgi_app()))


def bottle_client(auth):
    app = bottle.Bottle()
    app.route("/me", METHODS, lambda: current().subject)
    return _werkzeug(auth.wsgi(app))


def plain_client(auth):
    def app(_environ, start_response):
        start_response("200 OK", [])
        return [current().subject.encode()]

    return _werkzeug(auth.wsgi(app))


CLIENTS = {name.removesuffix("_client"): make for name, make in dict(globals()).items() if name.endswith("_client")}
each_client = pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)


@each_client
def test_the_client_of_a_framework_sends_a_token(auth, make):
    client, ask = make(auth)

    assert 401 == ask("GET").status_code
    answer = ask("GET", headers=signed_in(client, "alice"))

    assert (200, "alice") == (answer.status_code, answer.text)


@each_client
def test_the_client_of_a_framework_sends_a_session_by_cookie(auth, make):
    """A request that changes something brings the CSRF token; without it, it is refused."""
    client, ask = make(auth)
    session = signed_in_cookies(client, "alice")
    headers = session.headers

    read, changed = ask("GET", headers={"Cookie": headers["Cookie"]}), ask("POST", headers=headers)

    assert [(200, "alice")] * 2 == [(answer.status_code, answer.text) for answer in (read, changed)]
    assert 403 == ask("POST", headers={"Cookie": headers["Cookie"]}).status_code
    assert 403 == ask("POST", headers={**headers, "X-CSRF-Token": "A" * 43}).status_code
    auth.sessions.end(session.session_id)
    assert 401 == ask("GET", headers=headers).status_code


def test_a_cookie_jar_takes_the_cookies(auth):
    flask = Flask("app")
    Safeconduct(auth).init_app(flask)
    flask.add_url_rule("/me", view_func=lambda: current().subject, endpoint="me")
    client, (starlette, _) = flask.test_client(), starlette_client(auth)
    for name, value in signed_in_cookies(flask, "alice").cookies.items():
        client.set_cookie(name, value)
    starlette.cookies.update(signed_in_cookies(starlette, "bob").cookies)

    assert ("alice", "bob") == (client.get("/me").text, starlette.get("/me").text)


def test_the_client_of_starlette_opens_a_websocket_by_cookie(auth):
    async def socket(websocket):
        await websocket.accept()
        await websocket.send_text(websocket.user.subject)
        await websocket.close()

    client = TestClient(auth.asgi(Starlette(routes=[WebSocketRoute("/ws", socket)])), base_url="https://testserver")
    session = signed_in_cookies(client, "alice")

    with client.websocket_connect("/ws", headers=session.websocket_headers) as connection:
        assert "alice" == connection.receive_text()
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/ws", headers=session.headers):
        pass


@pytest.fixture
def django_view():
    """Return the settings and the routes of a Django project whose view says who is asking."""
    settings = {
        "SAFECONDUCT": {
            "issuer": NAME,
            "audience": NAME,
            "external_url": "https://testserver",
            "keys": throw_away_keys(),
            "store": "memory://",
            "sources": ["bearer", "cookie"],
        },
        "MIDDLEWARE": [MIDDLEWARE],
        "ROOT_URLCONF": (django_path("me", lambda _request: HttpResponse(current().subject)),),
    }
    with override_settings(**settings):
        yield


@pytest.mark.usefixtures("django_view")
def test_the_client_of_django_signs_in():
    """``headers=`` exists since Django 4.2; ``environ`` is for its older form."""
    from rest_framework.test import APIClient  # noqa: PLC0415 - it reads the settings of Django

    client = DjangoClient()
    headers, session = signed_in(client, "alice"), signed_in_cookies(client, "bob")
    browser = DjangoClient()
    for name, value in session.cookies.items():
        browser.cookies[name] = value

    seen = [
        client.get("/me", secure=True),
        client.get("/me", secure=True, headers=headers),
        client.get("/me", secure=True, **headers.environ),
        APIClient().get("/me", secure=True, headers=headers),
        browser.get("/me", secure=True),
        browser.post("/me", secure=True, headers={"X-CSRF-Token": session.csrf_token}),
        browser.post("/me", secure=True),
    ]

    assert [401, 200, 200, 200, 200, 200, 403] == [answer.status_code for answer in seen]
    assert [b"alice", b"alice", b"alice", b"bob", b"bob"] == [answer.content for answer in seen[1:6]]


@pytest.mark.usefixtures("django_view")
def test_the_asynchronous_client_of_django_signs_in():
    async def ask():
        client = AsyncClient()
        return await client.get("/me", secure=True, headers=signed_in(client, "alice"))

    assert b"alice" == asyncio.run(ask()).content


@pytest.mark.usefixtures("django_view")
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_project_of_django_conforms(kind):
    with Site(ours(kind), closed="/me") as site:
        assert () == check_all(site).failed


def ours(kind):
    """Return a handler of Django with the middleware of the settings."""
    return handler(kind, (django_path("me", lambda _request: HttpResponse(current().subject)),))


def test_the_communicator_of_channels_takes_the_raw_headers(auth):
    class Echo(WebsocketConsumer):
        def connect(self):
            self.accept()
            self.send(text_data=self.scope["user"].subject)

    async def connected(headers):
        communicator = WebsocketCommunicator(auth.asgi(Echo.as_asgi()), "/ws", headers=headers)
        is_connected, _ = await communicator.connect()
        subject = await communicator.receive_from() if is_connected else None
        await communicator.disconnect()
        return subject

    assert "alice" == asyncio.run(connected(signed_in(auth, "alice").raw))
    assert asyncio.run(connected([])) is None
