"""Places where a login has its whole life: both worlds, over memory and over real servers."""

import pytest

from login_scene import Time
from servers import KINDS, Server
from visiting import Place, Visitor, stores_of
from worlds_of_requests import WORLDS


@pytest.fixture(scope="session")
def servers():
    """Start a server at the first test that asks for its kind."""
    started = {}

    def start(kind):
        if kind not in started:
            started[kind] = Server(kind)
        return started[kind]

    yield start
    for server in started.values():
        server.stop()


@pytest.fixture
def moment():
    return Time()


@pytest.fixture
def clock(moment):
    return moment.clock


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


@pytest.fixture
def make(world, clock):
    """Make a place in the memory, with settings of its own."""
    made = []

    def build(**fields):
        place = Place(world, clock=clock, **fields)
        made.append(place)
        return place

    yield build
    for place in made:
        place.close()


#: A signed token and a reference to the store lead the same life.
FORMATS = ("jws", "opaque")


@pytest.fixture(params=FORMATS)
def place(request, make):
    return make(tokens={"format": request.param})


@pytest.fixture
def visitor(place):
    return Visitor(place)


@pytest.fixture(params=FORMATS)
def format_of_tokens(request):
    return request.param


@pytest.fixture(params=["memory", *KINDS])
def anywhere(request, world, moment, servers, format_of_tokens):
    """A place over every kind of store."""
    server = None if request.param == "memory" else servers(request.param)
    stores = stores_of(request.param, server, moment, print)
    place = Place(world, clock=moment.clock, stores=stores, tokens={"format": format_of_tokens})
    yield place
    place.close()


@pytest.fixture
def doomed(world, moment, format_of_tokens):
    """A place whose server can be killed."""
    server = Server("valkey")
    stores = stores_of("valkey", server, moment, print)
    place = Place(world, clock=moment.clock, stores=stores, tokens={"format": format_of_tokens})
    yield place, server
    place.close()
    server.stop()


@pytest.fixture(params=KINDS)
def over_a_server(request, world, moment, servers):
    """Make a place over a server that the test may look into."""
    server, made = servers(request.param), []

    def build(**fields):
        place = Place(world, clock=moment.clock, stores=stores_of(request.param, server, moment, print), **fields)
        made.append(place)
        return place, server

    yield build
    for place in made:
        place.close()
