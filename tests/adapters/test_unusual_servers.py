"""What a few servers do otherwise than the rest, and tests of an application: nothing of it matters to a request."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires as starlette_requires
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app_client import SentRequest, asgi_messages, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.asgi import AuthMiddleware
from table_tokens import tokens

LOGIN = SentRequest(
    "POST", "/auth/login", (("content-type", b"application/json"),), "https",
    b'{"username": "alice", "password": "correct horse"}',
)  # fmt: skip


def bearer(name):
    return (("authorization", f"Bearer {tokens()[name]}".encode()),)


@pytest.mark.parametrize("client", [("192.0.2.1", "1234"), ["192.0.2.1", 1234], ("192.0.2.1",), None])
def test_the_port_of_the_client_may_be_text(client):
    """Granian gives it as text, and a Unix socket gives none; a sign-in needs the network of the caller."""
    scope = asgi_scope(LOGIN, client=client)

    assert 200 == asyncio.run(call_asgi(auth_for("life").asgi(_empty), scope, LOGIN.body)).status


async def _empty(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("name", ["state", "extensions", "server", "http_version", "raw_path", "root_path", "asgi"])
def test_a_scope_may_lack_what_is_optional(name):
    """Daphne has no ``state`` in the scope, and others have no ``extensions``; the first request is the slow one."""
    scope = asgi_scope(SentRequest("GET", f"/without/{name}", bearer("alice"), "https"))
    del scope[name]
    application = auth_for("main").asgi(_empty)

    assert [200, 200] == [asyncio.run(call_asgi(application, scope)).status for _ in range(2)]


def test_an_application_whose_lifespan_never_ran_is_served():
    """A test client outside of ``with`` sends no lifespan, and daphne never does."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    application = Starlette(routes=[Route("/me", lambda request: PlainTextResponse(request.user.subject))])
    application.add_middleware(AuthMiddleware, auth=auth)

    seen = TestClient(application, base_url="https://app.example").get(
        "/me", headers={"authorization": f"Bearer {tokens()['alice']}"}
    )

    assert (200, "alice") == (seen.status_code, seen.text)


def test_starlettes_own_requires_works():
    """It asks ``scope["auth"]``, and refuses to run where no middleware has set that."""

    @starlette_requires("read")
    async def view(request):
        return PlainTextResponse(request.user.display_name)

    application = Starlette(routes=[Route("/me", view)])
    application.add_middleware(AuthMiddleware, auth=auth_for("main"))
    client = TestClient(application, base_url="https://app.example")

    statuses = [client.get("/me", headers={"authorization": f"Bearer {tokens()[name]}"}).status_code
                for name in ("reader", "alice")]  # fmt: skip

    assert [200, 403] == statuses


def test_the_body_is_the_applications():
    """Who reads a body that is not theirs takes it from the application, and may wait for a client that sends none."""
    request = SentRequest("POST", "/me", bearer("alice"), "https", b"the whole body")
    read = []

    async def application(_scope, receive, send):
        read.append([await receive(), await receive()])
        await _empty(_scope, receive, send)

    def wsgi(environ, start_response):
        read.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b""]

    asyncio.run(call_asgi(auth_for("main").asgi(application), asgi_scope(request), messages=asgi_messages(request)))
    call_wsgi(auth_for("main").wsgi(wsgi), wsgi_environ(request))

    assert [asgi_messages(request), b"the whole body"] == read
