"""Fixtures for the OAuth endpoints: a site with clients, in both worlds."""

import pytest

from app_reports import WORLDS
from login_stack import ManualTime
from oauth_site import OAuthClient, oauth_site
from store_servers import started_servers


@pytest.fixture(scope="session")
def servers():
    """Start a server at the first test that asks for its kind."""
    with started_servers() as start:
        yield start


@pytest.fixture
def moment():
    return ManualTime()


@pytest.fixture
def clock(moment):
    return moment.clock


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


@pytest.fixture
def make(world, clock):
    """Make a site with clients over memory, with its own settings."""
    made = []

    def build(**fields):
        site = oauth_site(world, clock=clock, **fields)
        made.append(site)
        return site

    yield build
    for site in made:
        site.close()


@pytest.fixture
def site(make):
    return make()


@pytest.fixture
def client(site):
    return OAuthClient(site)
