"""The application of ``app_reports`` in Starlette, and its drivers of the request table."""

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route

from app_reports import AsgiReport, asgi_fields, needs_fresh_proof, needs_read_scope, subject_line
from in_process_drivers import ASGI_OFFERS, GUARDS, NESTED_OFFERS, Asgi
from safeconduct import principal
from safeconduct.asgi import AuthMiddleware
from safeconduct.starlette import install
from safeconduct.starlette import principal as principal_of


@needs_read_scope
async def read_awaited(request: Request):
    """Answer in the event loop."""
    return Response(headers=asgi_fields(request.scope))


@needs_read_scope
def read_in_a_thread(request: Request):
    """Answer in a thread."""
    return Response(headers=asgi_fields(request.scope))


@needs_fresh_proof
async def danger(request: Request):
    """Answer a principal with a fresh proof."""
    return Response(headers=asgi_fields(request.scope))


async def require_principal(request: Request):
    """Answer a principal."""
    assert principal() is principal_of(request)
    return Response(headers=asgi_fields(request.scope))


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


def _installed(application, auth):
    install(application, auth)
    return application


def _by_middleware(application, auth):
    application.add_middleware(AuthMiddleware, auth=auth)
    return application


def _mounted(auth):
    return _installed(Starlette(routes=[Mount("/", app=starlette_application())]), auth)


def drivers():
    """Create the drivers of the request table for Starlette."""
    return [
        Asgi("starlette", lambda auth: _installed(starlette_application(), auth), ASGI_OFFERS | GUARDS),
        Asgi("starlette by middleware", lambda auth: _by_middleware(starlette_application(), auth),
             ASGI_OFFERS | GUARDS),
        Asgi("starlette in starlette", _mounted, NESTED_OFFERS | GUARDS),
        Asgi("bare starlette", lambda auth: auth.asgi(starlette_application()), ASGI_OFFERS),
    ]  # fmt: skip
