"""The same small application in every framework; the field ``X-Report`` says which identity it saw."""

import asyncio
import json
from urllib.parse import quote

from fastapi import Depends, FastAPI
from flask import Flask, Response, stream_with_context
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response as StarletteResponse
from starlette.responses import StreamingResponse
from starlette.routing import Route

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from safeconduct import current, principal, requires
from safeconduct.principal import Principal
from safeconduct.starlette import principal as principal_of

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO"]
_CACHED = {"cache-control": "max-age=60", "vary": "Accept"}
needs_read_scope = requires(scopes=["read"])
needs_fresh_proof = requires(level="explicit", max_age_seconds=300)


def report(identity, **more):
    """Return the identity that the application saw, as the value of a header field."""
    is_known = isinstance(identity, Principal)
    seen = {
        "who": identity.subject if is_known else "anonymous",
        "reason": None if is_known else identity.reason,
        "scheme": identity.scheme if is_known else None,
        "level": identity.level if is_known else None,
        "issuer": identity.issuer if is_known else None,
        "same": identity is current(),
        **more,
    }
    return quote(json.dumps(seen))


def subject_line():
    """Return one line of a streamed body: the subject at the time when it is produced."""
    return json.dumps(getattr(current(), "subject", None)).encode() + b"\n"


def _fields(path, seen):
    return {"x-report": seen} | (_CACHED if path == "/cached" else {})


def _asgi_fields(scope):
    cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
    seen = report(
        scope["safeconduct"],
        name=scope["user"].display_name,
        scopes=sorted(scope["auth"].scopes),
        cookie="; ".join(cookies) or None,
    )
    return _fields(scope["path"], seen)


def _wsgi_fields(environ):
    name = environ.get("REMOTE_USER")
    seen = report(
        environ["safeconduct.identity"],
        name=None if name is None else name.encode("latin-1").decode(),
        auth_type=environ.get("AUTH_TYPE"),
        cookie=environ.get("HTTP_COOKIE"),
    )
    return _fields(environ["PATH_INFO"], seen)


class AsgiReport:
    """An ASGI application for every method and path, and the endpoint that Starlette calls."""

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await _serve_lifespan(receive, send)
            return
        fields = [(name.encode(), value.encode()) for name, value in _asgi_fields(scope).items()]
        await _guard(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        for _ in range(2 if scope["path"] == "/streamed" and scope["method"] != "HEAD" else 0):
            await send({"type": "http.response.body", "body": subject_line(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _serve_lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _guard(path):
    match path:
        case "/guarded/async":
            await _needs_read_scope_async()
        case "/guarded/sync":
            _needs_read_scope()
        case "/guarded/danger":
            _needs_fresh_proof()
        case "/guarded/principal":
            principal()


@needs_read_scope
async def _needs_read_scope_async():
    """Need a scope, in an async function."""


@needs_read_scope
def _needs_read_scope():
    """Need a scope."""


@needs_fresh_proof
def _needs_fresh_proof():
    """Need a fresh proof."""


@needs_read_scope
async def read_awaited(request: Request):
    """Answer in the event loop."""
    return StarletteResponse(headers=_asgi_fields(request.scope))


@needs_read_scope
def read_in_a_thread(request: Request):
    """Answer in a thread."""
    return StarletteResponse(headers=_asgi_fields(request.scope))


@needs_fresh_proof
async def danger(request: Request):
    """Answer a principal with a fresh proof."""
    return StarletteResponse(headers=_asgi_fields(request.scope))


async def require_principal(request: Request):
    """Answer a principal."""
    assert principal() is principal_of(request)
    return StarletteResponse(headers=_asgi_fields(request.scope))


def streamed(request: Request):
    """Answer from a generator that runs in threads."""
    return StreamingResponse((subject_line() for _ in range(2)), headers=_asgi_fields(request.scope))


def starlette_application():
    """Return the application in Starlette, below a middleware that runs it in a task of its own."""

    async def pass_on(request, call_next):
        return await call_next(request)

    application = Starlette(
        routes=[
            Route("/guarded/async", read_awaited),
            Route("/guarded/sync", read_in_a_thread),
            Route("/guarded/danger", danger),
            Route("/guarded/principal", require_principal),
            Route("/streamed", streamed),
            Route("/{path:path}", AsgiReport()),
        ]
    )
    application.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    return application


def fastapi_application():
    """Return the application in FastAPI, where the principal is a dependency."""
    application = FastAPI(openapi_url=None)

    def answer_somebody(request: Request, user: Principal = Depends(principal_of)):  # noqa: B008 - its idiom
        assert user is current()
        return StarletteResponse(headers=_asgi_fields(request.scope))

    application.get("/guarded/async")(read_awaited)
    application.get("/guarded/sync")(read_in_a_thread)
    application.get("/guarded/danger")(danger)
    application.get("/guarded/principal")(answer_somebody)
    application.get("/streamed")(streamed)
    application.add_route("/{path:path}", AsgiReport())
    return application


def wsgi_application(environ, start_response):
    """Serve every method and path by WSGI."""
    path = environ["PATH_INFO"]
    fields = _wsgi_fields(environ)
    guard = {
        "/guarded/sync": _needs_read_scope,
        "/guarded/async": _needs_read_scope,
        "/guarded/danger": _needs_fresh_proof,
    }
    guard.get(path, principal if path == "/guarded/principal" else dict)()
    start_response("200 OK", list(fields.items()))
    if path == "/streamed" and environ["REQUEST_METHOD"] != "HEAD":
        return (subject_line() for _ in range(2))
    return [b""]


def flask_application():
    """Return the application in Flask."""
    application = Flask("application")

    @needs_read_scope
    async def read_awaited():
        return answer()

    @needs_read_scope
    def read():
        return answer()

    @needs_fresh_proof
    def danger():
        return answer()

    def require_principal():
        principal()
        return answer()

    def stream():
        return Response(
            stream_with_context(subject_line() for _ in range(2)), headers=_wsgi_fields(flask_request.environ)
        )

    def answer(**_):
        return Response(headers=_wsgi_fields(flask_request.environ))

    views = {"async": read_awaited, "sync": read, "danger": danger, "principal": require_principal}
    for name, view in views.items():
        application.add_url_rule(f"/guarded/{name}", name, view)
    application.add_url_rule("/streamed", "stream", stream)
    everything = {"view_func": answer, "methods": METHODS, "provide_automatic_options": False}
    application.add_url_rule("/", "root", **everything)
    application.add_url_rule("/<path:path>", "path", **everything)
    return application


WORLDS = ("asgi", "wsgi")


def ask_in(world, auth, *, target="/me", method="GET", headers=(), scheme="https", **more):
    """Send one request to the plain application behind *auth*; header values are bytes."""
    request = SentRequest(method, target, (("host", b"app.example"), *headers), scheme)
    if world == "wsgi":
        return call_wsgi(auth.wsgi(wsgi_application), wsgi_environ(request, **more))
    return asyncio.run(call_asgi(auth.asgi(AsgiReport()), asgi_scope(request, **more)))
