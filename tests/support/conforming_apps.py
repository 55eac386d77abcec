"""Applications of each framework whose author runs the conformance suite, and plain ones that err."""

import litestar
from fastapi import FastAPI, WebSocket
from flask import Flask
from litestar.middleware import DefineMiddleware
from quart import Quart, websocket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

import safeconduct.fastapi
import safeconduct.starlette
from memory_directory import MemoryDirectory
from safeconduct import AccessConfig, Auth, Config, Rule, current
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct
from safeconduct.litestar import SafeconductPlugin
from safeconduct.quart import Safeconduct as QuartSafeconduct
from safeconduct.testing import Clock, throw_away_keys
from safeconduct.testing.conformance import Site

NAME = "https://api.example.com"
PATHS = ("/", "/me", "/admin")
LOGIN = ("alice", "open sesame")


def new_auth(**options):
    """Return an ``Auth`` with a public path, a closed one and one that needs a role."""
    access = AccessConfig(
        public=["/"], rules=[Rule(path="/admin", roles=["admin"])], on_invalid=options.pop("on_invalid", "reject")
    )
    usual = {"issuer": NAME, "audience": NAME, "external_url": NAME, "keys": throw_away_keys(), "store": "memory://"}
    parts = {"directory": MemoryDirectory(alice=LOGIN[1]), "clock": Clock()}
    parts |= {name: options.pop(name) for name in ("directory", "clock") if name in options}
    # Connections are checked often, so that a test does not wait.
    usual["revocation"] = {"staleness_seconds": 0.01}
    return Auth(Config(**{**usual, "sources": ["bearer", "cookie"], "access": access, **options}), **parts)


def subject():
    return getattr(current(), "subject", "anonymous")


async def view(_request):
    return PlainTextResponse(subject())


async def socket(websocket):
    await websocket.accept()
    await websocket.receive()


def starlette_routes():
    return [WebSocketRoute("/ws", socket), *(Route(path, view) for path in PATHS)]


def starlette_app(auth):
    app = Starlette(routes=starlette_routes())
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


def fastapi_routes():
    app = FastAPI()
    for path in PATHS:
        app.get(path)(subject)

    @app.websocket("/ws")
    async def open_socket(websocket: WebSocket):
        await socket(websocket)

    return app


def fastapi_app(auth):
    app = fastapi_routes()
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


@litestar.get(list(PATHS), media_type="text/plain")
async def litestar_view() -> str:
    return subject()


@litestar.websocket("/ws")
async def litestar_socket(socket: litestar.WebSocket) -> None:
    await socket.accept()
    await socket.receive()


def litestar_app(auth):
    return litestar.Litestar([litestar_view, litestar_socket], middleware=[DefineMiddleware(AuthMiddleware, auth=auth)])


def litestar_plugin(auth):
    return litestar.Litestar([litestar_view, litestar_socket], plugins=[SafeconductPlugin(auth)])


def fastapi_installed(auth):
    app = fastapi_routes()
    safeconduct.fastapi.install(app, auth)
    return app


def starlette_installed(auth):
    app = Starlette(routes=starlette_routes())
    safeconduct.starlette.install(app, auth)
    return app


def quart_app(auth):
    app = Quart("app")
    for path in PATHS:
        app.add_url_rule(path, path, subject)

    @app.websocket("/ws")
    async def open_socket():
        await websocket.accept()
        await websocket.receive()

    QuartSafeconduct(auth).init_app(app)
    return app


def flask_app(auth):
    app = Flask("app")
    for path in PATHS:
        app.add_url_rule(path, path, subject)
    Safeconduct(auth).init_app(app)
    return app


def plain_wsgi(auth):
    def app(_environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (part.encode() for part in (subject(),))

    return auth.wsgi(app)


async def echo(scope, receive, send):
    """Answer every request, and accept every WebSocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": subject()})
        await receive()
        return
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": subject().encode()})


def plain_asgi(auth):
    return auth.asgi(echo)


APPS = {
    make.__name__: make
    for make in (
        *(starlette_app, starlette_installed, fastapi_app, fastapi_installed, litestar_app, litestar_plugin),
        *(flask_app, quart_app, plain_wsgi, plain_asgi),
    )
}


def site_of(app, **more):
    """Return the site of *app* with everything that the suite can check."""
    usual = {"closed": "/me", "public": "/", "needs_role": ("/admin", "admin"), "websocket": "/ws", "login": LOGIN}
    return Site(app, **{**usual, **more})


def around(protected, respond):
    """Return an application that is found to be protected, and answers by itself."""

    def app(environ, start_response):
        status, headers, body = respond(environ)
        start_response(status, headers)
        return [body]

    app.app = protected
    return app
