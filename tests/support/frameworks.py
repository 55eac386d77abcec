"""
Applications of every framework that serve every method on ``/payroll/``, so that only the gate can refuse one.

Each takes a ``ServedMethods``, which records the method of every request that the application serves.
"""

import warnings

import bottle
from asgiref.wsgi import WsgiToAsgi
from django.http import HttpResponse
from django.urls import path as django_path
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from django_site import handler

with warnings.catch_warnings():
    # Pyramid imports `pkg_resources`, which setuptools deprecates, and its WebOb `cgi`, which Python does.
    for category in DeprecationWarning, UserWarning:
        warnings.simplefilter("ignore", category)
    from pyramid.config import Configurator
    from pyramid.response import Response as PyramidResponse

BODY = "the protected body"
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")


class ServedMethods(list):
    """The methods of the requests that an application served, in their order."""

    def answer(self, method):
        """Record the method and return the body."""
        self.append(method)
        return BODY


def plain_asgi(served):
    """Return an ASGI application of no framework."""

    async def application(scope, _receive, send):
        body = served.answer(scope["method"]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return application


def plain_wsgi(served):
    """Return a WSGI application of no framework."""

    def application(environ, start_response):
        body = served.answer(environ["REQUEST_METHOD"]).encode()
        start_response("200 OK", [])
        return [body]

    return application


def starlette_route(served):
    """Return a Starlette application with a route for every method."""

    async def view(request):
        return PlainTextResponse(served.answer(request.method))

    return Starlette(routes=[Route("/payroll/", view, methods=EVERY_METHOD)])


def starlette_mount(served):
    """Return a Starlette application that mounts one of no framework."""
    return Starlette(routes=[Mount("/payroll", app=plain_asgi(served))])


def fastapi_route(served):
    """Return a FastAPI application with a route for every method."""
    application = FastAPI(openapi_url=None)

    def view():
        return served.answer("any")

    application.add_api_route("/payroll/", view, methods=list(EVERY_METHOD))
    return application


def flask_route(served):
    """Return a Flask application whose view answers OPTIONS too."""
    application = Flask("payroll")

    def view():
        return served.answer("any")

    application.add_url_rule("/payroll/", view_func=view, methods=EVERY_METHOD, provide_automatic_options=False)
    return application


def flask_override(served):
    """Return a Flask application for DELETE alone, below a middleware that lets a field name the method."""
    application = Flask("payroll")

    def view():
        return served.answer("DELETE")

    application.add_url_rule("/payroll/", view_func=view, methods=["DELETE"])

    def overriding(environ, start_response):
        environ["REQUEST_METHOD"] = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", environ["REQUEST_METHOD"])
        return application(environ, start_response)

    return overriding


def pyramid_view(served):
    """Return a Pyramid application; its views are for every method unless they say otherwise."""

    def view(request):
        return PyramidResponse(served.answer(request.method))

    with Configurator() as config:
        config.add_route("payroll", "/payroll/")
        config.add_view(view, route_name="payroll")
        return config.make_wsgi_app()


def bottle_any(served):
    """Return a Bottle application with a route for ``ANY``."""
    application = bottle.Bottle()
    application.route("/payroll/", "ANY", lambda: served.answer(bottle.request.method))
    return application


def starlette_override(served):
    """Return a Starlette application for DELETE alone, below a middleware that lets a field name the method."""

    async def view(request):
        return PlainTextResponse(served.answer(request.method))

    application = Starlette(routes=[Route("/payroll/", view, methods=["DELETE"])])

    async def overriding(scope, receive, send):
        method = dict(scope["headers"]).get(b"x-http-method-override", scope["method"].encode())
        await application({**scope, "method": method.decode()}, receive, send)

    return overriding


def _django_patterns(served):
    def view(request):
        return HttpResponse(served.answer(request.method))

    return (django_path("payroll/", view),)


def django_wsgi(served):
    """Return a Django application behind WSGI, with a view that is a function."""
    return handler("wsgi", _django_patterns(served), middleware=())


def django_asgi(served):
    """Return a Django application behind ASGI, with a view that is a function."""
    return handler("asgi", _django_patterns(served), middleware=())


ASGI = {
    "plain": plain_asgi,
    "starlette": starlette_route,
    "starlette mount": starlette_mount,
    "starlette override": starlette_override,
    "fastapi": fastapi_route,
    "django": django_asgi,
    "flask by asgiref": lambda served: WsgiToAsgi(flask_route(served)),
}
WSGI = {
    "plain": plain_wsgi,
    "flask": flask_route,
    "flask override": flask_override,
    "django": django_wsgi,
    "pyramid": pyramid_view,
    "bottle": bottle_any,
}
