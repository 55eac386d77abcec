"""Who is refused by an inner middleware is led to where the outermost one of the same ``Auth`` serves its endpoints."""

import pytest

from login_site import LoginSite
from mixed_apps import NESTS, PREFIX, VERIFIED_AGAIN, WSGI_NESTS
from page_reader import PageReader

SERVER = "/srv é"
#: The outer middleware leaves everything below the mount to the inner one, whose paths begin there.
ACCESS = {
    "public": [PREFIX + "/{rest...}"],
    "rules": [{"path": "/admin", "level": "explicit", "max_age_seconds": 300}],
    "default": "authenticated",
}


@pytest.fixture(params=NESTS)
def nested(request):
    """A function that returns a browser of two applications, one inside the other, both behind the same ``Auth``."""
    sites = []

    def make(root_path="", **fields):
        name = request.param
        site = LoginSite("wsgi" if name in WSGI_NESTS else "asgi", **{"sources": ["cookie"], "access": ACCESS} | fields)
        site.application = NESTS[name](site.auth, site.auth)
        sites.append(site)
        browser = PageReader(site, root_path=root_path)
        # Where a bridge passes nothing on, the inner middleware knows of no other, and serves the endpoints too.
        browser.endpoints = (PREFIX if name in VERIFIED_AGAIN else "") + "/auth"
        return browser

    yield make
    for site in sites:
        site.close()


def test_a_person_signs_in_where_the_endpoints_are(nested):
    browser = nested()

    assert 303 == browser.open(PREFIX + "/me?a=1")
    assert f"{browser.endpoints}/sign-in?next={PREFIX}/me%3Fa%3D1" == browser.location
    assert 200 == browser.open(browser.location)
    assert f"{browser.endpoints}/login" == browser.page.forms[0].action
    assert (303, PREFIX + "/me?a=1") == (browser.submit(username="alice", password="wonder"), browser.location)
    assert 200 == browser.open(browser.location)
