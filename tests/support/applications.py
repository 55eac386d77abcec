"""The same small application in every framework; each says in ``X-Report`` whom it saw."""

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

from safeconduct import current, principal, requires
from safeconduct.principal import Principal
from safeconduct.starlette import principal as principal_of

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO"]
_CACHED = {"cache-control": "max-age=60", "vary": "Accept"}
reads = requires(scopes=["read"])
endangers = requires(level="explicit", max_age_seconds=300)


def report(identity, **more):
    """Return what the application says of its caller, as the value of a header field."""
    is_known = isinstance(identity, Principal)
    said = {
        "who": identity.subject if is_known else "anonymous",
        "reason": None if is_known else identity.reason,
        "scheme": identity.scheme if is_known else None,
        "level": identity.level if is_known else None,
        "issuer": identity.issuer if is_known else None,
        "same": identity is current(),
        **more,
    }
    return quote(json.dumps(said))


def one_name():
    """Return one line of a streamed body: who is asking, while it is made."""
    return json.dumps(getattr(current(), "subject", None)).encode() + b"\n"


def _fields(path, said):
    return {"x-report": said} | (_CACHED if path == "/cached" else {})


def _asgi_fields(scope):
    cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
    said = report(
        scope["safeconduct"],
        name=scope["user"].display_name,
        scopes=sorted(scope["auth"].scopes),
        cookie="; ".join(cookies) or None,
    )
    return _fields(scope["path"], said)


def _wsgi_fields(environ):
    name = environ.get("REMOTE_USER")
    said = report(
        environ["safeconduct.identity"],
        name=None if name is None else name.encode("latin-1").decode(),
        auth_type=environ.get("AUTH_TYPE"),
        cookie=environ.get("HTTP_COOKIE"),
    )
    return _fields(environ["PATH_INFO"], said)


class AsgiReport:
    """An ASGI application for every method and path, and the endpoint that Starlette calls."""

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        fields = [(name.encode(), value.encode()) for name, value in _asgi_fields(scope).items()]
        await _guard(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        for _ in range(2 if scope["path"] == "/streamed" and scope["method"] != "HEAD" else 0):
            await send({"type": "http.response.body", "body": one_name(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _live(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _guard(path):
    match path:
        case "/guarded/async":
            await _reads_awaited()
        case "/guarded/sync":
            _reads()
        case "/guarded/danger":
            _endangers()
        case "/guarded/principal":
            principal()


@reads
async def _reads_awaited():
    """Need a scope, awaited."""


@reads
def _reads():
    """Need a scope."""


@endangers
def _endangers():
    """Need a fresh proof."""


@reads
async def read_awaited(request: Request):
    """Answer on the loop."""
    return StarletteResponse(headers=_asgi_fields(request.scope))


@reads
def read_in_a_thread(request: Request):
    """Answer in a thread."""
    return StarletteResponse(headers=_asgi_fields(request.scope))


@endangers
async def danger(request: Request):
    """Answer whoever proved himself a moment ago."""
    return StarletteResponse(headers=_asgi_fields(request.scope))


async def somebody(request: Request):
    """Answer a principal."""
    assert principal() is principal_of(request)
    return StarletteResponse(headers=_asgi_fields(request.scope))


def streamed(request: Request):
    """Answer out of a generator that runs in threads."""
    return StreamingResponse((one_name() for _ in range(2)), headers=_asgi_fields(request.scope))


def starlette_application():
    """Return the application in Starlette, below a middleware that runs it in a task of its own."""

    async def pass_on(request, call_next):
        return await call_next(request)

    application = Starlette(
        routes=[
            Route("/guarded/async", read_awaited),
            Route("/guarded/sync", read_in_a_thread),
            Route("/guarded/danger", danger),
            Route("/guarded/principal", somebody),
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
    """Be a WSGI application for every method and path."""
    path = environ["PATH_INFO"]
    fields = _wsgi_fields(environ)
    guard = {"/guarded/sync": _reads, "/guarded/async": _reads, "/guarded/danger": _endangers}
    guard.get(path, principal if path == "/guarded/principal" else dict)()
    start_response("200 OK", list(fields.items()))
    if path == "/streamed" and environ["REQUEST_METHOD"] != "HEAD":
        return (one_name() for _ in range(2))
    return [b""]


def flask_application():
    """Return the application in Flask."""
    application = Flask("application")

    @reads
    async def read_awaited():
        return answer()

    @reads
    def read():
        return answer()

    @endangers
    def danger():
        return answer()

    def somebody():
        principal()
        return answer()

    def stream():
        return Response(stream_with_context(one_name() for _ in range(2)), headers=_wsgi_fields(flask_request.environ))

    def answer(**_):
        return Response(headers=_wsgi_fields(flask_request.environ))

    views = {"async": read_awaited, "sync": read, "danger": danger, "principal": somebody}
    for name, view in views.items():
        application.add_url_rule(f"/guarded/{name}", name, view)
    application.add_url_rule("/streamed", "stream", stream)
    everything = {"view_func": answer, "methods": METHODS, "provide_automatic_options": False}
    application.add_url_rule("/", "root", **everything)
    application.add_url_rule("/<path:path>", "path", **everything)
    return application
