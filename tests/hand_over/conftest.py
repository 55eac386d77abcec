"""Fixtures for hand-overs: two servers in both worlds, and a browser."""

import pytest

from app_reports import WORLDS
from handed_over import Browser, hand_over, receiving_site, sending_site
from worlds import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


@pytest.fixture
def make_receiver(world, clock):
    made = []

    def build(**fields):
        made.append(receiving_site(world, clock, **fields))
        return made[-1]

    yield build
    for site in made:
        site.close()


@pytest.fixture
def sender(world, clock):
    site = sending_site(world, clock)
    yield site
    site.close()


@pytest.fixture
def receiver(make_receiver):
    return make_receiver()


@pytest.fixture
def browser(receiver):
    return Browser(receiver)


@pytest.fixture
def token(sender):
    """A hand-over of the sender's alice."""
    return hand_over(sender).token
