"""The application of ``app_reports`` in Litestar, and its drivers of the request table."""

from litestar import Litestar, Request, Response, asgi, get, route
from litestar.types import Receive, Scope, Send

from app_reports import AsgiReport, asgi_fields, needs_fresh_proof, needs_read_scope
from in_process_drivers import ASGI_OFFERS, GUARDS, Asgi
from safeconduct import current
from safeconduct.litestar import CurrentPrincipal, SafeconductPlugin, requires_guard


@get("/guarded/async")
@needs_read_scope
async def read_awaited(request: Request) -> Response[None]:
    """Answer in the event loop."""
    return Response(None, headers=asgi_fields(request.scope))


@route("/guarded/sync", http_method=["GET", "HEAD"], guards=[requires_guard(scopes=["read"])], sync_to_thread=True)
def read_in_a_thread(request: Request) -> Response[bytes]:
    """Answer in a thread."""
    return Response(b"", headers=asgi_fields(request.scope))


@get("/guarded/danger")
@needs_fresh_proof
async def danger(request: Request) -> Response[None]:
    """Answer a principal with a fresh proof."""
    return Response(None, headers=asgi_fields(request.scope))


@get("/guarded/principal")
async def require_principal(request: Request, current_principal: CurrentPrincipal) -> Response[None]:
    """Answer a principal."""
    assert current_principal is current()
    return Response(None, headers=asgi_fields(request.scope))


@asgi("/streamed", copy_scope=True)
async def streamed(scope: Scope, receive: Receive, send: Send) -> None:
    """Stream without waiting for the caller to leave, as Litestar's ``Stream`` does."""
    await AsgiReport()(scope, receive, send)


@asgi("/", is_mount=True, copy_scope=True)
async def everything(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every other path."""
    await AsgiReport()({**scope, "path": "/" + scope["path"].strip("/")}, receive, send)


def litestar_application(auth):
    """Return the application in Litestar."""
    handlers = [read_awaited, read_in_a_thread, danger, require_principal, streamed, everything]
    return Litestar(handlers, plugins=[SafeconductPlugin(auth)], openapi_config=None)


def drivers():
    """Create the drivers of the request table for Litestar."""
    return [Asgi("litestar", litestar_application, ASGI_OFFERS | GUARDS)]
