"""What an endpoint asks whatever the configuration says, and of whom it makes no session of ours."""

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
    """A token that was ended gets nothing from us, also where requests of the application are not asked about."""
    site = make(revocation={"consistency": "none"})
    client = LoginClient(site)
    client.take()
    clock.advance(seconds=451)
    before = client.use()
    site.auth.sessions.revoke_key("own")

    said = {"password": "wonder"} if path == "step-up" else None
    status = client.ask(method, f"/auth/{path}", bearer=client.tokens["access_token"], with_cookies=False, said=said)

    assert (200, 401) == (before, status)
    assert "invalid_token" == client.answer["code"]


@pytest.fixture
def foreign(make):
    """A visitor by cookie of another issuer, whose token names the session of somebody of ours."""
    site = make(trust=[TRUSTED])
    owner = LoginClient(site)
    owner.sign_in()
    now, session_id = int(site.clock()), owner.answer["session_id"]
    token = mint(
        "alice", by="foreign", iss=IDP, jti="idp", iat=now, iat_ms=None, exp=now + 900, sid=session_id, cg=0
    )  # fmt: skip
    client = LoginClient(site)
    client.cookies = {ACCESS: token}
    return owner, client


def test_h_another_issuers_session_has_no_token_of_ours(foreign):
    """Its issuer may say any sid, also that of a session of ours."""
    owner, client = foreign

    assert 200 == client.ask("GET", "/auth/session")
    assert (IDP, None) == (client.answer["issuer"], client.answer["csrf_token"])
    assert owner.csrf is not None


def test_h_another_issuers_cookie_needs_an_own_page_alone(foreign):
    """No session of ours stands behind it, so that no token of one is asked for."""
    _, client = foreign

    assert 200 == client.ask("POST", "/me")
    assert 403 == client.ask("POST", "/me", page=False, headers=[("origin", "https://evil.example")])


def test_h_an_opaque_token_from_before_a_loss_is_refused_where_it_is_first_seen(over_a_server, clock):
    """What has ended it may be what was lost."""
    site, server = over_a_server(tokens={"format": "opaque"})
    client = LoginClient(site)
    client.take()
    clock.advance(seconds=1)
    server.say("HDEL", META, "epoch")

    assert 503 == client.use()
    assert 401 == client.use()
    assert [StoreLost(shard=0, witness="empty")] == [event for event in site.events if isinstance(event, StoreLost)]
