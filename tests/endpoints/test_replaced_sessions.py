"""Replace the session that a browser had when somebody signs in by cookie (ASVS 7.2.4)."""

import pytest

from login_site import ACCESS, DEVICE, OWN_PAGE, REFRESH, LoginClient
from safeconduct.events import SessionEnded
from safeconduct.stores import MemoryStore

BOB = ("bob", "builder")


def who(client):
    client.request("GET", "/auth/session")
    return client.json.get("subject")


@pytest.fixture
def browser(any_site):
    return LoginClient(any_site)


def test_b1_nobody_becomes_the_person_before(browser, clock):
    """The first user's access token has expired, and the second did not ask to be remembered."""
    browser.sign_in(remember=True)
    before = dict(browser.cookies)
    clock.advance(seconds=1000)
    del browser.cookies[ACCESS]

    assert 200 == browser.sign_in(*BOB)

    assert {ACCESS, DEVICE} == browser.cookies.keys()
    assert "bob" == who(browser)
    assert 401 == browser.request("POST", "/auth/refresh")
    assert 200 == browser.request("POST", "/auth/step-up", json_body={"password": "builder"})
    browser.cookies = before
    assert 401 == browser.request("POST", "/auth/refresh")


def test_b1_the_sign_out_of_the_second_ends_their_session(browser):
    browser.sign_in(remember=True)
    browser.sign_in(*BOB)
    cookies = dict(browser.cookies)

    assert 204 == browser.request("POST", "/auth/logout")

    browser.cookies = cookies
    assert 401 == browser.request("GET", "/me")


@pytest.mark.parametrize("brought", [(ACCESS,), (REFRESH,), (ACCESS, REFRESH)], ids=["access", "refresh", "both"])
@pytest.mark.parametrize("remember", [False, True], ids=["short", "remembered"])
def test_b1_each_cookie_that_came_ends_its_session(site, client, brought, remember):
    client.sign_in(remember=True)
    before = dict(client.cookies)
    client.cookies = {name: before[name] for name in brought}

    assert 200 == client.sign_in(*BOB, remember=remember)

    assert remember == (REFRESH in client.cookies)
    assert ["alice"] == [event.subject for event in site.events if isinstance(event, SessionEnded)]
    client.cookies = before
    assert 401 == client.request("GET", "/me")
    assert 401 == client.request("POST", "/auth/refresh")


def test_b1_an_access_cookie_that_has_expired_ends_its_session_too(client, site, clock):
    client.sign_in(remember=True)
    refresh = client.cookies.pop(REFRESH)
    clock.advance(seconds=1000)

    assert 200 == client.sign_in(*BOB)

    assert 401 == LoginClient(site).refresh(refresh)


def test_b1_cookies_of_two_people_end_both(client, site):
    client.sign_in(remember=True)
    alice = dict(client.cookies)
    client.cookies = {}
    client.sign_in(*BOB, remember=True)
    client.cookies[REFRESH] = alice[REFRESH]

    client.sign_in()

    assert {"alice", "bob"} == {event.subject for event in site.events if isinstance(event, SessionEnded)}


def test_b1_a_program_ends_nothing_of_the_browser(client, site):
    """A sign-in with tokens in the body replaces no session."""
    client.sign_in(remember=True)

    status = client.request("POST", "/auth/login", json_body={"username": "bob", "password": "builder"})

    assert 200 == status
    assert () == client.response.values("set-cookie")
    assert "alice" == who(client)
    assert [] == [event for event in site.events if isinstance(event, SessionEnded)]


def test_b1_a_wrong_password_ends_nothing(client):
    client.sign_in(remember=True)

    assert 401 == client.sign_in("bob", "wrong")
    assert "alice" == who(client)


@pytest.mark.parametrize("value", ["x", '"', "x.y.z", "A" * 96, "A" * 88])
def test_b1_an_unreadable_cookie_does_not_prevent_a_sign_in(client, value):
    client.cookies = {ACCESS: value, REFRESH: value}

    assert 200 == client.sign_in()
    assert {ACCESS, DEVICE} == client.cookies.keys()


def test_b1_two_cookies_of_one_name_do_not_prevent_a_sign_in(client):
    twice = f"{REFRESH}=a; {REFRESH}=b; {ACCESS}=a; {ACCESS}=b"
    json_body = {"username": "alice", "password": "wonder", "cookies": True}

    assert 200 == client.request("POST", "/auth/login", json_body=json_body, headers=[("cookie", twice), *OWN_PAGE])


def test_b1_a_browser_with_cookies_of_another_process_signs_in(workers, format_of_tokens):
    """The lost sessions cannot be ended, and keep nobody from signing in."""
    first = workers(tokens={"format": format_of_tokens})
    client = LoginClient(first)
    client.sign_in(remember=True)
    if isinstance(first.auth._container.stores, MemoryStore):
        first.auth._container.stores.begin_instance()

    assert 200 == client.sign_in()
    assert "alice" == who(client)


def test_b1_a_store_that_is_away_signs_nobody_in(killable_site):
    """No cookies are set, and the response reports no success."""
    site, server = killable_site
    client = LoginClient(site)
    client.sign_in(remember=True)
    server.kill()

    assert 503 == client.sign_in(*BOB)
    assert () == client.response.values("set-cookie")


def test_b1_a_page_of_a_trusted_origin_leaves_no_refresh_cookie(make):
    """A cross-site sign-in sends no strict cookies, although the browser has them."""
    site = make(csrf={"trusted_origins": ["https://login.example"]})
    client = LoginClient(site)
    client.sign_in(remember=True)
    json_body = {"username": "bob", "password": "builder", "cookies": True}

    assert 200 == client.request(
        "POST", "/auth/login", json_body=json_body, headers=[("origin", "https://login.example")], with_cookies=False
    )

    assert {ACCESS, DEVICE} == client.cookies.keys()
    assert "bob" == who(client)
