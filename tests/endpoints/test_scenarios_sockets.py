"""Rows of the corpus of stateful attacks, over every kind of store: an open WebSocket."""

import pytest

from login_site import LoginClient, stores_of
from open_connections import bearer, monitored_site, open_socket
from store_servers import KINDS


@pytest.fixture(params=["memory", *KINDS])
def watched(request, moment, servers):
    """Return a site over every kind of store that checks its connections often."""
    server = None if request.param == "memory" else servers(request.param)
    site = monitored_site(clock=moment.clock, stores=stores_of(request.param, server, moment, print))
    yield site
    site.close()


def test_stateful_scenarios_047_websocket_after_logout(watched):
    """The next check closes it; the connection of another user goes on."""
    client, other = LoginClient(watched), LoginClient(watched)
    client.get_tokens()
    other.get_tokens("bob", "builder")
    socket, another = (open_socket(watched, bearer(each.tokens["access_token"])) for each in (client, other))

    assert 204 == client.request("POST", "/auth/logout", bearer=client.tokens["access_token"])

    assert 4401 == socket.code()
    assert "hello" == another.ask("hello")
