"""A Django project with users, views and the admin, behind an ``Auth`` of its own; it needs no other framework."""

import asyncio

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import Group
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.test import AsyncClient, Client, override_settings
from django.urls import clear_script_prefix, path

from app_client import SentRequest, asgi_messages, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from django_site import OF_A_PROJECT, close_connections, make_tables
from safeconduct import Auth, Config, requires
from safeconduct.django import DjangoDirectory
from safeconduct.testing import Clock, signed_in, throw_away_keys

SITE = "https://app.example"
OWN_PAGE = {"Origin": SITE}
IDP = "https://idp.example"


def configuration(**fields):
    """Return the configuration of the project: cookies and tokens, forms, everything but a few paths closed."""
    usual = {
        "store": "memory://",
        "issuer": SITE,
        "audience": SITE,
        "keys": throw_away_keys(),
        "external_url": SITE,
        "sources": ["bearer", "cookie"],
        "csrf": {"token": "fallback"},
        "access": {"default": "anonymous"},
    }
    return Config(**usual | fields)


class Project:
    """
    A project whose settings are in effect while a test runs.

    Args:
        urlpatterns: Its routes.
        fields: Those of its configuration that differ.
        settings: Those of Django that differ.
        directory: Its directory; None for none.
    """

    def __init__(self, urlpatterns=(), *, directory=DjangoDirectory, fields=None, middleware=OF_A_PROJECT, **settings):
        make_tables()
        self.clock = Clock()
        self.auth = Auth(configuration(**fields or {}), directory=directory and directory(), clock=self.clock)
        self._settings = override_settings(
            SAFECONDUCT_AUTH=self.auth, MIDDLEWARE=list(middleware), ROOT_URLCONF=tuple(urlpatterns), **settings
        )

    def __enter__(self):
        self._settings.enable()
        get_user_model().objects.all().delete()
        Group.objects.all().delete()
        return self

    def __exit__(self, *_error):
        self._settings.disable()
        # A handler has set it for its thread.
        clear_script_prefix()
        close_connections()
        self.auth.close()

    def token(self, subject, **grant):
        """Return the header of a token without a session."""
        return signed_in(self.auth, subject, **grant)

    def client(self, subject=None, **how):
        """Return a client of Django, which sends a token of *subject* with every request."""
        headers = {} if subject is None else self.token(subject)
        return Client(headers=headers, raise_request_exception=False, enforce_csrf_checks=True, **how)


def sign_in(client, username="alice", password="correct horse", **more):
    """Sign in by cookie."""
    body = {"username": username, "password": password, "cookies": True, **more}
    return client.post("/auth/login", body, content_type="application/json", secure=True, headers=OWN_PAGE)


def new_user(username="alice", password="correct horse", **more):
    """Make a user."""
    return get_user_model().objects.create_user(username, password=password, **more)


def named(request):
    """Answer with the name of the user."""
    return JsonResponse({"user": request.user.get_username(), "is_authenticated": request.user.is_authenticated})


async def named_awaited(request):
    """Answer with the name of the user, in the event loop."""
    user = await request.auser()
    return JsonResponse({"user": user.get_username(), "is_authenticated": user.is_authenticated})


def nothing(_request):
    """Answer without a look at the user."""
    return HttpResponse("nothing")


VIEWS = (
    path("named", named),
    path("named/async", named_awaited),
    path("nothing", nothing),
    path("closed", login_required(named)),
    path("permitted", permission_required("auth.view_user", raise_exception=True)(named)),
    path("scoped", requires(scopes=["read"])(named)),
    path("form", lambda request: HttpResponse(get_token(request))),
)


def get(kind, target, **headers):
    """Send a GET by the synchronous or the asynchronous client, and return the response."""
    if kind == "wsgi":
        return Client(raise_request_exception=False).get(target, headers=headers)
    client = AsyncClient(raise_request_exception=False)
    return asyncio.run(client.get(target, headers=headers))


def ask_wsgi(application, target, *, path_info=None, headers=(), **environ):
    """Call a WSGI application as a server would, and return the response."""
    request = SentRequest("GET", target, (("host", b"app.example"), *headers), "https")
    raw = {} if path_info is None else {"PATH_INFO": path_info}
    return call_wsgi(application, wsgi_environ(request, **raw, **environ))


async def ask_asgi(application, target, *, method="GET", headers=(), **more):
    """Call an ASGI application for a client that stays: Django ends a request when its client has gone."""
    request = SentRequest(method, target, (("host", b"app.example"), *headers), "https")
    messages = asgi_messages(request)

    async def connected(scope, _receive, send):
        async def receive():
            if not messages:
                await asyncio.Event().wait()
            return messages.pop()

        await application(scope, receive, send)

    return await call_asgi(connected, asgi_scope(request, **more))
