"""
The drivers of the request table in this process: one for each way to wrap an application.

Those of one framework are in ``<framework>_table.py``, since they also run where no other is installed.
"""

from importlib import import_module
from pathlib import Path

from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from starlette.applications import Starlette
from starlette.routing import Mount

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
    """Create the drivers of no framework and of several at once, each with its own loop."""
    return [
        Asgi("asgi", lambda auth: auth.asgi(AsgiReport()), ASGI_OFFERS | GUARDS),
        Wsgi("wsgi", lambda auth: auth.wsgi(wsgi_application), WSGI_OFFERS | GUARDS),
        Asgi("flask in starlette by a2wsgi", _nested(WSGIMiddleware), NESTED_OFFERS | GUARDS),
        Asgi("flask in starlette by asgiref", _nested(WsgiToAsgi), NESTED_OFFERS | GUARDS),
    ]


def of_frameworks():
    """Create the drivers of every integration."""
    tables = sorted(file.stem for file in Path(__file__).parent.glob("*_table.py") if file.stem != "request_table")
    return [driver for table in tables for driver in import_module(table).drivers()]
