"""Renew, step-up, logout-everywhere and sessions are for the person's own token: any other credential gets 403."""

from base64 import b64encode

import pytest

from issued_tokens import TOKENS, claims_of, in_world, issue, staff, user_of, verify
from login_site import ACCESS, OWN_PAGE, LoginClient
from safeconduct.errors import NotRenewable
from table_tokens import AUDIENCE, FOREIGN_KEY, IDP, mint, public

TRUST = {"issuer": IDP, "audience": AUDIENCE, "algorithms": ["ES256"], "keys": {"keys": [public(FOREIGN_KEY)]}}

ENDPOINTS = {
    "renew": ("POST", "/auth/renew", None),
    "step-up": ("POST", "/auth/step-up", {"password": "wonder"}),
    "a step-up without a password": ("POST", "/auth/step-up", {}),
    "logout-everywhere": ("POST", "/auth/logout-everywhere", None),
    "sessions": ("GET", "/auth/sessions", None),
    "session": ("DELETE", "/auth/sessions/{sid}", None),
}


@pytest.fixture(params=["memory://", "none"])
def site(request, make):
    return make(
        store=request.param, tokens=TOKENS, directory=staff(), trust=[TRUST], sources=["bearer", "cookie", "basic"]
    )


@pytest.fixture
def client(site):
    client = LoginClient(site)
    assert 200 == client.get_tokens(remember=True)
    return client


def credentials(site, client):
    """Return credentials that are no person's own token, as the values of ``Authorization``; most name a session."""
    alice = verify(site, client.tokens["access_token"])
    own = claims_of(client.tokens["access_token"])
    exact = {name: own[name] for name in ("sid", "iat", "iat_ms", "exp", "acr", "auth_time", "cg")}
    issued = issue(site, alice, scopes=["invoice:pay"])
    tokens = {
        "issued for the user": issued,
        "issued twice": issue(site, verify(site, issued)),
        "issued for a job": issue(site, subject="alice", roles=["admin"]),
        "without rn": mint(**exact),
        "with act": mint(**exact, rn=0, act={"sub": "front"}),
        "another issuer's": mint(by="foreign", iss=IDP, **exact, rn=0),
    }
    return {kind: f"Bearer {token}" for kind, token in tokens.items()} | {
        "a password": "Basic " + b64encode(b"alice:wonder").decode()
    }


KINDS_OF_CREDENTIALS = [
    "issued for the user", "issued twice", "issued for a job", "without rn", "with act",
    "another issuer's", "a password",
]  # fmt: skip


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("kind", KINDS_OF_CREDENTIALS)
def test_another_credential_than_the_persons_own_token_is_403(site, client, clock, kind, endpoint):
    """Also past half of its life; and nothing has happened."""
    method, target, body = ENDPOINTS[endpoint]
    clock.advance(seconds=31)
    headers = [("authorization", credentials(site, client)[kind])]
    clock.advance(seconds=31 if kind.startswith("issued") else 450)
    sid = verify(site, client.tokens["access_token"]).session_id

    status = client.request(method, target.format(sid=sid), json_body=body, headers=headers, with_cookies=False)

    assert (403, "not_renewable") == (status, client.json["code"])
    assert 200 == client.use()


@pytest.mark.parametrize("kind", KINDS_OF_CREDENTIALS)
def test_who_is_asking_is_told_all_the_same(site, client, kind):
    """Whose token it is and what it may do; not what only the person may do with their session."""
    headers = [("authorization", credentials(site, client)[kind])]

    assert 200 == client.request("GET", "/auth/session", headers=headers, with_cookies=False)

    assert ("alice", True) == (client.json["subject"], client.json["is_authenticated"])
    assert {"logout"} == {link["rel"] for link in client.json["links"]}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_nor_is_it_in_a_cookie(site, client, endpoint):
    method, target, body = ENDPOINTS[endpoint]
    token = issue(site, verify(site, client.tokens["access_token"]))
    sid = verify(site, token).session_id
    headers = [("cookie", f"{ACCESS}={token}"), *OWN_PAGE]

    status = client.request(method, target.format(sid=sid), json_body=body, headers=headers, with_cookies=False)

    assert (403, "not_renewable") == (status, client.json["code"])
    assert 200 == client.use()


def test_nor_do_the_verbs_in_code_take_it(site):
    sessions, awaitable = site.auth.sessions, site.auth.async_sessions
    token = issue(site, user_of(site))

    with pytest.raises(NotRenewable):
        in_world(site, awaitable.renew, sessions.renew, token)
    with pytest.raises(NotRenewable):
        in_world(site, awaitable.step_up, sessions.step_up, token, "wonder")


def test_wrong_passwords_with_such_a_token_end_no_session(site, client):
    """Five in a row would, with the person's own."""
    token = issue(site, verify(site, client.tokens["access_token"]))

    for _ in range(6):
        assert 403 == client.request("POST", "/auth/step-up", json_body={"password": "no"}, bearer=token)

    assert 200 == client.use()


def test_who_acts_for_a_person_does_not_sign_them_out(site, client):
    """The token is given up; the session is the person's."""
    token = issue(site, verify(site, client.tokens["access_token"]))

    assert 204 == client.request("POST", "/auth/logout", bearer=token, with_cookies=False)

    assert 200 == client.use()


@pytest.mark.parametrize("endpoint", ["renew", "step-up", "sessions", "logout-everywhere"])
def test_the_persons_own_token_does_it(make, clock, endpoint):
    site = make(tokens=TOKENS, directory=staff())
    client = LoginClient(site)
    client.get_tokens()
    clock.advance(seconds=450)
    method, target, body = ENDPOINTS[endpoint]

    status = client.request(method, target, json_body=body, bearer=client.tokens["access_token"], with_cookies=False)

    assert status in {200, 204}
