"""Fixtures for the tests of the demo's page: the site, and browsers; all of them run in one worker."""

import pytest

from browser_pages import Browsers, Tab
from demo_servers import DemoSite


def pytest_collection_modifyitems(items):
    """Keep two Chromiums from competing for the machine."""
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="module")
def browsers():
    """Return a browser for the tests of one module, so that its event loop ends with the module."""
    opened = Browsers()
    yield opened
    opened.close()


@pytest.fixture
def site(request, tmp_path):
    """Return the demo, served by Starlette or by the framework that a test's parameter names."""
    served = DemoSite(getattr(request, "param", "starlette"), tmp_path)
    yield served
    served.close()


@pytest.fixture
def open_tab(browsers, site):
    """Open the page in a profile, by default a fresh one, and fail on script or policy errors."""
    tabs, profiles = [], []

    def opened(profile=None, **how):
        if profile is None:
            profile = browsers.profile(**how)
            profiles.append(profile)
        tabs.append(Tab(profile, site))
        return tabs[-1]

    yield opened
    for profile in profiles:
        profile.close()
    assert [[]] * len(tabs) == [tab.broken for tab in tabs]


@pytest.fixture
def tab(open_tab):
    """Return one tab in a profile of its own."""
    return open_tab()
