"""The demo as a Starlette application, served by uvicorn."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from safeconduct.asgi import AuthMiddleware
from safeconduct.auth import Auth
from safeconduct.cli.demo.api_keys import SCHEMES, listed, shown_once, wanted
from safeconduct.cli.demo.page import STEP_UP_SECONDS, new_page
from safeconduct.guard import current, requires
from safeconduct.starlette import identity, principal


async def index(_: Request) -> HTMLResponse:
    """Show the page, which signs users in."""
    page = new_page()
    return HTMLResponse(page.text, headers=page.fields)


async def public(request: Request) -> JSONResponse:
    """Greet everybody, by name if they are signed in."""
    return JSONResponse({"hello": identity(request).display_name or "guest"})


async def me(request: Request) -> JSONResponse:
    """Return who is asking."""
    who = principal(request)
    return JSONResponse({"subject": who.subject, "roles": sorted(who.roles), "level": who.level, "scheme": who.scheme})


async def admin(_: Request) -> JSONResponse:
    """Answer admins; a rule of the configuration refuses everybody else."""
    return JSONResponse({"admin": current().display_name})


@requires(level="explicit", max_age_seconds=STEP_UP_SECONDS)
async def danger(_: Request) -> JSONResponse:
    """Answer users who have just proved their password; the line above refuses everybody else."""
    return JSONResponse({"done_by": current().display_name})


class ApiKeyRoutes:
    """List, make and end the API keys of the caller."""

    def __init__(self, auth: Auth) -> None:
        self._keys = auth.async_api_keys

    @requires(schemes=SCHEMES)
    async def list(self, request: Request) -> JSONResponse:
        """List the caller's keys."""
        return JSONResponse({"keys": [listed(key) for key in await self._keys.list(principal(request).subject)]})

    @requires(schemes=SCHEMES, level="explicit", max_age_seconds=STEP_UP_SECONDS)
    async def create(self, request: Request) -> JSONResponse:
        """Make a key for callers who have just proved their password, and show it once."""
        who = principal(request)
        key = await self._keys.create(who.subject, **wanted(who, await request.body()))
        return JSONResponse(shown_once(key), 201, {"Cache-Control": "no-store"})

    @requires(schemes=SCHEMES)
    async def revoke(self, request: Request) -> Response:
        """End one of the caller's keys."""
        await self._keys.revoke(principal(request).subject, request.path_params["key_id"])
        return Response(status_code=204)


async def echo(websocket: WebSocket) -> None:
    """Send back each message that comes."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{current().display_name}: {text}")


def create_app(auth: Auth) -> Starlette:
    """Build the application."""
    api_keys = ApiKeyRoutes(auth)
    app = Starlette(
        routes=[
            Route("/", index),
            Route("/public", public),
            Route("/me", me),
            Route("/admin", admin),
            Route("/danger", danger, methods=["GET", "POST"]),
            Route("/api-keys", api_keys.list),
            Route("/api-keys", api_keys.create, methods=["POST"]),
            Route("/api-keys/{key_id}", api_keys.revoke, methods=["DELETE"]),
            WebSocketRoute("/ws", echo),
        ]
    )
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


class AnnouncingServer(uvicorn.Server):
    """A server that calls *on_start* once it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets)
        if self.started:
            self._on_start()


def serve(auth: Auth, listener: socket.socket, on_start: Callable[[], None]) -> None:
    """Serve the demo on *listener* until a signal comes."""
    config = uvicorn.Config(create_app(auth), log_level="warning", access_log=False)
    AnnouncingServer(config, on_start).run(sockets=[listener])
