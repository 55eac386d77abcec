"""Fixtures for the tests with other libraries: an ``Auth`` that trusts them, and the node process."""

import pytest

from interop_peers import AUDIENCE, NOW, PARTNER, SEALING, THEIR_ISSUER, WRITTEN, key_for_peers, stop_node
from safeconduct import Auth, Config, Trust


@pytest.fixture(scope="session")
def trusting():
    """Return an ``Auth`` with two trusts, which have every algorithm between them."""
    shared = [name for name in WRITTEN if name.startswith("HS")]
    public = [name for name in WRITTEN if name not in shared]
    trusts = [_trust(THEIR_ISSUER, [*public, *SEALING]), _trust(PARTNER, shared)]
    with Auth(Config(store="memory://", trust=trusts), clock=lambda: NOW) as auth:
        yield auth


def _trust(issuer, algorithms):
    keys = {"keys": [key_for_peers(name) for name in algorithms]}
    return Trust(
        issuer=issuer, audience=AUDIENCE, algorithms=[*algorithms, "A256GCM"], keys=keys, roles={"App-Admins": "admin"}
    )


@pytest.fixture(scope="session", autouse=True)
def _node_ends():
    yield
    stop_node()
