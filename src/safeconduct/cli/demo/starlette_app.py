"""The demo as a Starlette application."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from safeconduct.asgi import AuthMiddleware
from safeconduct.auth import Auth
from safeconduct.cli.demo.page import STEP_UP_SECONDS, new_page
from safeconduct.guard import current, requires
from safeconduct.starlette import identity, principal


async def index(_: Request) -> HTMLResponse:
    """Be open to anybody, and sign in."""
    page = new_page()
    return HTMLResponse(page.text, headers=page.fields)


async def public(request: Request) -> JSONResponse:
    """Anybody may; the caller is recognised all the same."""
    return JSONResponse({"hello": identity(request).display_name or "stranger"})


async def me(request: Request) -> JSONResponse:
    """Say who is asking."""
    who = principal(request)
    return JSONResponse({"subject": who.subject, "roles": sorted(who.roles), "level": who.level, "scheme": who.scheme})


async def admin(_: Request) -> JSONResponse:
    """Be closed by a rule of the configuration."""
    return JSONResponse({"admin": current().display_name})


@requires(level="explicit", max_age_seconds=STEP_UP_SECONDS)
async def danger(_: Request) -> JSONResponse:
    """Be closed by the line above."""
    return JSONResponse({"done_by": current().display_name})


async def echo(socket: WebSocket) -> None:
    """Send back whatever comes, to whoever may open a socket."""
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"{current().display_name}: {text}")


def create_app(auth: Auth) -> Starlette:
    """Build the application."""
    app = Starlette(
        routes=[
            Route("/", index),
            Route("/public", public),
            Route("/me", me),
            Route("/admin", admin),
            Route("/danger", danger, methods=["GET", "POST"]),
            WebSocketRoute("/ws", echo),
        ]
    )
    app.add_middleware(AuthMiddleware, auth=auth)
    return app
