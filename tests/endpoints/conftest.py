"""Places where a login has its whole life: both worlds, over memory and over real servers."""

import pytest

from login_scene import Time
from servers import KINDS, Server
from visiting import Place, Visitor, reopened, stores_of
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
def workers(request, world, moment, servers):
    """Make places over one store of every kind; each has its own connections, as the workers of a site have."""
    made = []
    server = None if request.param == "memory" else servers(request.param)
    stores = stores_of(request.param, server, moment, print)

    def begin(**fields):
        own = stores if server is None or not made else reopened(server, moment, print)
        place = Place(world, clock=moment.clock, stores=own, **fields)
        made.append(place)
        return place

    yield begin
    for place in made:
        place.close()


@pytest.fixture
def anywhere(workers, format_of_tokens):
    """A place over every kind of store, with either kind of token."""
    return workers(tokens={"format": format_of_tokens})


@pytest.fixture(params=["memory", *KINDS])
def watched(request, world, moment):
    """A place over every kind of store, and the server, which nobody else uses; None for the memory."""
    server = None if request.param == "memory" else Server(request.param)
    place = Place(world, clock=moment.clock, stores=stores_of(request.param, server, moment, print))
    yield place, server
    place.close()
    if server is not None:
        server.stop()


@pytest.fixture
def doomed(world, moment, format_of_tokens):
    """A place whose server can be killed."""
    server = Server("valkey")
    # Over TCP: redis-py 5 leaves the socket open, until it is collected, where a Unix socket is gone.
    stores = stores_of("valkey", server, moment, print, by="url")
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
