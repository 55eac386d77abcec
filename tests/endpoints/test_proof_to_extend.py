"""Extend a refresh token with the password in the same request: ``sessions.require_proof_to_extend``."""

import asyncio

import pytest

from login_site import OWN_PAGE, REFRESH, LoginClient, LoginSite, login_configuration
from safeconduct import Account, Auth, ConfigurationError
from safeconduct.errors import BadCredentials, NotSupported, TooManyAttempts
from safeconduct.events import SessionEnded, SignInFailed

DAY = 86_400
HALF = 7 * DAY
PROVEN = {"require_proof_to_extend": True}


@pytest.fixture
def proven(workers, format_of_tokens):
    """Return a site over every kind of store that demands the proof."""
    return workers(tokens={"format": format_of_tokens}, sessions=PROVEN)


@pytest.fixture
def due(make, clock):
    """Return a client whose refresh token may be extended, of a site with its own settings."""

    def signed_in(**fields):
        client = LoginClient(make(**{"sessions": PROVEN} | fields))
        client.get_tokens(remember=True)
        clock.advance(seconds=HALF + 1)
        return client

    return signed_in


def end_of(client):
    """Return when the refresh token of the session may be extended last: its end."""
    assert 200 == client.refresh()
    return client.tokens["extend_before"]


@pytest.mark.parametrize("body", [{}, {"password": "wrong"}, {"password": "builder"}, {"password": ""}], ids=str)
def test_l7_without_the_right_password_nothing_is_extended(proven, clock, body):
    """Also not with that of another user; the refresh token is as good as before."""
    client = LoginClient(proven)
    client.get_tokens(remember=True)
    clock.advance(seconds=HALF + 1)
    before = client.tokens

    assert 401 == client.refresh(extend=True, **body)
    assert "invalid_token" == client.json["code"]

    clock.advance(seconds=60)
    assert 200 == client.refresh(before["refresh_token"])
    assert before["extend_before"] == client.tokens["extend_before"]


def test_l7_the_right_password_extends(proven, clock):
    client = LoginClient(proven)
    client.get_tokens(remember=True)
    clock.advance(seconds=HALF + 1)
    before = client.tokens["extend_before"]

    assert 200 == client.refresh(extend=True, password="wonder")

    assert before + HALF <= client.tokens["extend_before"]
    assert ("remembered", 200) == (client.tokens["level"], client.use())


def test_l7_a_refresh_that_does_not_extend_needs_no_password(due):
    client = due()

    assert 200 == client.refresh()
    assert 200 == client.refresh(password="wrong")


def test_l7_a_page_extends_by_cookie(make, clock):
    client = LoginClient(make(sessions=PROVEN))
    client.sign_in(remember=True)
    clock.advance(seconds=HALF + 1)
    cookie = client.cookies[REFRESH]

    assert 401 == client.request("POST", "/auth/refresh", json_body={"extend": True})
    assert cookie == client.cookies[REFRESH]
    assert 200 == client.request("POST", "/auth/refresh", json_body={"extend": True, "password": "wonder"})
    assert cookie != client.cookies[REFRESH]


def test_l7_a_password_that_comes_is_checked_even_where_none_is_demanded(due):
    """An application that asks for it relies on that."""
    client = due(sessions={})

    assert 401 == client.refresh(extend=True, password="wrong")
    assert 200 == client.refresh(extend=True)


def test_l7_the_password_is_that_of_the_session(due):
    """The name was given to another user meanwhile."""
    client = due()
    accounts = client.site.directory.accounts
    accounts["alice"], bob = accounts["bob"], accounts["alice"]

    assert 401 == client.refresh(extend=True, password="wonder")
    accounts["alice"] = bob
    assert 200 == client.refresh(extend=True, password="wonder")


def test_l7_failed_tries_count_as_those_of_a_sign_in(due):
    """Five of one account from one network; the session goes on, and the right password waits too."""
    client = due(login={})

    statuses = [client.refresh(extend=True, password="wrong") for _ in range(6)]

    assert [401] * 5 + [429] == statuses
    assert 429 == client.refresh(extend=True, password="wonder")
    assert 429 == LoginClient(client.site).get_tokens()
    assert 200 == client.refresh()
    events = client.site.events
    assert ["extend"] * 5 == [event.scheme for event in events if isinstance(event, SignInFailed)]
    assert not [event for event in events if isinstance(event, SessionEnded)]


def test_l7_a_known_device_is_not_locked_out_by_others(make, clock):
    site = make(sessions=PROVEN, login={"failures_per_account": 2, "failures_per_account_and_network": 3})
    client = LoginClient(site)
    client.sign_in(remember=True)
    clock.advance(seconds=HALF + 1)
    for _ in range(2):
        LoginClient(site).request("POST", "/auth/login", json_body={"username": "alice", "password": "wrong"})

    extend = {"extend": True, "password": "wonder"}
    device = {name: value for name, value in client.cookies.items() if "device" in name}
    for name in device:
        client.cookies.pop(name)
    assert 429 == client.request("POST", "/auth/refresh", json_body=extend)
    client.cookies |= device
    assert 200 == client.request("POST", "/auth/refresh", json_body=extend)


def test_l7_too_early_is_too_early_with_the_password_too(make):
    client = LoginClient(make(sessions=PROVEN))
    client.get_tokens(remember=True)

    assert 409 == client.refresh(extend=True, password="wonder")
    assert 200 == client.refresh()


def test_l7_a_foreign_page_extends_nothing(make, clock):
    client = LoginClient(make(sessions=PROVEN), page=(("origin", "https://evil.example"),))
    client.page, foreign = OWN_PAGE, client.page
    client.sign_in(remember=True)
    clock.advance(seconds=HALF + 1)
    client.page, client.csrf = foreign, None

    assert 403 == client.request("POST", "/auth/refresh", json_body={"extend": True, "password": "wonder"})


def test_l7_a_password_that_is_no_text_is_refused(due):
    client = due()

    assert 400 == client.refresh(extend=True, password=True)
    assert 200 == client.refresh()


def test_l7_without_a_store_nothing_is_extended_at_all(make):
    """No attempt is counted for it; a step-up can remember the user again."""
    client = LoginClient(make(store="none", sessions=PROVEN))
    client.get_tokens(remember=True)
    checks = client.site.directory.checks

    assert 501 == client.refresh(extend=True, password="wonder")
    assert checks == client.site.directory.checks
    assert 200 == client.refresh()


def test_l7_code_extends_with_the_password_too(due):
    client = due(login={"failures_per_account": 6})
    sessions, token = client.site.auth.sessions, client.tokens["refresh_token"]

    for password in (None, "wrong"):
        with pytest.raises(BadCredentials):
            sessions.refresh(token, extend=True, password=password)
    tokens = sessions.refresh(token, extend=True, password="wonder")
    assert tokens.refresh_token.value != token

    token = tokens.refresh_token.value
    for _ in range(5):
        with pytest.raises(BadCredentials):
            sessions.refresh(token, extend=True, password="wrong")
    with pytest.raises(TooManyAttempts):
        sessions.refresh(token, extend=True, password="wonder")
    assert sessions.refresh(token).session_id == tokens.session_id


def test_l7_code_awaits_it_as_well(clock):
    site = LoginSite("wsgi", clock=clock, sessions=PROVEN)
    client = LoginClient(site)
    client.get_tokens(remember=True)
    clock.advance(seconds=HALF + 1)

    extended = asyncio.run(
        site.auth.async_sessions.refresh(client.tokens["refresh_token"], extend=True, password="wonder")
    )

    assert extended.refresh_token is not None
    site.close()


@pytest.mark.parametrize("wrap", ["asgi", "wsgi"])
def test_l7_the_proof_needs_a_directory(wrap):
    """Otherwise no refresh token could ever be extended."""
    auth = Auth(login_configuration(sessions=PROVEN))

    with pytest.raises(ConfigurationError, match=r"sessions\.require_proof_to_extend: got True.*directory"):
        getattr(auth, wrap)(lambda *_: None)
    auth.close()


@pytest.mark.parametrize("wrap", ["asgi", "wsgi"])
def test_r4_cached_cut_offs_need_a_directory(wrap):
    """Otherwise no request could look an account up."""
    auth = Auth(login_configuration(login={"cut_off": "cached"}))

    with pytest.raises(ConfigurationError, match=r"login\.cut_off: got 'cached'.*lookup"):
        getattr(auth, wrap)(lambda *_: None)
    auth.close()


def test_l7_code_without_a_directory_cannot_check_a_password(clock):
    auth = Auth(login_configuration(), clock=clock)

    tokens = auth.sessions.sign_in(Account("alice"), remember=True)
    clock.advance(seconds=HALF + 1)

    with pytest.raises(NotSupported):
        auth.sessions.refresh(tokens.refresh_token.value, extend=True, password="wonder")
    auth.close()
