"""The application of ``app_reports`` in FastAPI, and its drivers of the request table."""

from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app_reports import AsgiReport, asgi_fields, needs_fresh_proof, subject_line
from in_process_drivers import ASGI_OFFERS, GUARDS, Asgi
from safeconduct import Principal, current
from safeconduct.asgi import AuthMiddleware
from safeconduct.fastapi import CurrentPrincipal, Require, install


def fastapi_application():
    """Return the application in FastAPI, where the principal and its rights are dependencies."""
    application = FastAPI(openapi_url=None)

    @application.get("/guarded/async", dependencies=[Depends(Require(scopes=["read"]))])
    async def read_awaited(request: Request):
        return Response(headers=asgi_fields(request.scope))

    @application.get("/guarded/sync")
    def read_in_a_thread(request: Request, user: Annotated[Principal, Depends(Require(scopes=["read"]))]):
        assert user is current()
        return Response(headers=asgi_fields(request.scope))

    @application.get("/guarded/danger")
    @needs_fresh_proof
    async def danger(request: Request):
        return Response(headers=asgi_fields(request.scope))

    @application.get("/guarded/principal")
    def answer_somebody(request: Request, user: CurrentPrincipal):
        assert user is current()
        return Response(headers=asgi_fields(request.scope))

    @application.get("/streamed")
    def streamed(request: Request):
        return StreamingResponse((subject_line() for _ in range(2)), headers=asgi_fields(request.scope))

    application.add_route("/{path:path}", AsgiReport())
    return application


def _installed(auth):
    application = fastapi_application()
    install(application, auth)
    return application


def _by_middleware(auth):
    application = fastapi_application()
    application.add_middleware(AuthMiddleware, auth=auth)
    return application


def drivers():
    """Create the drivers of the request table for FastAPI."""
    return [
        Asgi("fastapi", _installed, ASGI_OFFERS | GUARDS),
        Asgi("fastapi by middleware", _by_middleware, ASGI_OFFERS | GUARDS),
    ]
