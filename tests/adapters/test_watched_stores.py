"""Sockets over a real server: what it says, that it lost its data, that it is gone."""

import pytest

from held import HeldSocket, bearer, opened, watched_place
from login_scene import Time
from minting import mint
from servers import KINDS, Server
from visiting import stores_of


@pytest.fixture(scope="module", params=KINDS)
def server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def place(server):
    moment = Time()
    made = watched_place(stores=stores_of(server.kind, server, moment, print), clock=moment.clock)
    yield made
    made.close()


def test_a_server_is_asked_about_all_of_them(place):
    """The one that was ended ends, and the others go on."""
    ended, held = opened(place, bearer(mint())), opened(place, bearer(mint("bob")))

    place.auth.sessions.revoke_subject("alice")

    assert 4401 == ended.code()
    assert "hello" == held.ask("hello")


def test_an_emptied_server_closes(place, server):
    """1013, for nobody can say what was ended; whoever connects again needs a new sign-in."""
    held = opened(place, bearer(mint()))

    server.say("FLUSHALL")

    assert 1013 == held.code()
    assert 401 == status(place)


def status(place):
    """Return the status that a handshake gets."""
    message = HeldSocket(place, bearer(mint())).next()
    return message.get("status", message["type"])


def test_a_server_that_is_gone_closes(place, server):
    held = opened(place, bearer(mint()))

    server.kill()
    try:
        assert 1013 == held.code()
    finally:
        server.start()
