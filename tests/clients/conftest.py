"""Fixtures for what clients sign themselves: sites in both worlds, over memory and over real servers."""

import pytest

from app_reports import WORLDS
from client_tokens import ClientSite
from login_site import stores_of
from login_stack import ManualTime
from store_servers import KINDS, started_servers


@pytest.fixture(scope="session")
def servers():
    """Start a server at the first test that asks for its kind."""
    with started_servers() as start:
        yield start


@pytest.fixture
def moment():
    return ManualTime()


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


@pytest.fixture
def make(world, moment):
    """Make a site over memory, with its own settings."""
    made = []

    def build(**fields):
        site = ClientSite(world, clock=moment.clock, **fields)
        made.append(site)
        return site

    yield build
    for site in made:
        site.close()


@pytest.fixture
def site(make):
    return make()


@pytest.fixture(params=("memory", *KINDS))
def make_over(request, servers, make, moment):
    """Make sites over memory and over each server."""
    kind = request.param

    def build(**fields):
        server = None if kind == "memory" else servers(kind)
        stores = stores_of(kind, server, moment, [].append)
        return make(stores=stores, store={"url": "memory://" if server is None else server.socket_url}, **fields)

    return build
