"""Prove the password again within a session: ``POST /auth/step-up``."""

import pytest

from login_site import ACCESS, REFRESH, LoginClient
from safeconduct.errors import TooManyAttempts


def remembered(client, clock):
    """Sign in as a page, and return when only the refresh cookie is left."""
    client.sign_in(remember=True)
    clock.advance(seconds=2000)
    client.request("POST", "/auth/refresh")
    client.csrf = client.json["csrf_token"]
    return client.json["level"]


def test_a_page_steps_up_by_cookie(client, clock):
    """The session's older tokens end, and the old CSRF token with them."""
    assert "remembered" == remembered(client, clock)
    before, csrf = dict(client.cookies), client.csrf

    assert 200 == client.request("POST", "/auth/step-up", json_body={"password": "wonder"})

    answer = client.json
    assert "explicit" == answer["level"]
    assert csrf != answer["csrf_token"]
    assert {"access_token", "refresh_token"}.isdisjoint(answer)
    assert before[REFRESH] != client.cookies[REFRESH]
    now, client.cookies = dict(client.cookies), before
    assert 401 == client.request("GET", "/me")
    client.cookies = now
    assert 403 == client.request("POST", "/me")
    client.csrf = answer["csrf_token"]
    assert 200 == client.request("POST", "/me")


def test_a_program_steps_up_and_its_refresh_token_is_rotated_if_it_came(client, clock):
    client.get_tokens(remember=True)
    clock.advance(seconds=1)
    token = client.tokens["access_token"]

    assert 200 == client.request(
        "POST", "/auth/step-up", json_body={"password": "wonder", "refresh_token": client.tokens["refresh_token"]},
        bearer=token,
    )  # fmt: skip

    answer = client.json
    assert answer["refresh_token"] != client.tokens["refresh_token"]
    assert (401, 200) == (client.use(token), client.use(answer["access_token"]))


def test_a_sign_out_by_header_leaves_the_cookies_alone(site):
    """A browser sends them too, but they belong to another session."""
    client = LoginClient(site)
    client.get_tokens()
    client.sign_in("bob", "builder", remember=True)
    before = dict(client.cookies)

    assert 200 == client.request(
        "POST", "/auth/step-up", json_body={"password": "wonder"}, bearer=client.tokens["access_token"]
    )

    assert "access_token" in client.json
    assert "refresh_token" not in client.json
    assert before == client.cookies


def test_a_refresh_token_by_the_wrong_way_is_refused(client):
    """A page that sends a token in a body has stolen it."""
    client.sign_in(remember=True)
    stolen = client.cookies.pop(REFRESH)

    status = client.request("POST", "/auth/step-up", json_body={"password": "wonder", "refresh_token": stolen})

    assert 401 == status


def test_without_a_refresh_cookie_the_access_cookie_alone_is_new(client):
    client.sign_in()
    before = dict(client.cookies)

    assert 200 == client.request("POST", "/auth/step-up", json_body={"password": "wonder"})

    assert before[ACCESS] != client.cookies[ACCESS]
    assert REFRESH not in client.cookies


def test_five_wrong_passwords_end_the_session(client):
    """The caller holds a token and may have stolen it."""
    client.get_tokens()
    token = client.tokens["access_token"]

    statuses = [client.request("POST", "/auth/step-up", json_body={"password": "x"}, bearer=token) for _ in range(5)]

    assert [401] * 5 == statuses
    assert 401 == client.use()


@pytest.mark.parametrize(
    ("json_body", "status"),
    [({}, 400), ({"password": True}, 400), ({"password": "x", "refresh_token": "y"}, 401)],
    ids=str,
)
def test_what_is_wrong_is_reported(client, json_body, status):
    client.get_tokens()

    assert status == client.request("POST", "/auth/step-up", json_body=json_body, bearer=client.tokens["access_token"])


def test_a_foreign_page_proves_nothing(client):
    client.sign_in()
    client.csrf = None

    assert 403 == client.request("POST", "/auth/step-up", json_body={"password": "wonder"})


def test_it_needs_an_access_token(client):
    assert 401 == client.request("POST", "/auth/step-up", json_body={"password": "wonder"})


@pytest.mark.parametrize("store", ["memory://", "none"])
def test_h_code_that_steps_up_knows_no_device(make, store):
    """Without a device cookie all attempts on the account count, from every network."""
    site = make(store=store, login={"failures_per_account": 2, "failures_per_account_and_network": 9})
    client = LoginClient(site)
    client.get_tokens()
    token = client.tokens["access_token"]
    for _ in range(2):
        client.request("POST", "/auth/login", json_body={"username": "alice", "password": "wrong"}, with_cookies=False)

    with pytest.raises(TooManyAttempts):
        site.auth.sessions.step_up(token, "wonder")


def test_a_device_counts_for_the_name_of_the_session(make):
    """Attempts of unknown devices do not lock a known device out."""
    site = make(login={"failures_per_account": 2, "failures_per_account_and_network": 3})
    known, unknown = LoginClient(site), LoginClient(site)
    known.sign_in()
    unknown.get_tokens()
    for _ in range(2):
        unknown.request("POST", "/auth/login", json_body={"username": "alice", "password": "wrong"})
    token = unknown.tokens["access_token"]

    assert 429 == unknown.request("POST", "/auth/step-up", json_body={"password": "wonder"}, bearer=token)
    assert 200 == known.request("POST", "/auth/step-up", json_body={"password": "wonder"})
