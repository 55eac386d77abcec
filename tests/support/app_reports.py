"""
The same small application without a framework; the field ``X-Report`` says which identity it saw.

Nothing here imports a framework, so that the tests of one run where only that one is installed.
"""

import asyncio
import json
from urllib.parse import quote

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from safeconduct import current, principal, requires
from safeconduct.principal import Principal

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


def asgi_fields(scope):
    """Return the fields of a response of an ASGI application that was called with *scope*."""
    cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
    seen = report(
        scope["safeconduct"],
        name=scope["user"].display_name,
        scopes=sorted(scope["auth"].scopes),
        cookie="; ".join(cookies) or None,
    )
    return _fields(scope["path"], seen)


def wsgi_fields(environ):
    """Return the fields of a response of a WSGI application that was called with *environ*."""
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
        fields = [(name.encode(), value.encode()) for name, value in asgi_fields(scope).items()]
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


def wsgi_application(environ, start_response):
    """Serve every method and path by WSGI."""
    path = environ["PATH_INFO"]
    fields = wsgi_fields(environ)
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


WORLDS = ("asgi", "wsgi")


def ask_in(world, auth, *, target="/me", method="GET", headers=(), scheme="https", **more):
    """Send one request to the plain application behind *auth*; header values are bytes."""
    request = SentRequest(method, target, (("host", b"app.example"), *headers), scheme)
    if world == "wsgi":
        return call_wsgi(auth.wsgi(wsgi_application), wsgi_environ(request, **more))
    return asyncio.run(call_asgi(auth.asgi(AsgiReport()), asgi_scope(request, **more)))
