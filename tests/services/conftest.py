"""Fixtures for the tests of services that ask for access."""

import pytest

from http_callers import CALLERS
from token_server import TokenServer
from worlds import Clock


@pytest.fixture
def server():
    """Return a running server with a token endpoint and a resource."""
    running = TokenServer()
    yield running
    running.close()


@pytest.fixture
def elsewhere():
    """Return a second server, which is another origin."""
    running = TokenServer()
    yield running
    running.close()


@pytest.fixture(params=CALLERS, ids=lambda caller: caller.name)
def caller(request):
    """Return each of the three HTTP clients in turn."""
    return request.param


@pytest.fixture
def clock():
    """Return a clock that is moved by hand."""
    return Clock()
