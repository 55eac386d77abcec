"""Fixtures for the tests of passwords."""

import pytest

from throttles import MemoryThrottle


@pytest.fixture(params=["wsgi", "asgi"])
def throttle(request):
    return MemoryThrottle(request.param)
