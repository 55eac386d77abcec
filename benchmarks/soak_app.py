"""The application that `soak.py` sends requests to: ASGI and WSGI behind one `Auth`, and short event loops."""

import asyncio
import json
import os

from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from safeconduct import Account, Auth, Config, current
from safeconduct.asgi import AuthMiddleware


class AnyUser:
    """Accept any user whose password is the name spelled backwards; a hash would take most of the time."""

    def check(self, username, password):
        return self.lookup(username) if password == username[::-1] else None

    def lookup(self, subject):
        return Account(subject, roles=["user"])


auth = Auth(Config.load(), directory=AnyUser())


async def me(_request):
    return JSONResponse({"who": current().display_name, "process": os.getpid()})


def short_loop(_request):
    """Ask the store on a new event loop in a thread, as a synchronous view does that calls ``asyncio.run``."""
    sessions = asyncio.run(auth.async_sessions.list(current().subject))
    return JSONResponse({"sessions": len(sessions)})


async def events(_request):
    async def forever():
        while True:
            yield b"data: tick\n\n"
            await asyncio.sleep(0.2)

    return StreamingResponse(forever(), media_type="text/event-stream")


async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def legacy(_environ, start_response):
    body = json.dumps({"who": current().display_name}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


app = Starlette(
    routes=[
        Route("/hello", me),
        Route("/me", me, methods=["GET", "POST"]),
        Route("/admin", me),
        Route("/danger", me),
        Route("/loop", short_loop),
        Route("/events", events),
        WebSocketRoute("/echo", echo),
        Mount("/legacy", WSGIMiddleware(auth.wsgi(legacy))),
    ]
)
app.add_middleware(AuthMiddleware, auth=auth)
