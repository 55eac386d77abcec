"""What an endpoint asks whatever the configuration says, and of whom it makes no session of ours."""

import pytest

from minting import FOREIGN_KEY, IDP, mint, public
from safeconduct.events import StoreLost
from visiting import ACCESS, Visitor

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
    place = make(revocation={"consistency": "none"})
    visitor = Visitor(place)
    visitor.take()
    clock.advance(seconds=451)
    before = visitor.use()
    place.auth.sessions.revoke_key("own")

    said = {"password": "wonder"} if path == "step-up" else None
    status = visitor.ask(method, f"/auth/{path}", bearer=visitor.held["access_token"], with_jar=False, said=said)

    assert (200, 401) == (before, status)
    assert "invalid_token" == visitor.answer["code"]


@pytest.fixture
def foreign(make):
    """A visitor by cookie of another issuer, whose token names the session of somebody of ours."""
    place = make(trust=[TRUSTED])
    owner = Visitor(place)
    owner.sign_in()
    now, session_id = int(place.clock()), owner.answer["session_id"]
    token = mint(
        "alice", by="foreign", iss=IDP, jti="idp", iat=now, iat_ms=None, exp=now + 900, sid=session_id, cg=0
    )  # fmt: skip
    visitor = Visitor(place)
    visitor.jar = {ACCESS: token}
    return owner, visitor


def test_h_another_issuers_session_has_no_token_of_ours(foreign):
    """Its issuer may say any sid, also that of a session of ours."""
    owner, visitor = foreign

    assert 200 == visitor.ask("GET", "/auth/session")
    assert (IDP, None) == (visitor.answer["issuer"], visitor.answer["csrf_token"])
    assert owner.csrf is not None


def test_h_another_issuers_cookie_needs_an_own_page_alone(foreign):
    """No session of ours stands behind it, so that no token of one is asked for."""
    _, visitor = foreign

    assert 200 == visitor.ask("POST", "/me")
    assert 403 == visitor.ask("POST", "/me", page=False, headers=[("origin", "https://evil.example")])


def test_h_an_opaque_token_from_before_a_loss_is_refused_where_it_is_first_seen(over_a_server, clock):
    """What has ended it may be what was lost."""
    place, server = over_a_server(tokens={"format": "opaque"})
    visitor = Visitor(place)
    visitor.take()
    clock.advance(seconds=1)
    server.say("HDEL", META, "epoch")

    assert 503 == visitor.use()
    assert 401 == visitor.use()
    assert [StoreLost(shard=0, witness="empty")] == [event for event in place.events if isinstance(event, StoreLost)]
