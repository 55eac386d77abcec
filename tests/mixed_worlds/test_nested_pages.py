"""Who is refused by an inner middleware is led to where the outermost one of the same ``Auth`` serves its endpoints."""

import pytest

from login_site import LoginSite
from mixed_apps import NESTS, PREFIX, VERIFIED_AGAIN, WSGI_NESTS
from navigating_person import MOST_STEPS
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


def follow(browser, target, *, began="same-origin"):
    """Navigate to *target* and wherever it leads; return where that ends."""
    headers = [("sec-fetch-site", began)]
    for _ in range(MOST_STEPS):
        if browser.open(target, headers=headers) == 200:
            return target
        target, headers = browser.location, [("sec-fetch-site", "same-origin")]
    raise AssertionError(f"a loop of redirections, at last to {target}")


def test_a_person_signs_in_where_the_endpoints_are(nested):
    browser = nested()

    assert 303 == browser.open(PREFIX + "/me?a=1")
    assert f"{browser.endpoints}/sign-in?next={PREFIX}/me%3Fa%3D1" == browser.location
    assert 200 == browser.open(browser.location)
    assert f"{browser.endpoints}/login" == browser.page.forms[0].action
    assert (303, PREFIX + "/me?a=1") == (browser.submit(username="alice", password="wonder"), browser.location)
    assert 200 == browser.open(browser.location)


def test_below_a_prefix_of_the_server_too(nested):
    browser = nested(SERVER)
    shown = SERVER.replace(" ", "%20").replace("é", "%C3%A9")

    assert 303 == browser.open(shown + PREFIX + "/me")
    assert f"{shown}{browser.endpoints}/sign-in?next=" in browser.location
    assert 200 == browser.open(browser.location)
    assert f"{shown}{browser.endpoints}/login" == browser.page.forms[0].action
    browser.submit(username="alice", password="wonder")
    assert shown + PREFIX + "/me" == browser.location
    assert 200 == browser.open(browser.location)


def test_a_page_that_refuses_what_was_sent_links_to_the_sign_in_page(nested):
    browser = nested()

    assert 401 == browser.post(PREFIX + "/me", {"a": "b"}, headers=())

    [link] = browser.page.links
    assert f"{browser.endpoints}/sign-in" == link
    assert 200 == browser.open(link)


@pytest.mark.parametrize("outside", [[], ACCESS["public"]], ids=["closed", "open"])
def test_the_form_for_a_password_is_sent_to_the_endpoints(nested, outside):
    """Also where the outer middleware lets the cookie pass by its fast path: it is closed there, and seen before."""
    browser = nested(access=ACCESS | {"public": [f"{PREFIX}/auth/{{rest...}}", *outside]})
    browser.sign_in()
    browser.site.clock.advance(seconds=301)

    for _ in range(3):
        assert 401 == browser.open(PREFIX + "/admin?a=1")
    form = browser.page.forms[0]
    assert f"{browser.endpoints}/step-up" == form.action
    assert 303 == browser.submit(form, password="wonder")

    assert PREFIX + "/admin?a=1" == browser.location
    assert 200 == browser.open(browser.location)


def test_a_link_on_another_site_leads_to_the_page_that_continues(nested):
    """The strict refresh cookie is not sent with it."""
    browser = nested(access=ACCESS | {"continue_navigation": True})
    browser.sign_in(remember="true")
    browser.site.clock.advance(seconds=86_400)
    kept = {name: value for name, value in browser.cookies.items() if "refresh" in name or "device" in name}
    browser.client.cookies = {}

    assert 303 == browser.open(PREFIX + "/me", headers=[("sec-fetch-site", "cross-site")])
    assert f"{browser.endpoints}/continue?next={PREFIX}/me" == browser.location
    browser.client.cookies = kept

    assert PREFIX + "/me" == follow(browser, browser.location)


def test_nothing_to_continue_ends_at_the_sign_in_page(nested):
    """The outer rules leave the page open, so that the person is sent back there first."""
    browser = nested(access=ACCESS | {"continue_navigation": True})

    end = follow(browser, PREFIX + "/me", began="cross-site")

    assert end.startswith(f"{browser.endpoints}/sign-in?next=")
    assert "Sign in" == browser.page.title


def test_a_page_to_sign_in_of_the_application_is_that_of_the_outer_one(nested):
    browser = nested(access=ACCESS | {"sign_in_url": "/login", "public": ["/login", *ACCESS["public"]]})

    assert 303 == browser.open(PREFIX + "/me")

    expected = browser.endpoints.removesuffix("/auth") + "/login?next=" + PREFIX + "/me"
    assert expected == browser.location


def test_a_program_gets_the_same_challenge_as_from_the_outer_one(nested):
    """It names no address."""
    browser = nested(sources=["bearer", "cookie"])

    answers = [(browser.client.request("GET", path), browser.client.response) for path in (PREFIX + "/me", "/me")]

    assert [401, 401] == [status for status, _ in answers]
    inner, outer = (answer.values("www-authenticate") for _, answer in answers)
    assert (('Bearer realm="https://api.example"',), inner) == (inner, outer)


def test_cookies_and_csrf_tokens_are_those_of_both(nested):
    """A cookie is sent to the whole site; the token of a page inside signs out at the endpoint outside."""
    browser = nested()
    browser.sign_in()
    assert all("path=/;" in each.lower() + ";" for each in browser.response.values("set-cookie"))

    assert 200 == browser.open(PREFIX + "/token")
    token = browser.response.body.decode()
    assert 303 == browser.post(browser.endpoints + "/logout", {"csrf_token": token, "next": PREFIX + "/me"})

    assert PREFIX + "/me" == browser.location
    assert 303 == browser.open(PREFIX + "/me")
