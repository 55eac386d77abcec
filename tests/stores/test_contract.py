"""Every store keeps the same contract, in both worlds."""

import pytest

from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis_stores import RedisStores
from store_contract import HORIZON_MS, LEEWAY_MS, StoreContract
from worlds import WORLDS, Clock


class Shift:
    """A server's clock, moved."""

    def __init__(self):
        self.shift_ms = 0

    def __call__(self):
        return self.shift_ms

    def advance(self, *, seconds):
        self.shift_ms += int(seconds * 1000)


class TestMemoryStore(StoreContract):
    """The store in this process."""

    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture(params=WORLDS)
    def world(self, request, clock):
        world = WORLDS[request.param](MemoryStore(clock=clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS))
        yield world
        world.close()


class TestRedisStore(StoreContract):
    """A server's store."""

    @pytest.fixture
    def clock(self):
        return Shift()

    @pytest.fixture(params=WORLDS)
    def world(self, request, clock, server):
        stores = RedisStores(
            StoreConfig(url=server.socket_url, deadline_ms=5000),
            RevocationConfig(),
            horizon_ms=HORIZON_MS,
            leeway_ms=LEEWAY_MS,
            announce=print,
            shift_ms=clock,
        )
        world = WORLDS[request.param](stores)
        world.run(world.store.begin_epoch(0, reason="new", seen=None))
        yield world
        world.close()
