"""What the tests of passwords share."""

import pytest

from throttling import Door


@pytest.fixture(params=["wsgi", "asgi"])
def door(request):
    return Door(request.param)
