"""Ask for a refresh token at ``POST /auth/step-up``, with the password in the same request."""

import json

import pytest

from login_site import ACCESS, REFRESH, LoginClient
from safeconduct import RequestOrigin
from safeconduct.errors import BindingMismatch
from safeconduct.events import StoreRolledBack
from store_traffic import RoundTrips

DAY = 86_400
REMEMBER = {"password": "wonder", "remember": True}


@pytest.fixture(params=["memory://", "none"])
def short_lived(request, make):
    """Return a site with a store and one without; a session there begins without a refresh token."""
    return make(store=request.param)


def step_up(client, token, **body):
    return client.request("POST", "/auth/step-up", json_body=body, bearer=token, with_cookies=False)


def test_l7_a_program_is_remembered_with_its_password(short_lived, clock):
    """The refresh token lasts beyond the session that began without one."""
    client = LoginClient(short_lived)
    client.get_tokens()
    assert "refresh_token" not in client.tokens
    clock.advance(seconds=60)

    assert 200 == step_up(client, client.tokens["access_token"], **REMEMBER)

    client.tokens = client.json
    assert {"extend_after", "extend_before", "refresh_token"} <= client.tokens.keys()
    clock.advance(seconds=2 * DAY)
    assert (401, 200) == (client.use(), client.refresh())
    assert ("remembered", 200) == (client.tokens["level"], client.use())


def test_l7_a_page_is_remembered_by_cookie(short_lived, clock):
    """No script ever sees the refresh token."""
    client = LoginClient(short_lived)
    client.sign_in()
    assert REFRESH not in client.cookies

    assert 200 == client.request("POST", "/auth/step-up", json_body=REMEMBER)

    assert {"access_token", "refresh_token"}.isdisjoint(client.json)
    assert "extend_after" in client.json
    client.csrf = client.json["csrf_token"]
    clock.advance(seconds=2 * DAY)
    client.cookies.pop(ACCESS)
    assert 200 == client.request("POST", "/auth/refresh")


@pytest.mark.parametrize("body", [{"password": "wonder"}, {"password": "wonder", "remember": False}], ids=str)
def test_l5_no_one_is_remembered_unasked(short_lived, body):
    client = LoginClient(short_lived)
    client.get_tokens()

    assert 200 == step_up(client, client.tokens["access_token"], **body)
    assert "refresh_token" not in client.json


@pytest.mark.parametrize("password", ["wrong", "builder"], ids=["a wrong one", "of another user"])
def test_l7_no_one_is_remembered_without_their_password(short_lived, password):
    client = LoginClient(short_lived)
    client.get_tokens()

    assert 401 == step_up(client, client.tokens["access_token"], password=password, remember=True)
    assert "refresh_token" not in client.json
    assert 200 == client.use()


@pytest.mark.parametrize("remember", [1, "yes", [True]], ids=repr)
def test_l7_a_wish_is_true_or_false(short_lived, remember):
    client = LoginClient(short_lived)
    client.get_tokens()

    assert 400 == step_up(client, client.tokens["access_token"], password="wonder", remember=remember)


@pytest.mark.parametrize("page", [(("origin", "https://evil.example"),), (("sec-fetch-site", "cross-site"),), ()])
def test_l7_a_foreign_page_remembers_no_one(short_lived, page):
    """Not even if it knows the password: it lacks the origin and the CSRF token."""
    client = LoginClient(short_lived)
    client.sign_in()
    before, client.csrf = dict(client.cookies), None

    assert 403 == client.request("POST", "/auth/step-up", json_body=REMEMBER, headers=page, page=False)
    assert before == client.cookies


def test_l7_every_store_and_format_remembers(any_site, clock):
    client = LoginClient(any_site)
    client.get_tokens()

    assert 200 == step_up(client, client.tokens["access_token"], **REMEMBER)

    client.tokens = client.json
    clock.advance(seconds=2 * DAY)
    assert 200 == client.refresh()
    [session] = any_site.auth.sessions.list("alice")
    assert (client.tokens["session_id"], True) == (session.session_id, session.is_remembered)


def test_l7_of_two_tabs_that_ask_at_once_one_is_remembered(any_site):
    """The other one's access token has ended; nothing that was given out is lost."""
    client = LoginClient(any_site)
    client.get_tokens()
    request = (
        "POST", "/auth/step-up",
        (("authorization", f"Bearer {client.tokens['access_token']}"), ("content-type", "application/json")),
        b'{"password": "wonder", "remember": true}',
    )  # fmt: skip

    answers = any_site.request_all([request, request])

    assert [200, 401] == sorted(answer.status for answer in answers)
    [winner] = [answer for answer in answers if answer.status == 200]
    client.tokens = json.loads(winner.body)
    assert (200, 200) == (client.use(), client.refresh())


def test_l7_a_session_with_a_refresh_token_elsewhere_gets_no_second_one(client):
    """Its owner has it, and it goes on."""
    client.get_tokens(remember=True)
    kept = client.tokens["refresh_token"]

    assert 200 == step_up(client, client.tokens["access_token"], **REMEMBER)

    assert "refresh_token" not in client.json
    assert 200 == client.refresh(kept)


def test_l7_a_refresh_token_that_comes_along_is_rotated_as_ever(client):
    client.get_tokens(remember=True)
    kept = client.tokens["refresh_token"]

    assert 200 == step_up(client, client.tokens["access_token"], refresh_token=kept, **REMEMBER)

    client.tokens = client.json
    assert kept != client.tokens["refresh_token"]
    assert 200 == client.refresh()


def test_l7_remembering_again_after_the_refresh_token_has_expired(make, clock):
    """A session may outlive its refresh token by renewals."""
    site = make(sessions={"idle_lifetime_seconds": 1000})
    client = LoginClient(site)
    client.get_tokens(remember=True)
    for _ in range(3):
        client.refresh()
    old = client.tokens["refresh_token"]
    clock.advance(seconds=500)
    client.request("POST", "/auth/renew", bearer=client.tokens["access_token"], with_cookies=False)
    clock.advance(seconds=501)

    assert 200 == step_up(client, client.json["access_token"], **REMEMBER)

    client.tokens = client.json
    assert 200 == client.refresh()
    assert (401, 0) == (client.refresh(old), sum(isinstance(event, StoreRolledBack) for event in site.events))


def test_l7_the_transport_of_the_session_decides(client):
    """A token of a cookie session that comes in a header gets nothing for the header."""
    client.sign_in()

    assert 401 == step_up(client, client.cookies[ACCESS], **REMEMBER)
    assert 200 == client.request("GET", "/me")


def test_l7_code_remembers_too(short_lived, clock):
    sessions = short_lived.auth.sessions
    origin = RequestOrigin(transport="cookie", network="192.0.2.1")
    client = LoginClient(short_lived)
    client.get_tokens()
    page = LoginClient(short_lived)
    page.sign_in()

    by_header = sessions.step_up(client.tokens["access_token"], "wonder", remember=True)
    by_cookie = sessions.step_up(page.cookies[ACCESS], "wonder", remember=True, origin=origin)

    clock.advance(seconds=2 * DAY)
    assert "header" == sessions.refresh(by_header.refresh_token.value).transport
    assert "cookie" == sessions.refresh(by_cookie.refresh_token.value, origin=origin).transport
    with pytest.raises(BindingMismatch):
        sessions.refresh(by_cookie.refresh_token.value)


def test_l7_remembering_costs_no_command_more(over_a_server, monkeypatch):
    """The session is raised and gets its refresh token in one script."""
    site, server = over_a_server()
    trips, costs = RoundTrips(monkeypatch, server), []
    for body in ({"password": "wonder"}, {"password": "wonder"}, REMEMBER):
        client = LoginClient(site)
        client.get_tokens()
        trips.reset()
        assert 200 == step_up(client, client.tokens["access_token"], **body)
        costs.append(trips.count)

    assert costs[1] == costs[2]
