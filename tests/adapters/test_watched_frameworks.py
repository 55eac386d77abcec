"""What a framework makes of a connection that is cut, and middlewares within one another."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute

from held import LATER, asked, bearer, opened, watched_place
from minting import LIFETIME_SECONDS, NOW, mint


@pytest.fixture
def place():
    made = watched_place()
    yield made
    made.close()


def in_starlette(place, gates):
    """Return a Starlette application that streams and talks until it is told that nobody listens."""

    async def pieces():
        while True:
            await gates.get()
            yield b"data: 1\n\n"

    async def stream(_request):
        return StreamingResponse(pieces(), media_type="text/event-stream")

    async def talk(socket):
        await socket.accept()
        while True:
            await gates.get()
            await socket.send_text("still here")

    routes = [Route("/events", stream), WebSocketRoute("/live", talk)]
    return place.auth.asgi(Starlette(routes=routes))


def test_a_stream_of_starlette_ends_without_a_fault(place):
    """Its next piece goes nowhere, and the server hears of no error."""
    gates = asyncio.Queue()
    held = asked(place, bearer(mint()), target="/events", application=in_starlette(place, gates))
    assert "http.response.start" == held.next()["type"]

    place.clock.advance(seconds=LATER)

    assert {"type": "http.response.body", "body": b"", "more_body": False} == held.next()
    place._runner.run(gates.put(None))
    assert ([], None) == (held.end(), held.task.exception())


def test_a_socket_of_starlette_ends_without_a_fault(place):
    gates = asyncio.Queue()
    held = opened(place, bearer(mint()), application=in_starlette(place, gates))

    place.clock.advance(seconds=LATER)

    assert 4401 == held.code()
    place._runner.run(gates.put(None))
    assert ([], None) == (held.end(), held.task.exception())


def test_a_socket_within_two_middlewares_is_closed_once(place):
    """Both watch, and what extends it reaches both."""
    held = opened(place, bearer(mint()), application=place.auth.asgi(place.application))
    other = opened(place, bearer(mint("bob")))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    assert "alice" == held.ask(f"extend {token}")
    place.clock.advance(seconds=LATER)

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")
    place.auth.sessions.revoke_token("longer")
    assert 4401 == held.code()
    assert [] == held.end()
