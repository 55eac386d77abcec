"""The drivers of the request table in this process: one for each way to wrap an application."""

import asyncio
from typing import Protocol

from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from starlette.applications import Starlette
from starlette.routing import Mount

from app_client import ReceivedResponse, SentRequest, asgi_messages, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from applications import (
    AsgiReport,
    fastapi_application,
    flask_application,
    starlette_application,
    wsgi_application,
)
from auth_setups import auth_for
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct

_ASGI = frozenset({"asgi", "asgi-only", "trace", "breaks"})
_WSGI = frozenset({"wsgi", "joins", "trace", "says", "breaks"})
_NESTED = frozenset({"asgi", "trace", "breaks"})


class Driver(Protocol):
    """One way to serve the application: a framework in production mode, or a real server."""

    name: str
    #: Of ``asgi``, ``asgi-only``, ``wsgi``, ``joins``, ``trace``, ``says``, ``breaks``, ``guards``: which rows make
    #: sense.
    offers: frozenset[str]
    #: Rows that a server changes before they arrive: status, seen identity, and the reason.
    deviations: dict[str, tuple[int, str | None, str]]

    def ask(self, name: str, request: SentRequest) -> ReceivedResponse:
        """Send a request to the application of the setup *name*."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


class Asgi:
    """An ASGI application called in this process."""

    def __init__(self, name, wrap, offers, deviations=None):
        self.name = name
        self.offers = offers
        self.deviations = deviations or {}
        self._wrap = wrap
        self._made = {}
        self._runner = asyncio.Runner()

    def application(self, name):
        """Return the wrapped application of one setup."""
        if name not in self._made:
            self._made[name] = self._wrap(auth_for(name))
        return self._made[name]

    def ask(self, name, request):
        """Send a request on this driver's own loop."""
        call = call_asgi(self.application(name), asgi_scope(request), messages=asgi_messages(request))
        return self._runner.run(call)

    def close(self):
        """End the loop."""
        self._runner.close()


class Wsgi(Asgi):
    """A WSGI application called in this process."""

    def ask(self, name, request):
        """Send a request in this thread."""
        return call_wsgi(self.application(name), wsgi_environ(request))


def _by_middleware(application, auth):
    application.add_middleware(AuthMiddleware, auth=auth)
    return application


def _by_extension(auth):
    application = flask_application()
    Safeconduct(auth).init_app(application)
    return application


def _by_line(auth):
    application = flask_application()
    application.wsgi_app = auth.wsgi(application.wsgi_app)
    return application


def _nested(bridge):
    return lambda auth: _by_middleware(Starlette(routes=[Mount("/", app=bridge(_by_extension(auth)))]), auth)


def in_process():
    """Create every driver of this process, each with its own loop."""
    guards = {"guards"}
    return [
        Asgi("asgi", lambda auth: auth.asgi(AsgiReport()), _ASGI | guards),
        Asgi("starlette", lambda auth: _by_middleware(starlette_application(), auth), _ASGI | guards),
        Asgi("fastapi", lambda auth: _by_middleware(fastapi_application(), auth), _ASGI | guards),
        Asgi("bare starlette", lambda auth: auth.asgi(starlette_application()), _ASGI),
        Wsgi("wsgi", lambda auth: auth.wsgi(wsgi_application), _WSGI | guards),
        Wsgi("flask", _by_extension, _WSGI | guards),
        Wsgi("bare flask", _by_line, _WSGI),
        Asgi("flask in starlette by a2wsgi", _nested(WSGIMiddleware), _NESTED | guards),
        Asgi("flask in starlette by asgiref", _nested(WsgiToAsgi), _NESTED | guards),
    ]
