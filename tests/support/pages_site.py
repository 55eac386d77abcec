"""
Pages of HTML in Flask, Django and Starlette, served for real for browsers whose scripts are switched off.

Its pages: ``/`` is public; ``/orders`` is closed and shows its query and a form to itself; ``/settings`` needs an
explicit sign-in of the last five minutes.
"""

import contextlib
import socket
from functools import partial
from html import escape

import flask
from django.http import HttpResponse
from django.urls import path
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from demo_servers import serving_asgi, serving_wsgi
from django_site import OF_A_PROJECT, handler
from memory_directory import MemoryDirectory
from safeconduct import Auth, Config, current
from safeconduct.flask import Safeconduct
from table_tokens import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY
from worlds import Clock

PASSWORDS = {"alice": "wonder", "bob": "builder"}
ACCESS = {
    "public": ["/"],
    "rules": [{"path": "/settings", "level": "explicit", "max_age_seconds": 300}],
}
_PAGE = """<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1>
<p id="user">{user}</p><p id="query">{query}</p><p id="sent">{sent}</p>
<a href="/orders?page=2&amp;sort=price">Orders</a> <a href="/settings">Settings</a>
<form method="post" action="/settings?tab=mail"><input type="hidden" name="mail" value="on"><button>Save</button></form>
</html>"""


def page_of(title, query, sent=""):
    """Return a page that shows who is asking, its query, and what was sent to it."""
    identity = current()
    user = identity.subject if identity.is_authenticated else "nobody"
    return _PAGE.format(title=title, user=escape(user), query=escape(query), sent=escape(sent))


def flask_site(auth):
    """Return the Flask application."""
    app = flask.Flask("pages")

    @app.get("/")
    def home():
        return page_of("Home", flask.request.query_string.decode())

    @app.get("/orders")
    def orders():
        return page_of("Orders", flask.request.query_string.decode())

    @app.route("/settings", methods=["GET", "POST"])
    def settings():
        return page_of("Settings", flask.request.query_string.decode(), flask.request.form.get("mail", ""))

    Safeconduct(auth).init_app(app)
    return app


def starlette_site(auth):
    """Return the Starlette application."""

    async def home(request):
        return HTMLResponse(page_of("Home", request.url.query))

    async def orders(request):
        return HTMLResponse(page_of("Orders", request.url.query))

    async def settings(request):
        sent = (await request.body()).decode().partition("=")[2]
        return HTMLResponse(page_of("Settings", request.url.query, sent))

    routes = [
        Route("/", home),
        Route("/orders", orders),
        Route("/settings", settings, methods=["GET", "POST"]),
    ]
    return auth.asgi(Starlette(routes=routes))


def django_site(auth, kind="wsgi"):
    """Return the Django application, with the middlewares of a new project."""

    def home(request):
        return HttpResponse(page_of("Home", request.META["QUERY_STRING"]))

    def orders(request):
        return HttpResponse(page_of("Orders", request.META["QUERY_STRING"]))

    def settings(request):
        return HttpResponse(page_of("Settings", request.META["QUERY_STRING"], request.POST.get("mail", "")))

    routes = (path("", home), path("orders", orders), path("settings", settings))
    return handler(kind, routes, middleware=OF_A_PROJECT, SAFECONDUCT_AUTH=auth)


#: How each framework's application is made, and how it is served.
SITES = {
    "flask": (flask_site, serving_wsgi),
    "starlette": (starlette_site, serving_asgi),
    "django": (django_site, serving_wsgi),
    "django-asgi": (partial(django_site, kind="asgi"), serving_asgi),
}


class PagesSite:
    """
    The application, served by *framework*, with a ``clock`` that is moved by hand.

    Args:
        framework: A key of ``SITES``.
        fields: More fields of the configuration; the sections ``access`` and ``endpoints`` are merged.
    """

    def __init__(self, framework, **fields):
        self.clock, self.events = Clock(), []
        make, serving = SITES[framework]
        with socket.socket() as sock, contextlib.ExitStack() as stack:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            self.auth = stack.enter_context(
                Auth(
                    pages_configuration(self.url, **fields),
                    directory=MemoryDirectory(**PASSWORDS),
                    clock=self.clock,
                    listeners=[self.events.append],
                )
            )
            stack.enter_context(serving(make(self.auth), sock))
            self._stack = stack.pop_all()

    def close(self):
        """Stop serving."""
        self._stack.close()


def pages_configuration(url, *, access=None, endpoints=None, **fields):
    """Return the configuration of a site at *url*, whose cookies need no TLS."""
    # Cookies know no port, so that each site has names of its own.
    name = "pages-" + url.rpartition(":")[2]
    usual = {
        "store": "memory://",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "keys": {"keys": [OWN_KEY, SECRETS_KEY]},
        "external_url": url,
        "sources": ["cookie"],
        "access": ACCESS | (access or {}),
        "endpoints": {"title": "The shop"} | (endpoints or {}),
        "csrf": {"token": "fallback"},
        "cookies": {"access": name, "refresh": f"{name}-refresh", "device": f"{name}-device", "secure": False},
    }
    return Config(**usual | fields)
