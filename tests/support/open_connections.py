"""Hold connections of an ASGI application open while the clock moves and credentials end."""

import asyncio
from contextlib import suppress

from app_client import ACCEPT, LEAVE, SentRequest, asgi_scope, socket_scope
from login_site import ACCESS, OWN_PAGE, LoginSite
from safeconduct.errors import AuthError
from table_tokens import LIFETIME_SECONDS

#: A short interval between checks; the time itself is that of the test's clock.
FREQUENT_CHECKS = {"revocation": {"staleness_seconds": 0.01}}
#: After this time a default token has expired, including the leeway.
AFTER_EXPIRY_SECONDS = LIFETIME_SECONDS + 10


class OpenConnection:
    """One connection, for which the test plays the server."""

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
        # Servers do the same and know no code of ours.
        if message["type"] == "websocket.close":
            await self._coming.put({"type": "websocket.disconnect", "code": 1006})
        elif is_end:
            await self._coming.put({"type": "http.disconnect"})

    def tell(self, message):
        """Pass *message* to the application, as a server does."""
        self._run(self._coming.put(message))

    def next(self):
        """Wait for the next message of the application and return it."""
        return self._run(self._sent.get())

    def end(self):
        """Wait until the application has returned, and return what it sent."""
        self._run(self._wait())
        return [self._sent.get_nowait() for _ in range(self._sent.qsize())]

    async def _wait(self):
        await asyncio.wait([self.task])

    def stop(self):
        """Cancel the application, as a server does at shutdown."""
        self.task.cancel()
        self._run(self._wait())


class OpenSocket(OpenConnection):
    """An open WebSocket."""

    def __init__(self, site, *headers, target="/live", application=None):
        fields = tuple((name, value.encode()) for name, value in headers)
        super().__init__(site, socket_scope(SentRequest("GET", target, fields, "https")), application)
        self.tell(ACCEPT)

    def ask(self, text):
        """Send *text* and return the answer."""
        self.tell({"type": "websocket.receive", "text": text})
        return self.next().get("text")

    def code(self):
        """Wait for the close frame and return its code; its reason is empty."""
        message = self.next()
        assert ("websocket.close", "") == (message["type"], message["reason"])
        return message["code"]

    def leave(self):
        """Disconnect, as a client does."""
        self.tell(LEAVE)


def open_socket(site, *headers, **more):
    """Open a WebSocket and check that it is accepted."""
    held = OpenSocket(site, *headers, **more)
    assert "websocket.accept" == held.next()["type"]
    return held


def bearer(token):
    """Return the header that carries *token*."""
    return ("authorization", f"Bearer {token}")


def cookie_headers(client):
    """Return the headers that our page sends with a handshake."""
    return (("cookie", f"{ACCESS}={client.cookies[ACCESS]}"), *OWN_PAGE)


def open_request(site, *headers, method="GET", target="/live", application=None):
    """Send a request whose response is read message by message."""
    fields = tuple((name, value.encode()) for name, value in headers)
    held = OpenConnection(site, asgi_scope(SentRequest(method, target, fields, "https")), application)
    held.tell({"type": "http.request", "body": b"", "more_body": False})
    return held


class EchoApp:
    """A WebSocket application that echoes, extends on demand, and records how the connection ended."""

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
    """Return a site that checks its connections often."""
    return LoginSite("asgi", app=application or EchoApp(), **{**FREQUENT_CHECKS, **fields})
