"""Fixtures for the stores: servers that run for the whole test session and are emptied between tests."""

import time

import pytest

from faulty_connections import Proxy
from followed_store import Writer
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS
from store_servers import KINDS, Server
from worlds import WORLDS


@pytest.fixture(scope="session", params=KINDS)
def living_server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def server(living_server):
    living_server.say("FLUSHALL")
    living_server.say("SCRIPT", "FLUSH")
    living_server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
    return living_server


@pytest.fixture
def fresh_server(living_server):
    """Return a server that a test may kill."""
    server = Server(living_server.kind)
    yield server
    server.stop()


class Monotonic:
    """A monotonic clock moved by hand."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def monotonic():
    return Monotonic()


@pytest.fixture
def events():
    return []


@pytest.fixture
def open_stores(monotonic, events):
    """Open a server's store with a generous deadline, and record what it announces."""
    opened = []

    def make(
        url, *, deadline_ms=20_000, pool_size=4, keeps_view=False, shards=1, shift_ms=lambda: 0, clock=time.time,
        **revocation,
    ):  # fmt: skip
        stores = RedisServer(
            StoreConfig(url=url, deadline_ms=deadline_ms, pool_size=pool_size, shards=shards),
            RevocationConfig(**revocation),
            horizon_ms=HORIZON_MS,
            leeway_ms=LEEWAY_MS,
            announce=events.append,
            keeps_view=keeps_view,
            clock=clock,
            monotonic=monotonic,
            shift_ms=shift_ms,
        )
        opened.append(stores)
        return stores

    yield make
    for stores in opened:
        stores.end()


@pytest.fixture
def proxy(server):
    proxy = Proxy(server.port)
    yield proxy
    proxy.stop()


@pytest.fixture(params=WORLDS)
def enter(request):
    """Run a store in one of the two worlds."""
    entered = []

    def into(stores):
        world = WORLDS[request.param](stores)
        entered.append(world)
        return world

    yield into
    for world in entered:
        world.close()


@pytest.fixture
def writer(server, open_stores):
    stores = open_stores(server.url)
    yield Writer(stores)
    stores.end()


@pytest.fixture
def following(server, open_stores):
    """Return a store with a view, whose follower the test moves step by step."""
    opened = []

    def make(url=server.url, **options):
        # The server waits so long for a change, a quarter of this, that no test notices it.
        stores = open_stores(url, keeps_view=True, staleness_seconds=0.004, **options)
        opened.append(stores)
        return stores._follower

    yield make
    for stores in opened:
        stores._follower.disconnect()
        stores.end()


@pytest.fixture
def follower(writer, following):  # noqa: ARG001 - the store has begun
    made = following()
    made.connect()
    return made
