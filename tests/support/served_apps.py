"""The applications that tests serve from real servers; a header of a request chooses its configuration."""

import os
from functools import partial

from app_reports import AsgiReport, wsgi_application
from applications import flask_application, starlette_application
from auth_setups import SETUPS, auth_for, shared_store_configuration
from drivers import in_process, of_frameworks
from safeconduct import Auth, Config, requires
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct
from table_tokens import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY


def _applications(name):
    driver = {driver.name: driver for driver in [*in_process(), *of_frameworks()]}[name]
    return {setup.encode(): driver.application(setup) for setup in SETUPS}


class AsgiSetups:
    """The application *name* under every setup, for an ASGI server."""

    def __init__(self, name):
        self._applications = _applications(name)

    async def __call__(self, scope, receive, send):
        """Pass a request to the setup that its header names."""
        headers = dict(scope.get("headers", ()))
        setup = headers.get(b"x-setup", b"main")
        scheme = headers.get(b"x-scheme", b"").decode() or scope.get("scheme")
        await self._applications[setup]({**scope, "scheme": scheme}, receive, send)


class WsgiSetups:
    """The application *name* under every setup, for a WSGI server."""

    def __init__(self, name):
        self._applications = _applications(name)

    def __call__(self, environ, start_response):
        """Pass a request to the setup that its header names."""
        environ["wsgi.url_scheme"] = environ.get("HTTP_X_SCHEME") or environ["wsgi.url_scheme"]
        return self._applications[environ.get("HTTP_X_SETUP", "main").encode()](environ, start_response)


starlette_setups = partial(AsgiSetups, "starlette")
fastapi_setups = partial(AsgiSetups, "fastapi")
flask_setups = partial(WsgiSetups, "flask")
wsgi_setups = partial(WsgiSetups, "wsgi")
falcon_setups = partial(AsgiSetups, "falcon asgi")
pyramid_setups = partial(WsgiSetups, "pyramid")
quart_setups = partial(AsgiSetups, "quart")
litestar_setups = partial(AsgiSetups, "litestar")
django_setups = partial(WsgiSetups, "django")
django_asgi_setups = partial(AsgiSetups, "django asgi")
bottle_setups = partial(WsgiSetups, "bottle")


def _sharing_auth():
    """Return an ``Auth`` that shares a store with other processes and uses the machine's clock."""
    return Auth(shared_store_configuration(os.environ["STORE_URL"]))


def starlette_sharing():
    """Return the Starlette application of such a process."""
    application = starlette_application()
    application.add_middleware(AuthMiddleware, auth=_sharing_auth())
    return application


def flask_sharing():
    """Return the Flask application of such a process."""
    application = flask_application()
    Safeconduct(_sharing_auth()).init_app(application)
    return application


def sockets():
    """Return an application that accepts WebSockets, and at ``/late`` requires more afterwards."""

    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/late":
            requires(roles=["owner"])(lambda: None)()
        await send({"type": "websocket.close", "code": 4000})

    return auth_for("main").asgi(application)


def _login_auth():
    """Return an ``Auth`` over the users file that the environment names."""
    return Auth(
        Config(
            store="memory://",
            issuer=ISSUER,
            audience=AUDIENCE,
            keys={"keys": [OWN_KEY, SECRETS_KEY]},
            sources=["bearer", "basic"],
            proxies={"trusted": os.environ.get("TRUSTED", "").split()},
            # The machine may be slow; the tests check that nobody is refused, not how long it takes.
            login={"users": os.environ["USERS_FILE"], "queue_seconds": 60},
        )
    )


def login_asgi():
    """Return the application for an ASGI server."""
    return _login_auth().asgi(AsgiReport())


def login_wsgi():
    """Return the application for a WSGI server."""
    return _login_auth().wsgi(wsgi_application)


def paths_asgi():
    """Return an ASGI application that reports the path and the prefix that the server gave it."""

    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        seen = f"{scope.get('root_path', '')} {scope['path']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", seen)]})
        await send({"type": "http.response.body", "body": b""})

    return auth_for("main").asgi(application)


def paths_wsgi():
    """Return a WSGI application that does the same."""

    def application(environ, start_response):
        start_response("200 OK", [("X-Path", f"{environ.get('SCRIPT_NAME', '')} {environ['PATH_INFO']}")])
        return [b""]

    return auth_for("main").wsgi(application)
