"""A real Valkey for all of these tests, and an ``Auth`` beside the served processes that revokes."""

import pytest

from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from store_servers import Server


@pytest.fixture(scope="session")
def valkey():
    """Return a server for all tests; each of them revokes other tokens."""
    server = Server("valkey")
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["strict", "bounded"])
def consistency(request):
    return request.param


@pytest.fixture(scope="session")
def auth(valkey):
    """Return an ``Auth`` of another process that uses the same store."""
    # It follows nothing, because it stays while other tests count threads and commands.
    config = login_configuration(store={"url": valkey.url, "deadline_ms": 20_000}, revocation={"consistency": "strict"})
    with Auth(config, directory=MemoryDirectory()) as made:
        # The epoch begins now.
        made.sessions.revoke_token("of nobody")
        yield made
