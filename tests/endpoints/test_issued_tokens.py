"""``auth.tokens.issue``: a token for a user's next step on another server, and one for tests, jobs and migrations."""

import pytest

from issued_tokens import BILLING, TOKENS, claims_of, issue, part_of, verify
from login_site import LoginClient
from memory_directory import MemoryDirectory
from safeconduct import Account
from table_tokens import ISSUER

RIGHTS = {"roles": ["clerk", "admin"], "scopes": ["invoice:pay", "invoice:read"]}


def staff():
    """Return users of whom alice has rights."""
    people = MemoryDirectory(alice="wonder", bob="builder")
    people.accounts["alice"] = Account("alice", level="explicit", **RIGHTS)
    return people


@pytest.fixture
def site(make):
    return make(tokens=TOKENS, directory=staff())


@pytest.fixture
def client(site):
    client = LoginClient(site)
    client.get_tokens()
    return client


@pytest.fixture
def alice(site, client):
    return verify(site, client.tokens["access_token"])


def test_a_token_for_another_server_says_who_acts_for_whom(site, alice, clock):
    """The user, their session, the scopes that were asked for, and this server as the actor (RFC 8693 §4.1)."""
    token = issue(site, alice, audience=BILLING, scopes=["invoice:pay"])

    claims = claims_of(token)
    assert 22 == len(claims.pop("jti"))
    assert int(clock()) == claims.pop("iat_ms") // 1000
    assert {
        "iss": ISSUER,
        "aud": BILLING,
        "sub": "alice",
        "client_id": ISSUER,
        "sid": alice.session_id,
        "acr": "urn:safeconduct:acr:remembered",
        "scope": "invoice:pay",
        "act": {"sub": ISSUER},
        "iat": int(clock()),
        "exp": int(clock()) + 60,
    } == claims
    assert "at+jwt" == part_of(token, 0)["typ"]
