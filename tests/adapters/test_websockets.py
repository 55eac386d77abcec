"""Check a WebSocket before it is accepted, and close it with a code afterwards."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from app_client import ACCEPT, SentRequest, play, socket_scope
from auth_setups import auth_for, configuration, now
from memory_directory import MemoryDirectory
from request_row import bearer, cookie
from safeconduct import Auth, current, requires
from safeconduct.asgi import AuthMiddleware
from table_tokens import mint, tokens

SAME = (("origin", "https://app.example"),)
FOREIGN = (("origin", "https://evil.example"),)


class Echo:
    """An application that accepts any socket and sends the identity that it sees."""

    def __init__(self, subprotocol=None):
        self.scope = None
        self._subprotocol = subprotocol

    async def __call__(self, scope, receive, send):
        self.scope = scope
        await receive()
        await send({"type": "websocket.accept", **({"subprotocol": self._subprotocol} if self._subprotocol else {})})
        await send({"type": "websocket.send", "text": getattr(current(), "subject", "anonymous")})


def filled(headers):
    """Replace the token names in *headers* by tokens."""
    return [(name, value.format(**tokens()).encode()) for name, value in headers]


def opened(*headers, path="/me", application=None, on="main", denial=True):
    """Open a socket and return what was sent."""
    asked = SentRequest("GET", path, tuple(filled(headers)), "https")
    wrapped = auth_for(on).asgi(application or Echo())
    return asyncio.run(play(wrapped, socket_scope(asked, denial=denial)))


@pytest.mark.parametrize(
    ("headers", "path", "who"),
    [
        (bearer("alice"), "/me", "alice"),
        (bearer("admin"), "/admin", "root"),
        (cookie("alice") + SAME, "/me", "alice"),
        ((*cookie("alice"), ("origin", "https://spa.example")), "/me", "alice"),
        ((), "/health", "anonymous"),
        ((), "/news", "anonymous"),
        (bearer("alice") + FOREIGN, "/me", "alice"),
        ((("sec-websocket-protocol", "bearer, {alice}"),), "/me", "alice"),
        (cookie("alice"), "/health", "anonymous"),
    ],
    ids=str,
)
def test_a_handshake_that_passes(headers, path, who):
    """A handshake is a GET; a header that no page can set needs no origin."""
    sent = opened(*headers, path=path)

    assert ["websocket.accept", "websocket.send"] == [message["type"] for message in sent]
    assert who == sent[1]["text"]


@pytest.mark.parametrize(
    ("headers", "path", "status", "code", "closed"),
    [
        ((), "/me", 401, "missing_credential", 4401),
        (bearer("expired"), "/me", 401, "invalid_token", 4401),
        (bearer("alice"), "/admin", 403, "insufficient_rights", 4403),
        (bearer("alice") * 2, "/me", 400, "invalid_request", 1008),
        (cookie("alice"), "/me", 403, "cross_site_request", 4403),
        (cookie("alice") + FOREIGN, "/me", 403, "cross_site_request", 4403),
        (cookie("alice") + SAME * 2, "/me", 403, "cross_site_request", 4403),
        ((*cookie("alice"), ("sec-fetch-site", "same-origin")), "/me", 403, "cross_site_request", 4403),
        ((("sec-websocket-protocol", "bearer"),), "/me", 401, "missing_credential", 4401),
        ((("sec-websocket-protocol", "bearer, x, y"),), "/me", 401, "invalid_token", 4401),
        ((("sec-websocket-protocol", "bearer, \u00e9"),), "/me", 401, "invalid_token", 4401),
        ((("sec-websocket-protocol", "chat, {alice}"),), "/me", 401, "missing_credential", 4401),
        ((), "/me/../health", 400, "invalid_request", 1008),
    ],
    ids=str,
)
def test_a_handshake_that_is_refused(headers, path, status, code, closed):
    """The server sends a whole response if it can, else a close; the application is not called."""
    application = Echo()

    start, body = opened(*headers, path=path, application=application)
    bare = opened(*headers, path=path, application=application, denial=False)

    assert ("websocket.http.response.start", status) == (start["type"], start["status"])
    assert code == json.loads(body["body"])["code"]
    assert status != 401 or any(name == b"www-authenticate" for name, _ in start["headers"])
    assert [{"type": "websocket.close", "code": closed, "reason": ""}] == bare
    assert application.scope is None


def test_an_outage_refuses_a_handshake():
    """The error says so, and does not call it a bad token."""
    assert 503 == opened(*bearer("alice"), on="outage")[0]["status"]
    assert 1013 == opened(*bearer("alice"), on="outage", denial=False)[0]["code"]


def test_a_navigation_is_not_a_handshake():
    """A WebSocket is never redirected to sign in."""
    assert 401 == opened(("sec-fetch-mode", "navigate"), on="sign-in")[0]["status"]


def test_a_token_among_the_subprotocols_goes_no_further():
    """Only ``bearer`` is echoed, and the token is hidden from the application."""
    application = Echo()

    accepted, _ = opened(("sec-websocket-protocol", "bearer, {alice}"), application=application)

    assert accepted == {"type": "websocket.accept", "subprotocol": "bearer"}
    assert application.scope["subprotocols"] == ["bearer"]
    assert tokens()["alice"] not in repr(application.scope["headers"])


def test_an_application_may_choose_its_subprotocol():
    accepted, _ = opened(("sec-websocket-protocol", "bearer, {alice}"), application=Echo("bearer"))

    assert accepted["subprotocol"] == "bearer"


def test_hidden_cookies_are_hidden_from_sockets():
    application = Echo()

    opened(*bearer("alice"), ("cookie", "a=1; __Host-safeconduct-refresh=x"), application=application)

    assert (b"cookie", b"a=1") in application.scope["headers"]
    assert b"refresh" not in repr(application.scope["headers"]).encode()


def late(**wanted):
    """Return an application that accepts and then asks for more."""

    async def application(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        requires(**wanted)(lambda: None)()

    return application


@pytest.mark.parametrize(
    ("application", "expected"),
    [(late(scopes=["read"]), 4403), (late(), None)],
    ids=["rights", "none"],
)
def test_a_missing_right_after_accepting_closes(application, expected):
    """The code says why; the reason is empty."""
    sent = opened(*bearer("alice"), application=application)

    closed = [] if expected is None else [{"type": "websocket.close", "code": expected, "reason": ""}]
    assert [{"type": "websocket.accept"}, *closed] == sent


def test_an_anonymous_caller_is_closed_later_as_such():
    assert 4401 == opened(application=late(), on="open")[-1]["code"]


def test_a_missing_right_before_accepting_is_a_response():
    @requires(roles=["owner"])
    async def application(_scope, _receive, _send):
        """Never run."""

    assert 403 == opened(*bearer("alice"), application=application)[0]["status"]


@pytest.mark.parametrize("path", ["/me", "/live"])
def test_the_identity_is_taken_back_after_a_socket(path):
    """A server may serve the next one in the same task."""
    request = SentRequest("GET", path, tuple(filled(bearer("alice"))), "https")

    async def serve():
        await play(auth_for("main").asgi(Echo()), socket_scope(request))
        with pytest.raises(LookupError):
            current()

    asyncio.run(serve())


def test_a_refused_handshake_is_received_before_it_is_answered():
    """ASGI: the first message of a socket is ``websocket.connect``, and an answer before it is none to it."""
    order = []

    async def receive():
        order.append("received")
        return ACCEPT

    async def send(message):
        order.append(message["type"])

    scope = socket_scope(SentRequest("GET", "/me", (), "https"), denial=False)
    asyncio.run(auth_for("main").asgi(Echo())(scope, receive, send))

    assert ["received", "websocket.close"] == order


def test_a_server_without_extensions_gets_a_close():
    """The scope of a handshake may lack the entry."""
    scope = socket_scope(SentRequest("GET", "/me", (), "https"))
    del scope["extensions"]

    assert ["websocket.close"] == [
        message["type"] for message in asyncio.run(play(auth_for("main").asgi(Echo()), scope))
    ]


def test_the_scope_of_a_socket_is_not_changed():
    """The application gets a copy, as for a request."""
    scope = socket_scope(SentRequest("GET", "/me", tuple(filled(bearer("alice"))), "https"))

    asyncio.run(play(auth_for("main").asgi(Echo()), scope))

    assert {"safeconduct", "user", "auth", "safeconduct.extend"}.isdisjoint(scope)


def in_starlette():
    """Return a client of a Starlette application with a socket."""

    async def tell(socket):
        await socket.accept()
        await socket.send_text(socket.user.display_name)
        await socket.close()

    application = Starlette(routes=[WebSocketRoute("/me", tell)])
    application.add_middleware(AuthMiddleware, auth=auth_for("main"))
    return TestClient(application, base_url="https://app.example")


def test_starlette_passes():
    with in_starlette().websocket_connect("/me", headers={"authorization": f"Bearer {tokens()['alice']}"}) as socket:
        assert "alice" == socket.receive_text()
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()


def test_starlette_refuses():
    with pytest.raises(WebSocketDenialResponse) as caught, in_starlette().websocket_connect("/me"):
        pass

    assert (401, True) == (caught.value.status_code, "www-authenticate" in caught.value.headers)


def test_revocation_is_seen_by_the_next_handshake():
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    application = auth.asgi(Echo())
    asked = SentRequest("GET", "/me", (("authorization", f"Bearer {mint('carol')}".encode()),), "https")
    before = asyncio.run(play(application, socket_scope(asked)))

    auth.sessions.revoke_subject("carol")

    assert "websocket.accept" == before[0]["type"]
    assert 401 == asyncio.run(play(application, socket_scope(asked)))[0]["status"]
