"""The application of ``app_reports`` in Starlette, FastAPI and Flask."""

from fastapi import Depends, FastAPI
from flask import Flask, Response, stream_with_context
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response as StarletteResponse
from starlette.responses import StreamingResponse
from starlette.routing import Route

from app_reports import (
    METHODS,
    AsgiReport,
    asgi_fields,
    needs_fresh_proof,
    needs_read_scope,
    subject_line,
    wsgi_fields,
)
from safeconduct import current, principal
from safeconduct.principal import Principal
from safeconduct.starlette import principal as principal_of


@needs_read_scope
async def read_awaited(request: Request):
    """Answer in the event loop."""
    return StarletteResponse(headers=asgi_fields(request.scope))


@needs_read_scope
def read_in_a_thread(request: Request):
    """Answer in a thread."""
    return StarletteResponse(headers=asgi_fields(request.scope))


@needs_fresh_proof
async def danger(request: Request):
    """Answer a principal with a fresh proof."""
    return StarletteResponse(headers=asgi_fields(request.scope))


async def require_principal(request: Request):
    """Answer a principal."""
    assert principal() is principal_of(request)
    return StarletteResponse(headers=asgi_fields(request.scope))


def streamed(request: Request):
    """Answer from a generator that runs in threads."""
    return StreamingResponse((subject_line() for _ in range(2)), headers=asgi_fields(request.scope))


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
        return StarletteResponse(headers=asgi_fields(request.scope))

    application.get("/guarded/async")(read_awaited)
    application.get("/guarded/sync")(read_in_a_thread)
    application.get("/guarded/danger")(danger)
    application.get("/guarded/principal")(answer_somebody)
    application.get("/streamed")(streamed)
    application.add_route("/{path:path}", AsgiReport())
    return application


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
            stream_with_context(subject_line() for _ in range(2)), headers=wsgi_fields(flask_request.environ)
        )

    def answer(**_):
        return Response(headers=wsgi_fields(flask_request.environ))

    views = {"async": read_awaited, "sync": read, "danger": danger, "principal": require_principal}
    for name, view in views.items():
        application.add_url_rule(f"/guarded/{name}", name, view)
    application.add_url_rule("/streamed", "stream", stream)
    everything = {"view_func": answer, "methods": METHODS, "provide_automatic_options": False}
    application.add_url_rule("/", "root", **everything)
    application.add_url_rule("/<path:path>", "path", **everything)
    return application
