"""Tell a service whether a token counts now: ``POST /auth/introspect`` (RFC 7662)."""

import pytest

from api_key_site import people
from login_site import LoginClient
from oauth_site import AUDIENCE, BILLING, ISSUER, SECRETS, OAuthClient, assertion, basic
from table_tokens import mint

INTROSPECT = "/auth/introspect"
INACTIVE = {"active": False}


def introspect(client, token, *, by="nightly", **more):
    """Ask about *token* and return the JSON of the answer."""
    assert 200 == client.post(INTROSPECT, {"token": token, **more}, headers=[basic(by, SECRETS[by])]), client.json
    return client.json


@pytest.fixture
def own_token(client):
    client.token(scope="read")
    return client.json["access_token"]


def test_an_access_token_of_a_service_is_described(client, own_token):
    answer = introspect(client, own_token)

    expected = {
        "active": True,
        "iss": ISSUER,
        "sub": "client:reports",
        "client_id": "reports",
        "aud": AUDIENCE,
        "scope": "read",
        "roles": ["auditor"],
        "token_type": "Bearer",
    }
    assert expected == {name: answer[name] for name in expected}
    assert {"exp", "iat", "jti"} <= answer.keys()
    assert ("no-store",) == client.response.values("cache-control")


@pytest.mark.parametrize("format_of_tokens", ["jws", "opaque"])
def test_a_users_tokens_are_described(make, format_of_tokens):
    """Access tokens, signed or opaque, and refresh tokens."""
    site = make(tokens={"format": format_of_tokens})
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)

    access = introspect(client, user.tokens["access_token"], token_type_hint="refresh_token")
    refresh = introspect(client, user.tokens["refresh_token"])

    assert (True, "alice") == (access["active"], access["sub"])
    assert (True, "alice", ISSUER) == (refresh["active"], refresh["sub"], refresh["iss"])
    assert "scope" not in refresh


def test_a_refresh_token_that_does_not_count_is_inactive(make):
    """It was rotated away, its session is over, or its owner's tokens were revoked."""
    site = make()
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)
    first = user.tokens["refresh_token"]
    user.refresh()
    second = user.tokens["refresh_token"]

    assert INACTIVE == introspect(client, first)
    assert introspect(client, second)["active"]
    site.auth.sessions.revoke_subject("alice")
    assert INACTIVE == introspect(client, second)


def test_a_refresh_token_that_has_expired_is_inactive(make):
    site = make()
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)

    site.clock.advance(seconds=14 * 86_400 + 1)

    assert INACTIVE == introspect(client, user.tokens["refresh_token"])


def test_a_refresh_token_may_expire_before_its_session(make):
    """The last access token that it gave lives longer."""
    site = make()
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)
    site.clock.advance(seconds=14 * 86_400 - 100)
    user.refresh()

    site.clock.advance(seconds=101)

    assert 200 == user.use()
    assert INACTIVE == introspect(client, user.tokens["refresh_token"])


def test_a_session_without_a_refresh_token_has_no_active_one(make):
    """The tag of a refresh token may be right although the session has none."""
    site = make()
    user, client = LoginClient(site), OAuthClient(site)
    user.get_tokens(remember=True)
    user.request("POST", "/auth/logout", bearer=user.tokens["access_token"], with_cookies=False)

    assert INACTIVE == introspect(client, user.tokens["refresh_token"])
    assert INACTIVE == introspect(client, user.tokens["access_token"])


def test_the_store_is_asked_whatever_the_consistency(make):
    """A revoked token is inactive at once, also where requests do not ask."""
    site = make(revocation={"consistency": "none"})
    client = OAuthClient(site)
    client.token()
    token = client.json["access_token"]
    assert introspect(client, token)["active"]

    site.auth.sessions.revoke_client("reports")

    assert INACTIVE == introspect(client, token)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        mint(iss="https://evil.example"),
        mint(exp=1_799_999_000, iat=1_799_998_000, iat_ms=1_799_998_000_000),
        mint(aud="https://elsewhere.example"),
        "A" * 88,
        "A" * 96,
        "é" * 10,
    ],
    ids=["text", "dots", "issuer", "expired", "audience", "opaque", "refresh", "letters"],
)
def test_any_other_token_is_inactive_without_a_reason(client, token):
    """RFC 7662 §2.2: nothing but ``active``."""
    assert INACTIVE == introspect(client, token)


class TestPermission:
    """A client without the grant learns of tokens for its own audiences alone."""

    def test_a_client_learns_of_tokens_for_its_audience(self, client):
        client.token(resource=BILLING)
        token = client.json["access_token"]

        answer = introspect(client, token, by="reports")

        assert (True, BILLING, "client:reports") == (answer["active"], answer["aud"], answer["sub"])

    def test_of_any_other_token_it_learns_nothing(self, client, own_token):
        assert INACTIVE == introspect(client, own_token, by="reports")

    def test_not_even_of_refresh_tokens(self, site, client):
        user = LoginClient(site)
        user.get_tokens(remember=True)

        assert INACTIVE == introspect(client, user.tokens["refresh_token"], by="reports")

    def test_the_grant_shows_tokens_of_every_audience(self, client):
        client.token(audience=BILLING)

        assert introspect(client, client.json["access_token"])["active"]

    def test_a_revoked_token_for_another_audience_is_inactive(self, site, client):
        client.token(audience=BILLING)
        token = client.json["access_token"]
        site.auth.sessions.revoke_client("reports")

        assert INACTIVE == introspect(client, token)

    def test_without_authentication_it_learns_nothing(self, client, own_token):
        assert 401 == client.post(INTROSPECT, {"token": own_token})
        assert "invalid_client" == client.json["error"]

    def test_an_access_token_is_no_authentication(self, client, own_token):
        """RFC 7662 §2.1 allows one; here only a client's own credential counts."""
        assert 401 == client.post(INTROSPECT, {"token": own_token}, headers=[("authorization", f"Bearer {own_token}")])


class TestApiKeys:
    @pytest.fixture
    def site(self, make):
        return make(sources=["bearer", "cookie", "api_key"], directory=people())

    @pytest.fixture
    def key(self, site):
        return site.auth.api_keys.create("alice", name="ci", scopes=["read"], roles=["user"])

    def test_a_key_is_described(self, client, key):
        answer = introspect(client, key.key)

        described = (answer["active"], answer["sub"], answer["scope"], answer["roles"])
        assert (True, "alice", "read", ["user"]) == described
        assert {"exp", "jti", "iss"} <= answer.keys()

    def test_a_key_that_was_revoked_or_never_was_is_inactive(self, site, client, key):
        site.auth.api_keys.revoke("alice", key.key_id)

        assert INACTIVE == introspect(client, key.key)
        assert INACTIVE == introspect(client, key.key[:-1] + ("0" if key.key[-1] != "0" else "1"))

    @pytest.mark.parametrize("token", ["x", "sck_", "sck_x", "a.b.c"])
    def test_a_text_of_another_kind_is_inactive(self, client, token):
        assert INACTIVE == introspect(client, token)

    def test_a_client_without_the_grant_learns_nothing_of_it(self, client, key):
        assert INACTIVE == introspect(client, key.key, by="reports")


def test_without_a_store_the_signature_and_the_times_decide(make):
    """Nothing can be revoked there."""
    client = OAuthClient(make(store="none"))
    for fields in ({}, {"audience": BILLING}):
        client.token(**fields)
        assert introspect(client, client.json["access_token"])["active"]


def test_a_client_may_authenticate_by_an_assertion(make):
    site = make(changes={"robot": {"grants": ["introspection"]}})
    client = OAuthClient(site)
    client.token()
    form = {
        "token": client.json["access_token"],
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(),
    }

    assert 200 == client.post(INTROSPECT, form)
    assert client.json["active"]


def test_without_a_token_the_request_is_invalid(client):
    assert 400 == client.post(INTROSPECT, {"token": ""}, headers=[basic("nightly", SECRETS["nightly"])])
    assert "invalid_request" == client.json["error"]
