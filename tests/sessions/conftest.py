"""Servers that live for a session of tests, and are emptied between tests."""

import pytest

from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis_stores import RedisStores
from servers import KINDS, Server
from session_contract import HORIZON_MS, LEEWAY_MS
from worlds import Clock


@pytest.fixture(scope="session", params=KINDS)
def living_server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def server(living_server):
    living_server.say("FLUSHALL")
    return living_server


class Shift:
    """A server's clock, moved; it says how late it is in seconds, as a process's clock does."""

    def __init__(self):
        self.shift_ms = 0

    def __call__(self):
        return self.shift_ms

    def advance(self, *, seconds):
        self.shift_ms += int(seconds * 1000)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def memory_stores(clock):
    return MemoryStore(clock=clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)


def server_stores(server, shift, **revocation):
    return RedisStores(
        StoreConfig(url=server.socket_url, deadline_ms=5000),
        RevocationConfig(**revocation),
        horizon_ms=HORIZON_MS,
        leeway_ms=LEEWAY_MS,
        announce=print,
        shift_ms=shift,
    )


@pytest.fixture
def open_server(server):
    """Open the server's store with a clock that a test moves."""
    return lambda shift, **revocation: server_stores(server, shift, **revocation)


@pytest.fixture
def shift():
    return Shift()
