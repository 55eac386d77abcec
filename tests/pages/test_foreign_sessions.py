"""What a person sees whose session only another process knows, or this one before a restart, with ``memory://``."""

import pytest

from login_site import ACCESS, LoginClient
from page_reader import PageReader

FORMATS = pytest.mark.parametrize("format_of_tokens", ["jws", "opaque"])


@pytest.fixture
def restarted(make):
    """Return a browser that signed in at a site, whose place another one with an empty memory has taken."""

    def signed_in(**fields):
        before, after = make(**fields), make(**fields)
        browser = PageReader(before)
        assert 303 == browser.post("/auth/login", {"username": "alice", "password": "wonder"})
        browser.site = after
        return browser, before

    return signed_in


@FORMATS
def test_the_person_can_sign_in_again(restarted, format_of_tokens):
    """The page shows the form, and the sign-in replaces the cookies."""
    browser, _ = restarted(tokens={"format": format_of_tokens})
    old = browser.cookies[ACCESS]

    assert 200 == browser.open("/auth/sign-in?next=/me")
    [form] = browser.page.forms
    assert ("/auth/login", {"next": "/me"}) == (form.action, form.values)
    assert 303 == browser.submit(form, username="alice", password="wonder")

    assert old != browser.cookies[ACCESS]
    assert 200 == browser.open("/me")
    assert 200 == browser.open("/auth/sign-in")
    assert "You are signed in as alice." in browser.page.text


@FORMATS
def test_a_page_is_unavailable_and_leads_to_the_sign_in(restarted, format_of_tokens):
    """The session may go on elsewhere, so that nobody is told that it has ended."""
    browser, before = restarted(tokens={"format": format_of_tokens})

    assert 503 == browser.open("/me?a=1")

    assert "This server does not know your sign-in. Sign in again, or try again later." in browser.page.text
    assert ["/auth/sign-in?next=/me%3Fa%3D1"] == browser.page.links
    assert () == browser.response.values("set-cookie")
    browser.site = before
    assert 200 == browser.open("/me")


def test_a_program_gets_what_it_gets_in_any_outage(restarted):
    browser, _ = restarted()
    client = LoginClient(browser.site)
    client.cookies = browser.cookies

    assert 503 == client.request("GET", "/me")

    assert "unavailable" == client.json["code"]
    assert ("1",) == client.response.values("retry-after")


def test_the_page_leads_to_the_sign_in_page_of_the_application(restarted):
    browser, _ = restarted(access={"sign_in_url": "/hello"}, endpoints={"pages": True})

    assert 503 == browser.open("/me")

    assert ["/hello?next=/me"] == browser.page.links


def test_a_sign_out_does_not_say_that_the_session_has_ended(restarted):
    """It keeps the cookies, with which the person can sign out where the session goes on."""
    browser, before = restarted()
    cookies = dict(browser.cookies)

    assert 503 == browser.post("/auth/logout", {})

    assert cookies == browser.cookies
    browser.site = before
    assert 200 == browser.open("/me")


def test_a_sign_in_by_a_script_replaces_the_cookies(restarted):
    """No session has to end before, since this process cannot end the one of the cookies."""
    browser, before = restarted()
    client = LoginClient(browser.site)
    client.cookies = browser.cookies

    body = {"username": "bob", "password": "builder", "cookies": True}
    assert 200 == client.request("POST", "/auth/login", json_body=body)

    assert 200 == client.request("GET", "/me")
    assert (0, 1) == tuple(_sessions(browser.site, name) for name in ("alice", "bob"))
    assert 1 == _sessions(before, "alice")


def _sessions(site, subject):
    """Return how many sessions *subject* has at *site*."""
    if site.world == "asgi":
        return len(site._runner.run(site.auth.async_sessions.list(subject)))
    return len(site.auth.sessions.list(subject))
