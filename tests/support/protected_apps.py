"""Applications of Flask and Django that a ``ResourceProtector`` of Authlib protects, alone or below our middleware."""

import asyncio
import json

import httpx2
from authlib.integrations import django_oauth2, flask_oauth2
from django.http import JsonResponse
from django.urls import path as django_path
from flask import Flask

from app_client import ReceivedResponse, SentRequest, call_wsgi, wsgi_environ
from django_site import handler
from safeconduct.authlib import BearerTokenValidator

#: The scopes of each path, as ``require_oauth`` takes them.
SCOPES = {"/any": None, "/read": "read", "/either": ["read", "admin"], "/both": "read admin"}


class ProtectedApp:
    """
    An application with one path for each kind of requirement; it answers what ``current_token`` is.

    Args:
        kind: ``flask``, ``django`` or ``django asgi``.
        auth: The ``Auth`` of the validator.
        around: The ``Auth`` whose middleware is around the application, or None.
    """

    def __init__(self, kind, auth, around=None):
        self.is_asgi = kind.endswith("asgi")
        self.calls = 0
        app = {"flask": self._flask, "django": self._django, "django asgi": self._django}[kind](auth)
        if around is not None:
            app = around.asgi(app) if self.is_asgi else around.wsgi(app)
        self._app = app

    def get(self, target, *, token=None, headers=()):
        """Send a request, and return status, JSON and the response."""
        bearer = [] if token is None else [("authorization", f"Bearer {token}".encode())]
        request = SentRequest("GET", target, (("host", b"app.example"), *headers, *bearer), "https")
        response = asyncio.run(self._call(request)) if self.is_asgi else call_wsgi(self._app, wsgi_environ(request))
        return response.status, json.loads(response.body), response

    async def _call(self, request):
        # Django watches for the end of the connection, which this transport leaves open until there is a response.
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self._app)) as client:
            response = await client.get(f"https://app.example{request.target}", headers=request.headers)
            return ReceivedResponse(response.status_code, tuple(response.headers.multi_items()), response.content)

    def _shown(self, token):
        self.calls += 1
        if not token:
            return {"anonymous": True}
        return {"sub": token["sub"], "subject": token.principal.subject, "scope": token.get_scope()}

    def _flask(self, auth):
        require_oauth = flask_oauth2.ResourceProtector()
        require_oauth.register_token_validator(BearerTokenValidator(auth))
        app = Flask(__name__)

        def view():
            return self._shown(flask_oauth2.current_token)

        for path, scopes in SCOPES.items():
            app.add_url_rule(path, path[1:], require_oauth(scopes)(view))
        app.add_url_rule("/optional", "optional", require_oauth(optional=True)(view))
        app.add_url_rule("/roles", "roles", require_oauth(roles=["clerk", "owner"])(view))
        app.add_url_rule("/groups", "groups", require_oauth(groups=["staff"])(view))
        return app.wsgi_app

    def _django(self, auth):
        require_oauth = django_oauth2.ResourceProtector()
        require_oauth.register_token_validator(BearerTokenValidator(auth))

        def view(request):
            return JsonResponse(self._shown(request.oauth_token))

        protections = {path: require_oauth(scopes) for path, scopes in SCOPES.items()} | {
            "/optional": require_oauth(optional=True),
            "/roles": require_oauth(roles=["clerk", "owner"]),
            "/groups": require_oauth(groups=["staff"]),
        }
        patterns = tuple(django_path(path[1:], protect(view)) for path, protect in protections.items())

        return handler("asgi" if self.is_asgi else "wsgi", patterns, middleware=())
