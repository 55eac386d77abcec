"""Rows of the corpus of stateful attacks by their ids, over every kind of store: a socket that is open."""

import pytest

from held import bearer, opened, watched_place
from servers import KINDS
from visiting import Visitor, stores_of


@pytest.fixture(params=["memory", *KINDS])
def watched(request, moment, servers):
    """A place over every kind of store, where sockets are looked at often."""
    server = None if request.param == "memory" else servers(request.param)
    place = watched_place(clock=moment.clock, stores=stores_of(request.param, server, moment, print))
    yield place
    place.close()


def test_stateful_scenarios_047_websocket_after_logout(watched):
    """The next look at what is open ends it; somebody else's goes on."""
    visitor, other = Visitor(watched), Visitor(watched)
    visitor.take()
    other.take("bob", "builder")
    socket, another = (opened(watched, bearer(each.held["access_token"])) for each in (visitor, other))

    assert 204 == visitor.ask("POST", "/auth/logout", bearer=visitor.held["access_token"])

    assert 4401 == socket.code()
    assert "hello" == another.ask("hello")
