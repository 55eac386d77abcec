"""Cut connections of frameworks, and of middlewares within one another."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute

from open_connections import AFTER_EXPIRY_SECONDS, bearer, monitored_site, open_request, open_socket
from table_tokens import LIFETIME_SECONDS, NOW, mint


@pytest.fixture
def site():
    made = monitored_site()
    yield made
    made.close()


def in_starlette(site, gates):
    """Return a Starlette application that streams and echoes until the client has gone."""

    async def pieces():
        while True:
            await gates.get()
            yield b"data: 1\n\n"

    async def stream(_request):
        return StreamingResponse(pieces(), media_type="text/event-stream")

    async def echo(socket):
        await socket.accept()
        while True:
            await gates.get()
            await socket.send_text("still here")

    routes = [Route("/events", stream), WebSocketRoute("/live", echo)]
    return site.auth.asgi(Starlette(routes=routes))


def test_a_stream_of_starlette_ends_without_a_fault(site):
    """Its next chunk is dropped, and the server sees no error."""
    gates = asyncio.Queue()
    connection = open_request(site, bearer(mint()), target="/events", application=in_starlette(site, gates))
    assert "http.response.start" == connection.next()["type"]

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert {"type": "http.response.body", "body": b"", "more_body": False} == connection.next()
    site._runner.run(gates.put(None))
    assert ([], None) == (connection.end(), connection.task.exception())


def test_a_socket_of_starlette_ends_without_a_fault(site):
    gates = asyncio.Queue()
    connection = open_socket(site, bearer(mint()), application=in_starlette(site, gates))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == connection.code()
    site._runner.run(gates.put(None))
    assert ([], None) == (connection.end(), connection.task.exception())


def test_a_socket_within_two_middlewares_is_closed_once(site):
    """Both middlewares monitor the connection, and an extension applies to both."""
    connection = open_socket(site, bearer(mint()), application=site.auth.asgi(site.application))
    other = open_socket(site, bearer(mint("bob")))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    assert "alice" == connection.ask(f"extend {token}")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    assert "hello" == connection.ask("hello")
    site.auth.sessions.revoke_token("longer")
    assert 4401 == connection.code()
    assert [] == connection.end()
