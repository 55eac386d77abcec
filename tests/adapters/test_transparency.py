"""Change nothing that an ASGI application or server sees: iterators, spellings, sized bodies."""

import asyncio
import json

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from open_connections import bearer, monitored_site, open_request
from safeconduct import Auth, current
from table_tokens import mint, tokens

ALICE = ("authorization", f"Bearer {tokens()['alice']}".encode())
COOKIE = ("cookie", f"a=1; __Host-safeconduct={tokens()['alice']}; __Host-safeconduct-refresh=r".encode())
EVENTS = (b"Content-Type", b"text/event-stream")


def made(**fields):
    """Return an ``Auth`` with a directory."""
    return Auth(configuration(**fields), directory=MemoryDirectory(), clock=now)


class Echo:
    """An application that records the scope as it could read it, and answers with an iterator of fields."""

    def __init__(self, *fields):
        self.fields, self.seen, self.calls = fields, {}, 0

    async def __call__(self, scope, _receive, send):
        self.calls += 1
        self.seen = {name: list(scope[name]) for name in ("headers", "client", "server")}
        self.seen["who"] = getattr(scope["safeconduct"], "subject", None)
        fields = (pair for pair in self.fields)
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"said"})


def one_shot(scope):
    """Return *scope* as Falcon's test client makes one, with iterators where ASGI says iterable."""
    return scope | {name: iter(scope[name]) for name in ("headers", "client", "server")}


@pytest.mark.parametrize("carrier", [ALICE, COOKIE], ids=["header", "cookie"])
@pytest.mark.parametrize("times", [1, 3], ids=["cold", "warm"])
def test_t1_fields_that_can_be_read_once_are_read_by_both(carrier, times):
    """The token counts and the application finds every field, on the slow path and on the fast path."""
    auth, echo = made(), Echo((b"x-a", b"1"))
    application = auth.asgi(echo)
    request = SentRequest("GET", "/me", (("host", b"app.example"), carrier), "https")

    for _ in range(times):
        seen = asyncio.run(call_asgi(application, one_shot(asgi_scope(request))))

    kept = [(name.encode(), value.partition(b"; __Host-safeconduct-refresh")[0]) for name, value in request.headers]
    assert ("alice", kept) == (echo.seen["who"], echo.seen["headers"])
    assert (["192.0.2.1", 1234], ["app.example", 443]) == (echo.seen["client"], echo.seen["server"])
    assert (200, ("1",)) == (seen.status, seen.values("x-a"))


def test_t1_a_client_that_can_be_read_once_is_no_fault():
    """Only the address is an iterator, and a refusal reads it a second time."""
    echo = Echo()
    request = SentRequest("GET", "/me", (("host", b"app.example"), ALICE), "https")
    scope = asgi_scope(request) | {"client": iter(("192.0.2.1", 1))}

    asyncio.run(call_asgi(made().asgi(echo), scope))
    refused = asyncio.run(
        call_asgi(made().asgi(echo), asgi_scope(SentRequest("GET", "/me", (), "https")) | {"client": iter("a1")})
    )

    assert (["192.0.2.1", 1], 1, 401) == (echo.seen["client"], echo.calls, refused.status)


def test_t1_fields_in_a_tuple_are_handed_down_as_they_are():
    """A tuple can be read any number of times, so it is not copied."""
    echo = Echo()
    request = SentRequest("GET", "/me", (("host", b"app.example"), ALICE), "https")
    scope = asgi_scope(request)

    asyncio.run(call_asgi(made(sources=["bearer"]).asgi(echo), scope | {"headers": tuple(scope["headers"])}))

    assert ("alice", scope["headers"]) == (echo.seen["who"], echo.seen["headers"])


@pytest.mark.parametrize("carrier", [ALICE, COOKIE], ids=["header", "cookie"])
def test_t1_a_response_keeps_fields_that_can_be_read_once(carrier):
    """This holds for a response that is marked private because of a cookie, too."""
    request = SentRequest("GET", "/me", (("host", b"app.example"), carrier), "https")

    seen = asyncio.run(call_asgi(made().asgi(Echo((b"x-a", b"1"), (b"x-b", b"2"))), asgi_scope(request)))

    assert ("1",) == seen.values("x-a")
    assert ("2",) == seen.values("x-b")


@pytest.mark.parametrize("rules", [(), ({"path": "/live", "long_lived": True},)], ids=["stream", "rule"])
def test_t1_a_stream_keeps_fields_that_can_be_read_once_and_is_watched(rules):
    """The response ends as an event stream does, with a complete body."""
    site = monitored_site(Streaming(), access={"rules": list(rules)})
    connection = open_request(site, bearer(mint(jti="stream")))
    begun = connection.next()
    connection.next()
    site.auth.sessions.revoke_token("stream")

    last = connection.next()
    site.close()

    assert [EVENTS] == list(begun["headers"])
    assert {"type": "http.response.body", "body": b"", "more_body": False} == last


class Streaming:
    """An event stream that goes on until it is ended; its fields are an iterator."""

    async def __call__(self, _scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": iter([EVENTS])})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await asyncio.Event().wait()


def test_t1_a_handshake_is_judged_by_fields_that_can_be_read_once():
    """The scope is copied, as that of a request."""
    seen = {}

    async def application(scope, receive, send):
        seen["headers"], seen["who"] = list(scope["headers"]), current().subject
        await receive()
        await send({"type": "websocket.close", "code": 1000})

    fields = [(b"host", b"app.example"), (ALICE[0].encode(), ALICE[1])]
    scope = one_shot(asgi_scope(SentRequest("GET", "/me", (), "wss"))) | {"type": "websocket", "headers": iter(fields)}
    sent = []

    async def play():
        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        await made().asgi(application)(scope, receive, send)

    asyncio.run(play())

    assert ("alice", fields) == (seen["who"], seen["headers"])
    assert [1000] == [message["code"] for message in sent]


def test_t1_a_wsgi_response_keeps_headers_that_can_be_read_once():
    """PEP 3333 requires a list, but servers that accept other iterables still get them."""

    def application(_environ, start_response):
        start_response("200 OK", (pair for pair in [("X-A", "1")]))
        return [b""]

    request = SentRequest("GET", "/me", (("host", b"app.example"), ALICE), "https")
    seen = call_wsgi(made().wsgi(application), wsgi_environ(request))

    assert ("1",) == seen.values("x-a")


@pytest.mark.parametrize("spelling", ["Authorization", "AUTHORIZATION", "authorizatioN"])
@pytest.mark.parametrize("times", [1, 3], ids=["cold", "warm"])
def test_t6_a_field_is_found_in_any_spelling(spelling, times):
    """ASGI does not require lower case; the application sees the names as they came."""
    auth, echo = made(), Echo()
    application = auth.asgi(echo)
    scope = asgi_scope(SentRequest("GET", "/me", (("Host", b"app.example"), (spelling, ALICE[1])), "https"))

    for _ in range(times):
        asyncio.run(call_asgi(application, scope))

    assert ("alice", scope["headers"]) == (echo.seen["who"], echo.seen["headers"])


@pytest.mark.parametrize("other", ["authorization", "Authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
def test_t6_two_spellings_are_two_fields(other, is_warm):
    """The request is 400 and the application is not called, whatever was proven before."""
    auth, echo = made(), Echo()
    application = auth.asgi(echo)
    one = asgi_scope(SentRequest("GET", "/me", (("host", b"app.example"), ALICE), "https"))
    for _ in range(3 * is_warm):
        asyncio.run(call_asgi(application, one))
    calls = echo.calls

    both = one | {"headers": [*one["headers"], (other.encode(), b"Bearer x")]}
    seen = asyncio.run(call_asgi(application, both))

    assert (400, calls) == (seen.status, echo.calls)
    assert "invalid_request" == json.loads(seen.body)["code"]
    assert ("no-store",) == seen.values("cache-control")


def test_t6_cookies_are_read_and_hidden_in_any_spelling():
    """The application does not see the refresh cookie either."""
    echo = Echo()
    scope = asgi_scope(SentRequest("GET", "/me", (("Host", b"app.example"), ("Cookie", COOKIE[1])), "https"))

    asyncio.run(call_asgi(made().asgi(echo), scope))

    assert "alice" == echo.seen["who"]
    assert b"refresh" not in b"".join(value for _, value in echo.seen["headers"])


def test_t6_a_token_among_the_subprotocols_is_hidden_in_any_spelling():
    """The credential is read, and no application finds it."""
    seen = {}

    async def application(scope, receive, send):
        seen["headers"], seen["who"] = scope["headers"], current().subject
        await receive()
        await send({"type": "websocket.close", "code": 1000})

    offered = b"bearer, " + tokens()["alice"].encode()
    fields = [(b"Origin", b"https://app.example"), (b"Sec-WebSocket-Protocol", offered)]
    scope = asgi_scope(SentRequest("GET", "/me", (), "wss")) | {"type": "websocket", "headers": fields}

    async def play():
        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            del message

        await made().asgi(application)(scope, receive, send)

    asyncio.run(play())

    assert "alice" == seen["who"]
    assert tokens()["alice"].encode() not in b"".join(value for _, value in seen["headers"])


def test_t9_what_an_application_writes_into_its_scope_is_not_seen_around_us():
    """As documented, the application gets a copy, so the outer scope is never changed."""

    async def application(scope, _receive, send):
        scope["endpoint"] = "me"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    scope = asgi_scope(SentRequest("GET", "/me", (("host", b"app.example"), ALICE), "https"))
    asyncio.run(call_asgi(made().asgi(application), scope))

    assert {"endpoint", "safeconduct", "user", "auth"}.isdisjoint(scope)
