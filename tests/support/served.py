"""What a real server serves: every stage at one address, told apart by a header of the test's own."""

import os
from functools import partial

from applications import flask_application, starlette_application
from drivers import in_process
from safeconduct import Auth, requires
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct
from stages import STAGES, far_configuration, stage


def _applications(name):
    [driver] = [driver for driver in in_process() if driver.name == name]
    return {stage.encode(): driver.application(stage) for stage in STAGES}


class AsgiStages:
    """The application *name* under every stage, for an ASGI server."""

    def __init__(self, name):
        self._applications = _applications(name)

    async def __call__(self, scope, receive, send):
        """Hand a request on to the stage that its header names."""
        headers = dict(scope.get("headers", ()))
        stage = headers.get(b"x-stage", b"main")
        scheme = headers.get(b"x-scheme", b"").decode() or scope.get("scheme")
        await self._applications[stage]({**scope, "scheme": scheme}, receive, send)


class WsgiStages:
    """The application *name* under every stage, for a WSGI server."""

    def __init__(self, name):
        self._applications = _applications(name)

    def __call__(self, environ, start_response):
        """Hand a request on to the stage that its header names."""
        environ["wsgi.url_scheme"] = environ.get("HTTP_X_SCHEME") or environ["wsgi.url_scheme"]
        return self._applications[environ.get("HTTP_X_STAGE", "main").encode()](environ, start_response)


starlette_stages = partial(AsgiStages, "starlette")
fastapi_stages = partial(AsgiStages, "fastapi")
flask_stages = partial(WsgiStages, "flask")
wsgi_stages = partial(WsgiStages, "wsgi")


def _far():
    """Return an ``Auth`` that shares a store with other processes, by the machine's own clock."""
    return Auth(far_configuration(os.environ["STORE_URL"]))


def starlette_far():
    """Return the Starlette application of such a process."""
    application = starlette_application()
    application.add_middleware(AuthMiddleware, auth=_far())
    return application


def flask_far():
    """Return the Flask application of such a process."""
    application = flask_application()
    Safeconduct(_far()).init_app(application)
    return application


def sockets():
    """Return an application that accepts sockets, and at ``/late`` asks for more when it is too late."""

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

    return stage("main").asgi(application)
