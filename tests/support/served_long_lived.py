"""Applications with long-lived connections for real servers, with a clock that requests move."""

import asyncio
import threading

from login_site import login_configuration
from open_connections import AFTER_EXPIRY_SECONDS, FREQUENT_CHECKS
from safeconduct import Auth
from worlds import Clock

_TYPES = {"/events": b"text/event-stream", "/rows": b"application/x-ndjson", "/download": b"text/plain"}


def _auth():
    clock = Clock()
    access = {"public": ["/later", "/go"], "rules": [{"path": "/rows", "long_lived": True}]}
    return clock, Auth(login_configuration(access=access, **FREQUENT_CHECKS), clock=clock)


def asgi():
    """Return an application that echoes on WebSockets, and sends the second half of a response after ``/go``."""
    clock, auth = _auth()
    go = asyncio.Event()

    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
        elif scope["type"] == "websocket":
            await _echo(receive, send)
        elif scope["path"] in _TYPES:
            go.clear()
            headers = [(b"content-type", _TYPES[scope["path"]])]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"half\n\n", "more_body": True})
            await go.wait()
            await send({"type": "http.response.body", "body": b"whole\n\n"})
        else:
            clock.advance(seconds=AFTER_EXPIRY_SECONDS if scope["path"] == "/later" else 0)
            if scope["path"] == "/go":
                go.set()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    return auth.asgi(application)


async def _echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def wsgi():
    """Return an application that sends the second half of a response after ``/go``."""
    clock, auth = _auth()
    go = threading.Event()

    def application(environ, start_response):
        path = environ["PATH_INFO"]
        if path in _TYPES:
            go.clear()
            start_response("200 OK", [("Content-Type", _TYPES[path].decode())])
            return halves()
        clock.advance(seconds=AFTER_EXPIRY_SECONDS if path == "/later" else 0)
        if path == "/go":
            go.set()
        start_response("204 No Content", [])
        return [b""]

    def halves():
        yield b"half\n\n"
        go.wait()
        yield b"whole\n\n"

    return auth.wsgi(application)
