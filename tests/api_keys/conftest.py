"""Fixtures for API keys: sites in both worlds, over memory and over real servers."""

import pytest

from api_key_site import ApiKeySite, people
from app_reports import WORLDS
from login_site import reopened, stores_of
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


@pytest.fixture
def clock(moment):
    return moment.clock


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


@pytest.fixture
def directory(world):
    """Return a directory with the methods of both worlds."""
    del world
    return people()


@pytest.fixture
def make(world, moment, directory):
    """Make a site over memory, with its own settings."""
    made = []

    def build(**fields):
        site = ApiKeySite(world, **{"clock": moment.clock, "directory": directory} | fields)
        made.append(site)
        return site

    yield build
    for site in made:
        site.close()


@pytest.fixture(params=["memory", *KINDS])
def workers(request, moment, servers, make):
    """Make sites over one store of every kind, each with its own connections like the workers of a site."""
    server = None if request.param == "memory" else servers(request.param)
    stores = stores_of(request.param, server, moment, print)
    made = []

    def begin(**fields):
        own = stores if server is None or not made else reopened(server, moment, print)
        made.append(make(stores=own, **fields))
        return made[-1]

    return begin


@pytest.fixture
def any_site(workers):
    """Return a site over every kind of store."""
    return workers()
