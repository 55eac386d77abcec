"""What the tests of passwords share."""

import pytest

from throttles import MemoryThrottle


@pytest.fixture(params=["wsgi", "asgi"])
def throttle(request):
    return MemoryThrottle(request.param)
