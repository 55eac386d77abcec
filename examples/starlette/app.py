"""
A Starlette application protected by safeconduct.

In this folder::

    safeconduct keys new
    python app.py &
    curl -H "Authorization: Bearer $(safeconduct token issue --subject alice)" http://127.0.0.1:8000/me

``safeconduct routes 'app:create_app()'`` shows which paths are public, and what the others require.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from safeconduct import Auth, Config, current, requires
from safeconduct.starlette import install, principal


async def public(_: Request) -> JSONResponse:
    return JSONResponse({"hello": current().display_name or "guest"})


async def me(request: Request) -> JSONResponse:
    who = principal(request)
    return JSONResponse({"subject": who.subject, "roles": sorted(who.roles)})


async def admin(_: Request) -> JSONResponse:
    return JSONResponse({"closed_by": "a rule of safeconduct.toml"})


@requires(scopes=["pay"], level="explicit", max_age_seconds=300)
async def pay(request: Request) -> JSONResponse:
    return JSONResponse({"paid_by": principal(request).subject})


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{principal(websocket).subject}: {text}")


def create_app() -> Starlette:
    app = Starlette(
        routes=[
            Route("/public", public),
            Route("/me", me),
            Route("/admin", admin),
            Route("/payments", pay, methods=["POST"]),
            WebSocketRoute("/ws", echo),
        ]
    )
    install(app, Auth(Config.load()))
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=8000)
