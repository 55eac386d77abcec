"""Refuse to serve on an event loop that is not asyncio's, and explain why in one sentence."""

import json

import pytest

from app_client import SentRequest, asgi_scope, socket_scope
from app_reports import AsgiReport
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._core.run_sync import run_sync
from safeconduct.events import Unsupported
from table_tokens import tokens

ALICE = ("authorization", f"Bearer {tokens()['alice']}".encode())


class SilentApp:
    """An application behind the middleware, called without an asyncio loop, as trio would call it."""

    def __init__(self):
        self.heard, self.sent, self.calls = [], [], 0
        auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[self.heard.append])
        self.application = auth.asgi(self.count)

    async def count(self, scope, receive, send):
        self.calls += 1
        await AsgiReport()(scope, receive, send)

    def ask(self, scope):
        first = {"http": "http.request", "websocket": "websocket.connect", "lifespan": "lifespan.startup"}

        async def receive():
            return {"type": first[scope["type"]]}

        async def send(message):
            self.sent.append(message)

        run_sync(self.application(scope, receive, send))


@pytest.mark.parametrize("target", ["/me", "/health", "/auth/login"])
def test_e14_a_request_on_another_loop_is_unavailable_and_reported_once(target):
    """Public paths and endpoints answer 503 too, and the log says what to do."""
    app = SilentApp()

    for _ in range(3):
        app.ask(asgi_scope(SentRequest("GET", target, (("host", b"app.example"), ALICE), "https")))

    starts, bodies = app.sent[::2], app.sent[1::2]
    assert [503] * 3 == [message["status"] for message in starts]
    assert "unavailable" == json.loads(bodies[0]["body"])["code"]
    assert b"retry-after" in dict(starts[0]["headers"])
    assert 0 == app.calls
    [reported] = [event for event in app.heard if isinstance(event, Unsupported)]
    assert "asyncio" in reported.reason


def test_e14_a_handshake_on_another_loop_is_unavailable():
    """The handshake is denied."""
    app = SilentApp()

    app.ask(socket_scope(SentRequest("GET", "/live", (("host", b"app.example"), ALICE), "https")))

    assert (503, 0) == (app.sent[0]["status"], app.calls)
    assert any(isinstance(event, Unsupported) for event in app.heard)


def test_e14_a_server_on_another_loop_does_not_start():
    """The server prints the message of the failed lifespan."""
    app = SilentApp()

    app.ask({"type": "lifespan"})

    [failed] = app.sent
    assert ("lifespan.startup.failed", 0) == (failed["type"], app.calls)
    assert "start the server with asyncio" in failed["message"]
