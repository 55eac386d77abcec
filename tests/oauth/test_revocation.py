"""End a token for a caller who shows it: ``POST /auth/revoke`` (RFC 7009)."""

import pytest

from api_key_site import people
from login_site import LoginClient
from oauth_site import BILLING, SECRETS, OAuthClient, basic
from safeconduct.events import Revoked
from table_tokens import OWN_KEY

REVOKE = "/auth/revoke"


def revoke(client, token, *, by=None, **more):
    """Revoke *token* and return the status."""
    headers = [] if by is None else [basic(by, SECRETS[by])]
    return client.post(REVOKE, {"token": token, **more}, headers=headers)


def is_active(client, token):
    client.post("/auth/introspect", {"token": token}, headers=[basic("nightly", SECRETS["nightly"])])
    return client.json["active"]


@pytest.mark.parametrize("format_of_tokens", ["jws", "opaque"])
def test_the_holder_ends_their_access_token(make, format_of_tokens):
    """The session goes on: its refresh token counts (§2.1)."""
    site = make(tokens={"format": format_of_tokens})
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)
    assert 200 == user.use()

    assert 200 == revoke(client, user.tokens["access_token"])

    assert {} == client.json
    assert 401 == user.use()
    assert 200 == user.refresh()
    assert 200 == user.use()


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "anything"])
def test_the_holder_ends_their_session_by_its_refresh_token(site, hint):
    """§2.1: the access tokens of the same grant end too; a hint is only a hint."""
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)

    assert 200 == revoke(client, user.tokens["refresh_token"], token_type_hint=hint)

    assert 401 == user.refresh()
    assert 401 == user.use()


def test_a_client_ends_its_token(site, client):
    client.token()
    token = client.json["access_token"]

    assert 200 == revoke(client, token, by="reports")

    assert not is_active(client, token)
    assert ["token"] == [event.kind for event in site.events if isinstance(event, Revoked)]


def test_a_client_ends_its_token_for_another_audience(client):
    client.token(audience=BILLING)
    token = client.json["access_token"]

    assert 200 == revoke(client, token, by="reports")

    assert not is_active(client, token)


def test_a_clients_token_ends_for_no_other_client(client):
    """§2.1: the request is refused."""
    client.token()
    token = client.json["access_token"]

    assert 400 == revoke(client, token, by="nightly")

    assert "invalid_grant" == client.json["error"]
    assert is_active(client, token)


def test_a_clients_token_does_not_end_without_authentication(client):
    client.token()
    token = client.json["access_token"]

    assert 401 == revoke(client, token)

    assert "invalid_client" == client.json["error"]
    assert 1 == len(client.response.values("www-authenticate"))
    assert is_active(client, token)


def test_a_wrong_secret_is_refused_before_the_token_is_read(site):
    """Also for a token that its holder could end without any."""
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens()

    assert 401 == client.post(REVOKE, {"token": user.tokens["access_token"]}, headers=[basic("reports", "wrong")])

    assert 200 == user.use()


def test_the_holder_ends_their_api_key(make):
    """It needs no other credential, and nobody else's secret will do."""
    site = make(sources=["bearer", "cookie", "api_key"], directory=people())
    client = OAuthClient(site)
    key, other = (site.auth.api_keys.create("alice", name=name).key for name in ("one", "other"))

    def use(each):
        return site.request("GET", "/", [("authorization", f"Bearer {each}")]).status

    mixed = key[: len("sck_") + 16] + other[len("sck_") + 16 :]
    assert [200, 200] == [revoke(client, mixed), use(key)]
    assert [200, 401, 200] == [revoke(client, key), use(key), use(other)]
    assert 200 == revoke(client, key)


def test_an_api_key_is_no_token_where_it_is_no_source(client):
    assert 200 == revoke(client, "sck_" + "0" * 65)


@pytest.mark.parametrize("token", ["x", "a.b.c", "A" * 88, "A" * 96, "é", "a.b.c.d.e"])
def test_an_unknown_token_is_answered_alike(client, token):
    """§2.2."""
    assert 200 == revoke(client, token)
    assert 200 == revoke(client, token, by="reports")


def test_a_token_may_be_ended_twice(site):
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)

    for name in ("access_token", "refresh_token"):
        assert [200, 200] == [revoke(client, user.tokens[name]) for _ in range(2)]


def test_an_expired_token_needs_no_end(site):
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens()
    site.clock.advance(seconds=1000)

    assert 200 == revoke(client, user.tokens["access_token"])
    assert [] == [event for event in site.events if isinstance(event, Revoked)]


def test_a_cookie_is_not_the_token(site):
    """Nothing ambient is read."""
    user, client = LoginClient(site), OAuthClient(site)
    user.sign_in()
    cookies = "; ".join(f"{name}={value}" for name, value in user.cookies.items())

    assert 400 == client.post(REVOKE, {"token_type_hint": "access_token"}, headers=[("cookie", cookies)])

    assert 200 == user.request("GET", "/me")


def test_without_users_access_tokens_end(make):
    """A site for services alone has no directory and no key for refresh tokens."""
    site = make(directory=(), keys={"keys": [OWN_KEY]}, sources=["bearer"])
    client = OAuthClient(site)
    client.token()
    token = client.json["access_token"]

    assert 200 == revoke(client, token, by="reports")

    assert not is_active(client, token)
