"""Fixtures for the endpoints: sites in both worlds, over memory and over real servers."""

import pytest

from app_reports import WORLDS
from login_site import LoginClient, LoginSite, reopened, stores_of
from login_stack import ManualTime
from store_servers import KINDS, Server, started_servers


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
def make(world, clock):
    """Make a site over memory, with its own settings."""
    made = []

    def build(**fields):
        site = LoginSite(world, clock=clock, **fields)
        made.append(site)
        return site

    yield build
    for site in made:
        site.close()


#: Signed and opaque tokens behave alike.
FORMATS = ("jws", "opaque")


@pytest.fixture(params=FORMATS)
def site(request, make):
    return make(tokens={"format": request.param})


@pytest.fixture
def client(site):
    return LoginClient(site)


@pytest.fixture(params=FORMATS)
def format_of_tokens(request):
    return request.param


@pytest.fixture(params=["memory", *KINDS])
def workers(request, world, moment, servers):
    """Make sites over one store of every kind, each with its own connections like the workers of a site."""
    made = []
    server = None if request.param == "memory" else servers(request.param)
    stores = stores_of(request.param, server, moment, print)

    def begin(**fields):
        own = stores if server is None or not made else reopened(server, moment, print)
        site = LoginSite(world, clock=moment.clock, stores=own, **fields)
        made.append(site)
        return site

    yield begin
    for site in made:
        site.close()


@pytest.fixture
def any_site(workers, format_of_tokens):
    """Return a site over every kind of store, with either format of tokens."""
    return workers(tokens={"format": format_of_tokens})


@pytest.fixture(params=["memory", *KINDS])
def watched(request, world, moment):
    """Return a site over every kind of store, and its server, which no other test uses; None for memory."""
    server = None if request.param == "memory" else Server(request.param)
    site = LoginSite(world, clock=moment.clock, stores=stores_of(request.param, server, moment, print))
    yield site, server
    site.close()
    if server is not None:
        server.stop()


@pytest.fixture
def killable_site(world, moment, format_of_tokens):
    """Return a site whose server can be killed."""
    server = Server("valkey")
    # Over TCP, because redis-py 5 leaves a lost Unix socket open until it is garbage-collected.
    stores = stores_of("valkey", server, moment, print, by="url")
    tokens = {"format": format_of_tokens, "audiences": ["https://billing.example"]}
    site = LoginSite(world, clock=moment.clock, stores=stores, tokens=tokens)
    yield site, server
    site.close()
    server.stop()


@pytest.fixture(params=KINDS)
def over_a_server(request, world, moment, servers):
    """Make a site over a server that the test can inspect."""
    server, made = servers(request.param), []

    def build(**fields):
        site = LoginSite(world, clock=moment.clock, stores=stores_of(request.param, server, moment, print), **fields)
        made.append(site)
        return site, server

    yield build
    for site in made:
        site.close()
