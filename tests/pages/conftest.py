"""Fixtures for the pages for people: sites in both worlds, and a browser without scripts."""

import pytest

from app_reports import WORLDS
from login_site import LoginSite
from login_stack import ManualTime
from page_reader import PageReader


@pytest.fixture
def clock():
    return ManualTime().clock


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


@pytest.fixture
def make(world, clock):
    """Make a site over memory, with its own settings."""
    made = []

    def build(**fields):
        site = LoginSite(world, clock=clock, **fields)
        made.append(site)
        return site

    yield build
    for site in made:
        site.close()


@pytest.fixture
def reader(make):
    """Make a site, and return a browser of it."""
    return lambda **fields: PageReader(make(**fields))
