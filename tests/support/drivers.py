"""The drivers of the request table in this process: one for each way to wrap an application."""

from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from starlette.applications import Starlette
from starlette.routing import Mount

import fastapi_table
import flask_table
import starlette_table
from app_reports import AsgiReport, wsgi_application
from flask_table import by_extension
from in_process_drivers import ASGI_OFFERS, GUARDS, NESTED_OFFERS, WSGI_OFFERS, Asgi, Wsgi
from safeconduct.asgi import AuthMiddleware


def _by_middleware(application, auth):
    application.add_middleware(AuthMiddleware, auth=auth)
    return application


def _nested(bridge):
    return lambda auth: _by_middleware(Starlette(routes=[Mount("/", app=bridge(by_extension(auth)))]), auth)


def in_process():
    """Create every driver of this process, each with its own loop."""
    return [
        Asgi("asgi", lambda auth: auth.asgi(AsgiReport()), ASGI_OFFERS | GUARDS),
        *starlette_table.drivers(),
        *fastapi_table.drivers(),
        Wsgi("wsgi", lambda auth: auth.wsgi(wsgi_application), WSGI_OFFERS | GUARDS),
        *flask_table.drivers(),
        Asgi("flask in starlette by a2wsgi", _nested(WSGIMiddleware), NESTED_OFFERS | GUARDS),
        Asgi("flask in starlette by asgiref", _nested(WsgiToAsgi), NESTED_OFFERS | GUARDS),
    ]
