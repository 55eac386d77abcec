"""
One application of a framework inside one of another, both behind the same ``Auth``.

Each serves ``/me`` with the subject before, in the middle of and after a streamed body, ``/where`` with the paths that
it sees, and ``/token`` with the CSRF token.
"""

import asyncio
import json

from a2wsgi import ASGIMiddleware, WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from fastapi import FastAPI
from flask import Flask, Response, jsonify
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import auth_for
from safeconduct import csrf_token, current
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct

PREFIX = "/inner"
STEPS = 3


def subject():
    """Return the subject of the request that is being served."""
    return getattr(current(), "subject", "anonymous")


def subject_or_none():
    """Return the subject of the request around this call, or None outside of every request."""
    try:
        return subject()
    except LookupError:
        return None


def subjects(first):
    """Yield the subject of a request at each step of its body, below the one that its view saw."""
    yield first.encode() + b"\n"
    for _ in range(STEPS):
        yield subject().encode() + b"\n"


def flask_app(auth=None, *, label="inside"):
    """Return the Flask application; without *auth*, unprotected by itself."""
    app = Flask("inner")

    @app.route("/me", methods=["GET", "POST"])
    def me():
        flask_request.get_data()
        return Response(subjects(subject()), content_type="text/plain")

    @app.get("/where")
    def where():
        return jsonify([flask_request.script_root, flask_request.path])

    app.get("/token")(csrf_token)

    @app.get("/admin")
    def admin():
        return f"{label} {subject()}"

    if auth is not None:
        Safeconduct(auth).init_app(app)
    return app


async def _me(_request):
    first = subject()

    async def steps():
        for chunk in subjects(first):
            await asyncio.sleep(0)
            yield chunk

    return StreamingResponse(steps(), media_type="text/plain")


async def _token(_request):
    return PlainTextResponse(csrf_token())


async def _where(request):
    root, path = request.scope.get("root_path", ""), request.scope["path"]
    return JSONResponse([root, path.removeprefix(root)])


def starlette_app(auth=None, *, mounts=(), is_buffered=False, label="inside"):
    """Return the Starlette application; with *is_buffered* below a ``BaseHTTPMiddleware`` too."""

    async def pass_on(request, call_next):
        assert request.user is current()
        return await call_next(request)

    async def admin(_request):
        return JSONResponse(f"{'outside' if mounts else label} {subject()}")

    routes = [Route("/me", _me, methods=["GET", "POST"]), Route("/where", _where), Route("/admin", admin)]
    routes += [Route("/token", _token)]
    app = Starlette(routes=[*(Mount(PREFIX, app=each) for each in mounts), *routes])
    if is_buffered:
        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    if auth is not None:
        app.add_middleware(AuthMiddleware, auth=auth)
    return app


def fastapi_app(auth, mounted):
    """Return a FastAPI application around *mounted*."""
    app = FastAPI(openapi_url=None, routes=starlette_app(label="outside").routes)
    app.mount(PREFIX, mounted)
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


def dispatched(auth, mounted):
    """Return Werkzeug's dispatcher in front of a Flask application and *mounted*, behind the middleware."""
    return auth.wsgi(DispatcherMiddleware(flask_app(label="outside"), {PREFIX: mounted}))


#: How each nesting is made of the outer ``Auth`` and the inner one.
ASGI_NESTS = {
    "Flask in Starlette by a2wsgi": lambda outer, inner: starlette_app(
        outer, mounts=[WSGIMiddleware(flask_app(inner))]
    ),
    "Flask in Starlette by asgiref": lambda outer, inner: starlette_app(outer, mounts=[WsgiToAsgi(flask_app(inner))]),
    "Flask in FastAPI by a2wsgi": lambda outer, inner: fastapi_app(outer, WSGIMiddleware(flask_app(inner))),
    "Flask in FastAPI by asgiref": lambda outer, inner: fastapi_app(outer, WsgiToAsgi(flask_app(inner))),
    "Starlette in Starlette": lambda outer, inner: starlette_app(outer, mounts=[starlette_app(inner)]),
    "Starlette in Starlette, buffered": lambda outer, inner: starlette_app(
        outer, mounts=[starlette_app(inner, is_buffered=True)], is_buffered=True
    ),
}
WSGI_NESTS = {
    "Flask in Werkzeug's dispatcher": lambda outer, inner: dispatched(outer, flask_app(inner).wsgi_app),
    "Starlette in Werkzeug's dispatcher": lambda outer, inner: dispatched(outer, ASGIMiddleware(starlette_app(inner))),
}
NESTS = ASGI_NESTS | WSGI_NESTS
#: Those whose bridge passes nothing on, so that the inner middleware verifies the credential again.
VERIFIED_AGAIN = {name for name in NESTS if "asgiref" in name}


def request_for(path, token=None, *fields, method="GET", body=b""):
    """Return a request with a token, if there is one."""
    mine = () if token is None else (("authorization", f"Bearer {token}".encode()),)
    return SentRequest(method, path, (("host", b"app.example"), *mine, *fields), "https", body)


def ask(name, app, sent):
    """Ask the nested application *name* in its own world."""
    if name in WSGI_NESTS:
        return call_wsgi(app, wsgi_environ(sent))
    return asyncio.run(call_asgi(app, asgi_scope(sent), sent.body))


def seen_by(response):
    """Return the lines of a streamed body, or the JSON of another one."""
    text = response.body.decode()
    return json.loads(text) if text.startswith("[") else text.split()


def served_mixed():
    """Return Flask in Starlette behind one ``Auth``, for a server in another process."""
    auth = auth_for("main")
    return ASGI_NESTS["Flask in Starlette by a2wsgi"](auth, auth)


def served_dispatcher():
    """Return Flask in Werkzeug's dispatcher behind one ``Auth``, for a server in another process."""
    auth = auth_for("main")
    return WSGI_NESTS["Flask in Werkzeug's dispatcher"](auth, auth)
