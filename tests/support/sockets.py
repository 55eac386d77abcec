"""Open a WebSocket of an ASGI application in this process, and play what the client sends."""

from calling import scope_of

ACCEPT = {"type": "websocket.connect"}
LEAVE = {"type": "websocket.disconnect", "code": 1000}


def socket_scope(asked, *, denial=True, **more):
    """Return the scope of a handshake; a server with *denial* can answer it with a whole response."""
    extensions = {"websocket.http.response": {}} if denial else {}
    offered = [value.decode() for name, value in asked.headers if name == "sec-websocket-protocol"]
    scope = scope_of(asked, type="websocket", extensions=extensions, **more)
    del scope["method"]
    scheme = "wss" if asked.scheme == "https" else "ws"
    return scope | {"scheme": scheme, "subprotocols": [word.strip() for line in offered for word in line.split(",")]}


async def play(application, scope, *texts):
    """Connect, say *texts*, leave; return every message that the application sent."""
    sent = []
    coming = [ACCEPT, *({"type": "websocket.receive", "text": text} for text in texts), LEAVE]

    async def receive():
        return coming.pop(0)

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    return sent
