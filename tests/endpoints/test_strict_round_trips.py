"""With strict consistency a warm request costs one round trip to the store while nothing is revoked."""

import pytest

from bounded_site import TokenClient
from login_site import LoginSite, stores_of
from store_traffic import RoundTrips

REQUESTS = 10_000


@pytest.fixture
def strict(request, world, moment, servers, monkeypatch):
    """Return a client whose token and route were seen before, and what counts its round trips."""
    server = servers(request.param)
    stores = stores_of(request.param, server, moment, print)
    site = LoginSite(world, stores=stores, clock=moment.clock, revocation={"consistency": "strict"})
    client = TokenClient(site)
    client.get_tokens()
    assert [200] * 3 == [client.get() for _ in range(3)]
    yield client, RoundTrips(monkeypatch, server)
    site.close()


@pytest.mark.parametrize("strict", ["redis"], indirect=True)
def test_ten_thousand_requests_are_as_many_round_trips(strict):
    """No script is run, by the counts of the process and of the server."""
    client, trips = strict

    statuses = {client.get() for _ in range(REQUESTS)}

    assert ({200}, REQUESTS, 0) == (statuses, trips.count, trips.scripts)
    assert [REQUESTS, 2 * REQUESTS, REQUESTS] == [trips.commands(name) for name in ("zadd", "zmscore", "hmget")]


@pytest.mark.parametrize("strict", ["valkey", "redis"], indirect=True)
def test_a_revocation_costs_one_script_and_is_refused_in_one_round_trip(strict):
    """The answer of the store decides: the request is not read a second time, and the store not asked again."""
    client, trips = strict
    client.site.auth.sessions.sign_out(client.tokens["access_token"])
    trips.reset()

    statuses = [client.get() for _ in range(3)]

    assert ([401] * 3, 3, 0) == (statuses, trips.count, trips.scripts)
