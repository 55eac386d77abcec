"""Hold connections of an ASGI application open while the clock moves and credentials end."""

import asyncio
from contextlib import suppress

from app_client import ACCEPT, LEAVE, SentRequest, asgi_scope, socket_scope
from login_site import ACCESS, OWN_PAGE, LoginSite
from safeconduct.errors import AuthError
from table_tokens import LIFETIME_SECONDS

#: What the watcher waits for between two looks in a test; what time it is then, the clock says that the test moves.
FREQUENT_CHECKS = {"revocation": {"staleness_seconds": 0.01}}
#: When a usual token is over, the leeway included.
AFTER_EXPIRY_SECONDS = LIFETIME_SECONDS + 10


class OpenConnection:
    """One connection, of which the test is the server."""

    def __init__(self, site, scope, application=None):
        self._run = site._runner.run
        self._sent, self._coming = asyncio.Queue(), asyncio.Queue()
        self._application = application or site.application
        self._run(self._begin(scope))

    async def _begin(self, scope):
        self.task = asyncio.create_task(self._application(scope, self._coming.get, self._send))

    async def _send(self, message):
        await self._sent.put(message)
        is_end = message["type"].endswith("http.response.body") and not message.get("more_body", False)
        # As servers do it, which know no code of ours.
        if message["type"] == "websocket.close":
            await self._coming.put({"type": "websocket.disconnect", "code": 1006})
        elif is_end:
            await self._coming.put({"type": "http.disconnect"})

    def tell(self, message):
        """Hand *message* to the application, as a server does."""
        self._run(self._coming.put(message))

    def next(self):
        """Return the next message of the application, whenever it comes."""
        return self._run(self._sent.get())

    def end(self):
        """Return what the application sends from now on until it has returned."""
        self._run(self._wait())
        return [self._sent.get_nowait() for _ in range(self._sent.qsize())]

    async def _wait(self):
        await asyncio.wait([self.task])

    def stop(self):
        """Cancel the application, as a server does that shuts down."""
        self.task.cancel()
        self._run(self._wait())


class OpenSocket(OpenConnection):
    """A WebSocket that was accepted."""

    def __init__(self, site, *headers, target="/live", application=None):
        fields = tuple((name, value.encode()) for name, value in headers)
        super().__init__(site, socket_scope(SentRequest("GET", target, fields, "https")), application)
        self.tell(ACCEPT)

    def ask(self, text):
        """Say *text* and return the answer."""
        self.tell({"type": "websocket.receive", "text": text})
        return self.next().get("text")

    def code(self):
        """Return the code of the close frame, whenever it comes; its reason is empty."""
        message = self.next()
        assert ("websocket.close", "") == (message["type"], message["reason"])
        return message["code"]

    def leave(self):
        """Go, as a client does."""
        self.tell(LEAVE)


def open_socket(site, *headers, **more):
    """Open a socket and see it accepted."""
    held = OpenSocket(site, *headers, **more)
    assert "websocket.accept" == held.next()["type"]
    return held


def bearer(token):
    """Return the header that carries *token*."""
    return ("authorization", f"Bearer {token}")


def cookie_headers(client):
    """Return the headers that a page of ours sends with a handshake."""
    return (("cookie", f"{ACCESS}={client.cookies[ACCESS]}"), *OWN_PAGE)


def open_request(site, *headers, method="GET", target="/live", application=None):
    """Begin a request whose response is read message by message."""
    fields = tuple((name, value.encode()) for name, value in headers)
    held = OpenConnection(site, asgi_scope(SentRequest(method, target, fields, "https")), application)
    held.tell({"type": "http.request", "body": b"", "more_body": False})
    return held


class EchoApp:
    """A socket's application: it echoes, extends where it is told to, and keeps what it saw of the end."""

    def __init__(self):
        self.codes, self.errors = [], []

    async def __call__(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": await self._answer(scope, message["text"])})
        self.codes.append(message["code"])
        try:
            await send({"type": "websocket.send", "text": "one more"})
        except OSError as error:
            self.errors.append(error)
            raise

    async def _answer(self, scope, text):
        if not text.startswith("extend "):
            return text
        try:
            return (await scope["safeconduct.extend"](text.removeprefix("extend "))).subject
        except AuthError as error:
            with suppress(OSError):
                return type(error).__name__


def monitored_site(application=None, **fields):
    """Return a place whose connections are looked at often."""
    return LoginSite("asgi", app=application or EchoApp(), **{**FREQUENT_CHECKS, **fields})
