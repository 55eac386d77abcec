"""Ask the store at the endpoints whatever the configuration says, and accept no foreign session."""

import pytest

from login_site import ACCESS, LoginClient
from safeconduct.events import StoreLost
from table_tokens import FOREIGN_KEY, IDP, mint, public

META = "safeconduct:{sc:00}:meta"
TRUSTED = {
    "issuer": IDP,
    "audience": "https://api.example",
    "algorithms": ["ES256"],
    "keys": {"keys": [public(FOREIGN_KEY)]},
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "renew"), ("POST", "step-up"), ("POST", "logout-everywhere"), ("GET", "sessions"),
        ("DELETE", "sessions/AAAAAAAAAAAAAAAAAAAAAAAA"), ("GET", "session"),
    ],
)  # fmt: skip
def test_h_an_endpoint_asks_the_store_whatever_the_consistency(make, clock, method, path):
    """Our endpoints refuse a revoked token, even where the application's rules do not check it."""
    site = make(revocation={"consistency": "none"})
    client = LoginClient(site)
    client.get_tokens()
    clock.advance(seconds=451)
    before = client.use()
    site.auth.sessions.revoke_key("own")

    json_body = {"password": "wonder"} if path == "step-up" else None
    status = client.request(
        method, f"/auth/{path}", bearer=client.tokens["access_token"], with_cookies=False, json_body=json_body
    )

    assert (200, 401) == (before, status)
    assert "invalid_token" == client.json["code"]


@pytest.fixture
def foreign(make):
    """Return a client with another issuer's cookie, whose token names one of our sessions."""
    site = make(trust=[TRUSTED])
    owner = LoginClient(site)
    owner.sign_in()
    now, session_id = int(site.clock()), owner.json["session_id"]
    token = mint(
        "alice", by="foreign", iss=IDP, jti="idp", iat=now, iat_ms=None, exp=now + 900, sid=session_id, cg=0
    )  # fmt: skip
    client = LoginClient(site)
    client.cookies = {ACCESS: token}
    return owner, client


def test_h_another_issuers_session_has_no_token_of_ours(foreign):
    """A foreign issuer may use any sid, also that of one of our sessions."""
    owner, client = foreign

    assert 200 == client.request("GET", "/auth/session")
    assert (IDP, None) == (client.json["issuer"], client.json["csrf_token"])
    assert owner.csrf is not None


def test_h_another_issuers_cookie_needs_one_of_our_pages_alone(foreign):
    """It belongs to no session of ours, so no CSRF token is required."""
    _, client = foreign

    assert 200 == client.request("POST", "/me")
    assert 403 == client.request("POST", "/me", page=False, headers=[("origin", "https://evil.example")])


def test_h_an_opaque_token_from_before_a_loss_is_refused_where_it_is_first_seen(over_a_server, clock):
    """The lost data may have included its end."""
    site, server = over_a_server(tokens={"format": "opaque"})
    client = LoginClient(site)
    client.get_tokens()
    clock.advance(seconds=1)
    server.say("HDEL", META, "epoch")

    assert 503 == client.use()
    assert 401 == client.use()
    assert [StoreLost(shard=0, witness="empty")] == [event for event in site.events if isinstance(event, StoreLost)]
