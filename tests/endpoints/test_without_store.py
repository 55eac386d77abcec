"""Run the endpoints without a store: what works, what is refused by name, and what nobody can end."""

import pytest

from login_site import ACCESS, REFRESH, LoginClient, login_configuration
from safeconduct import Auth, ConfigurationError
from safeconduct.errors import NotSupported


@pytest.fixture
def site(make):
    return make(store="none")


@pytest.fixture
def client(site):
    return LoginClient(site)


def test_a_page_signs_in_and_out(client):
    """Cookies, CSRF tokens and origins work as with a store."""
    assert 200 == client.sign_in(remember=True)
    assert 200 == client.request("POST", "/me")
    client.csrf, kept = "wrong", client.csrf
    assert 403 == client.request("POST", "/me")

    client.csrf = kept
    assert 204 == client.request("POST", "/auth/logout")
    assert not {ACCESS, REFRESH} & client.cookies.keys()


def test_a_refresh_token_stays_as_it_is_and_its_level_sinks(client, clock):
    """It counts as an explicit sign-in for one short lifetime, and does not rotate."""
    client.get_tokens(remember=True)
    first = client.tokens["refresh_token"]
    assert client.tokens["extend_after"] is None
    levels = []
    for seconds in (60, 3600):
        clock.advance(seconds=seconds)
        assert 200 == client.refresh(first)
        assert "refresh_token" not in client.tokens
        levels.append(client.tokens["level"])
        assert 200 == client.use()

    assert ["explicit", "remembered"] == levels


def test_it_ends_after_a_week_at_the_latest(client, clock):
    client.get_tokens(remember=True)
    clock.advance(seconds=7 * 86_400)

    assert (401, "invalid_grant") == (client.refresh(), client.json["code"])


def test_a_step_up_raises_the_level(client, clock):
    client.sign_in(remember=True)
    clock.advance(seconds=3600)
    client.request("POST", "/auth/refresh")
    client.csrf = client.json["csrf_token"]
    before = client.json["level"]

    assert 200 == client.request("POST", "/auth/step-up", json_body={"password": "wonder"})

    assert ("remembered", "explicit") == (before, client.json["level"])


def test_what_only_a_store_can_do_is_refused_by_name(client):
    """Verbs that need a store are 501; a renewal is 403, as wherever the expiry cannot grow."""
    client.get_tokens(remember=True)
    token, session_id = client.tokens["access_token"], client.tokens["session_id"]

    def asked(method, path):
        return client.request(method, path, bearer=token)

    assert 501 == asked("GET", "/auth/sessions")
    assert 501 == asked("DELETE", f"/auth/sessions/{session_id}")
    assert 501 == asked("POST", "/auth/logout-everywhere")
    assert 403 == asked("POST", "/auth/renew")
    assert 501 == client.refresh(extend=True)


def test_a_copy_outlives_the_sign_out(client):
    """Without a store it cannot be revoked, which is why it expires soon."""
    client.get_tokens(remember=True)
    copied = client.tokens["refresh_token"]

    assert 204 == client.request("POST", "/auth/logout", json_body={"refresh_token": copied}, with_cookies=False)

    assert (200, 200) == (client.use(), client.refresh(copied))


def test_only_what_can_be_done_is_offered(client):
    client.get_tokens()
    client.request("GET", "/auth/session", bearer=client.tokens["access_token"])

    assert {"logout", "step-up"} == {link["rel"] for link in client.json["links"]}
    assert client.json["renew_after"] is None


def test_a_user_removed_from_the_directory_is_refused(site, client):
    client.get_tokens(remember=True)
    del site.directory.accounts["alice"]

    assert 401 == client.refresh()


def test_nothing_is_revoked(make):
    """The verbs raise an error instead of doing nothing."""
    auth = make(store="none").auth

    for verb in (auth.sessions.sign_out_everywhere, auth.sessions.list, auth.sessions.revoke_subject):
        with pytest.raises(NotSupported):
            verb("alice")


@pytest.mark.parametrize("fields", [{"tokens": {"format": "opaque"}}, {"sessions": {"require_session": True}}], ids=str)
def test_what_needs_a_store_is_found_at_once(fields):
    with pytest.raises(ConfigurationError):
        Auth(login_configuration(store="none", **fields))
