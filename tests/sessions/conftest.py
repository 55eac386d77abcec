"""Fixtures for the sessions: servers that are emptied between tests, and login stacks over every store."""

import pytest

from login_stack import HORIZON_MS, LEEWAY_MS, LoginStack, ManualTime
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis.server import RedisServer
from store_servers import KINDS, started_servers
from worlds import WORLDS


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


@pytest.fixture
def open_stores(servers, moment):
    """Open the memory or an emptied server, by the test's clock."""

    def make(kind):
        if kind == "memory":
            return MemoryStore(clock=moment.clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)
        server = servers(kind)
        server.say("FLUSHALL")
        return RedisServer(
            StoreConfig(url=server.socket_url, deadline_ms=5000),
            RevocationConfig(),
            horizon_ms=HORIZON_MS,
            leeway_ms=LEEWAY_MS,
            announce=print,
            shift_ms=moment.shift_ms,
        )

    return make


@pytest.fixture
def enter():
    """Run a store in one world."""
    entered = []

    def into(name, stores):
        world = WORLDS[name](stores)
        entered.append(world)
        return world

    yield into
    for world in entered:
        world.close()


@pytest.fixture
def build(enter, open_stores, clock):
    """Build a login stack over memory or over *stores*."""

    def made(stores=None, *, world="blocking", **options):
        return LoginStack(enter(world, stores or open_stores("memory")), clock, **options)

    return made


@pytest.fixture(params=["memory", *KINDS])
def stack(request, build, open_stores):
    """Build a login stack over every kind of store."""
    return build(open_stores(request.param))
