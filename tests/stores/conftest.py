"""Servers that live for a session, and are emptied between tests."""

import pytest
from servers import KINDS, Server


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
    """A server that a test may kill."""
    server = Server(living_server.kind)
    yield server
    server.stop()
