"""Spend at most one deadline on the store in each request, however many commands it needs."""

import asyncio

import pytest

from faulty_connections import SlowConnections
from login_site import LoginClient

DEADLINE_SECONDS = 5.0


@pytest.fixture
def slow(over_a_server, monkeypatch):
    """Return a client that has signed in and stepped up, and a function that makes the store slow."""
    site, _ = over_a_server()
    client = LoginClient(site)
    client.get_tokens()
    step_up(client)
    links = SlowConnections(monkeypatch)
    stores = site.auth._container.stores
    if site.world == "asgi":
        site._runner.run(_around(links, stores._loops))
    else:
        links.around(stores._threads.client())
    return client, links


async def _around(links, clients):
    links.around(clients.client())


def drop_idle(client):
    """Close idle connections, so that the next ones are slow."""

    async def drop(clients):
        clients.client()._pool._drop_idle(before=None)

    stores, site = client.site.auth._container.stores, client.site
    if site.world == "asgi":
        site._runner.run(drop(stores._loops))
    else:
        asyncio.run(drop(stores._threads))


def step_up(client):
    return client.request(
        "POST", "/auth/step-up", json_body={"password": "wonder"}, bearer=client.tokens["access_token"]
    )


@pytest.mark.parametrize("verb", [LoginClient.get_tokens, step_up], ids=["login", "step-up"])
def test_e10_a_request_of_several_commands_waits_one_deadline(slow, verb):
    """If a command takes two fifths of the deadline, three or more of them are 503 after one deadline."""
    client, links = slow
    drop_idle(client)
    client.get_tokens()
    links.takes_seconds = 0.4 * DEADLINE_SECONDS
    links.granted.clear()
    began = links.now

    status = verb(client)

    assert 503 == status
    assert client.response.values("retry-after")
    assert client.response.report is None
    assert DEADLINE_SECONDS == pytest.approx(links.now - began)
    assert links.granted == sorted(links.granted, reverse=True)


def test_e10_a_request_after_a_slow_one_has_its_whole_deadline(slow):
    """The time of one request is not taken from the next."""
    client, links = slow
    drop_idle(client)
    client.get_tokens()
    links.takes_seconds = 0.3 * DEADLINE_SECONDS
    links.granted.clear()

    statuses = [client.get_tokens() for _ in range(3)]

    assert [200] * 3 == statuses
    assert 3 == links.granted.count(DEADLINE_SECONDS)
