"""What one client cannot do to another, or to a user: claim their rights, burn their names, end their tokens."""

import json
from urllib.parse import urlencode

import jwt
import pytest

from app_reports import WORLDS
from attacked_site import FORM, SECRET, AttackedSite
from table_tokens import AUDIENCE, ISSUER


@pytest.fixture(params=WORLDS)
def site(request):
    site = AttackedSite(request.param)
    yield site
    site.close()


def described(site, token):
    """Return what the application is told about the caller, and what our endpoint says."""
    session = site.site.request("GET", "/auth/session", [("authorization", f"Bearer {token}")])
    return site.get(token, "/").report, json.loads(session.body)


@pytest.mark.parametrize(
    "claims",
    [
        {"roles": ["admin"]},
        {"acr": "urn:safeconduct:acr:multifactor", "auth_time": 1_800_000_000, "amr": ["pwd", "otp"]},
        {"pi": ISSUER, "name": "alice", "preferred_username": "alice"},
        {"sid": "00abcdefghijklmnopqrstuv", "rn": 0, "cg": 0},
        {"act": {"sub": "alice"}},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_client_gives_itself_nothing(site, claims):
    """Its rights are those of its entry, and it is no person."""
    report, session = described(site, site.signed(**claims))

    assert ("client:reports", "remembered", "reports", None) == (
        report["who"], report["level"], report["issuer"], report["name"],
    )  # fmt: skip
    nothing = {"roles": [], "session_id": None, "auth_time": None, "display_name": None, "renew_after": None}
    assert nothing == {name: session[name] for name in nothing}
    assert ["read"] == session["scopes"]


def test_a_forged_use_burns_nothing(site):
    """The ``jti`` is marked after the signature was checked."""
    name = "j" * 22

    assert [401, 200] == [site.get(site.signed("once", jti=name, **more)).status for more in ({"key": SECRET}, {})]
    forged, real = (site.assertion("hop0", jti=name, **more) for more in ({"key": SECRET}, {}))
    assert [401, 200] == [site.assert_by(text).status for text in (forged, real)]


def test_two_clients_may_use_the_same_name_for_an_assertion(site):
    """Nobody burns the names of another one's assertions."""
    assert [200, 200] == [site.assert_by(site.assertion(client, jti="same")).status for client in ("hop0", "hop1")]


def test_of_many_uses_at_once_one_counts(site):
    """In whichever order they arrive."""
    field = ("authorization", f"Bearer {site.signed('once', jti='m' * 22)}")

    responses = site.site.request_all([("GET", "/read", [field], b"")] * 8)

    assert [200, *[401] * 7] == sorted(response.status for response in responses)


@pytest.mark.parametrize("verb", ["logout", "revoke"])
def test_the_names_of_a_users_token_end_nothing(site, verb):
    """A client that knows the ``sid`` and ``jti`` of a user's token does not speak for it."""
    token = site.user_token()
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = site.signed(sid=claims["sid"], jti=claims["jti"], rn=0)

    if verb == "logout":
        site.site.request("POST", "/auth/logout", [("authorization", f"Bearer {forged}")])
    else:
        revoke(site, "reports", forged)

    assert 200 == site.get(token, "/users").status


def revoke(site, client, token):
    """Revoke a token as a client."""
    return site.site.request(
        "POST", "/auth/revoke", [FORM, site.basic(client)], urlencode({"token": token}).encode()
    ).status


@pytest.mark.parametrize(
    ("owner", "make"),
    [
        ("reports", lambda site: site.signed()),
        ("reports", lambda site: site.credentials()),
        ("hop1", lambda site: site.exchanged(site.user_token(), client="hop1", audience=AUDIENCE)),
    ],
    ids=["self-signed", "client credentials", "exchanged"],
)
def test_only_its_own_client_revokes_a_token(site, owner, make):
    token = make(site)

    assert (400, 200) == (revoke(site, "hop0", token), site.get(token, "/").status)
    assert (200, 401) == (revoke(site, owner, token), site.get(token, "/").status)


def test_an_exchanged_token_ends_nothing_but_itself(site):
    """Signing out with it, or revoking it, leaves the user signed in; their sign-out ends it."""
    login = site.sign_in()
    users = login.tokens["access_token"]
    first, second = (site.exchanged(users, audience=AUDIENCE) for _ in range(2))

    site.site.request("POST", "/auth/logout", [("authorization", f"Bearer {first}")])
    revoke(site, "hop0", first)
    assert [401, 200, 200] == [site.get(token, "/").status for token in (first, second, users)]

    assert 204 == login.request("POST", "/auth/logout", bearer=users)
    assert 401 == site.get(second, "/").status


def test_a_revoked_client_no_longer_acts_for_anyone(site):
    """What it got in exchange ends with it, and what another client got does not."""
    users = site.user_token()
    ended, other = (site.exchanged(users, client=client, audience=AUDIENCE) for client in ("hop0", "hop1"))

    site.revoke("client", "hop0")

    assert [401, 200, 200] == [site.get(token, "/").status for token in (ended, other, users)]
    assert 401 == site.exchange(users).status


def test_what_ends_the_user_ends_what_was_exchanged(site):
    token = site.exchanged(site.user_token(), audience=AUDIENCE)

    site.revoke("subject", "alice")

    assert 401 == site.get(token, "/").status
