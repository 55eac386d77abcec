"""Fixtures for groups of real servers, which run for the whole test session."""

import pytest

from server_groups import SentinelGroup, ServerCluster
from store_servers import KINDS
from topology_sites import Site


@pytest.fixture(scope="session", params=KINDS)
def group(request):
    """A primary, a replica and three sentinels."""
    started = SentinelGroup(request.param)
    yield started
    started.stop()


@pytest.fixture(scope="session", params=KINDS)
def cluster(request):
    """Three primaries and three replicas."""
    started = ServerCluster(request.param)
    yield started
    started.stop()


@pytest.fixture
def open_site():
    """Open sites, and close them after the test."""
    opened = []

    def make(*arguments, **options):
        opened.append(Site(*arguments, **options))
        return opened[-1]

    yield make
    for site in opened:
        site.close()
