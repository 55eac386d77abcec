"""Carry a user's display name from the directory, without identifying anybody by it."""

import json
from base64 import b64encode, urlsafe_b64decode

import pytest

from login_site import LIMITS, LoginClient
from safeconduct._core.directory import Account
from table_tokens import ISSUER, OWN_KEY, SECRETS_KEY
from token_factory import jwk_for

NAME = "Älice Example"
KW = {**jwk_for("A256KW", "e1"), "safeconduct_state": "active"}
FORMATS = {
    "jws": {"tokens": {"format": "jws"}},
    "jwe": {"tokens": {"format": "jwe"}, "keys": {"keys": [OWN_KEY, SECRETS_KEY, KW]}},
    "opaque": {"tokens": {"format": "opaque"}},
}


@pytest.fixture(params=[*FORMATS, "stateless"])
def named(request, make):
    """Return a site whose directory has a display name for alice."""
    fields = {"store": "none"} if request.param == "stateless" else FORMATS[request.param]
    site = make(**fields)
    call_alice(site, NAME)
    return site


def call_alice(site, name, **more):
    site.directory.accounts["alice"] = Account("alice", roles=["user"], display_name=name, **more)


def called(client, **how):
    """Return the caller's display name and subject."""
    client.request("GET", "/auth/session", **how)
    return client.json["display_name"], client.json["subject"]


def test_b8_a_name_is_in_every_token(named, clock):
    client = LoginClient(named)
    client.get_tokens(remember=True)
    seen = [called(client, bearer=client.tokens["access_token"], with_cookies=False)]
    client.refresh()
    seen.append(called(client, bearer=client.tokens["access_token"], with_cookies=False))
    stepped = client.request(
        "POST",
        "/auth/step-up",
        bearer=client.tokens["access_token"],
        json_body={"password": "wonder"},
        with_cookies=False,
    )
    seen.append(called(client, bearer=client.json["access_token"], with_cookies=False))
    clock.advance(seconds=1)

    assert 200 == stepped
    assert [(NAME, "alice")] * 3 == seen


def test_b8_a_name_is_in_a_cookie_too(named):
    client = LoginClient(named)
    client.sign_in()

    assert (NAME, "alice") == called(client)


def test_b8_the_application_gets_the_name_and_the_subject(named):
    client = LoginClient(named)
    client.get_tokens()

    client.use()

    json_body = client.response.report
    if named.world == "asgi":
        assert (NAME, "alice") == (json_body["name"], json_body["who"])
    else:
        assert ("alice", "alice") == (json_body["name"], json_body["who"])


def test_b8_a_changed_name_is_used_from_the_next_token_on(make, clock):
    site = make()
    call_alice(site, NAME)
    client = LoginClient(site)
    client.get_tokens(remember=True)
    call_alice(site, "Alice Other")

    client.refresh()
    refreshed = called(client, bearer=client.tokens["access_token"], with_cookies=False)
    call_alice(site, None)
    clock.advance(seconds=451)
    assert 200 == client.request("POST", "/auth/renew", bearer=client.tokens["access_token"], with_cookies=False)
    renewed = called(client, bearer=client.json["access_token"], with_cookies=False)

    assert [("Alice Other", "alice"), ("alice", "alice")] == [refreshed, renewed]


def test_b8_without_a_name_a_user_is_called_by_their_subject(make):
    client = LoginClient(make())
    client.get_tokens()

    assert ("alice", "alice") == called(client, bearer=client.tokens["access_token"], with_cookies=False)


def test_b8_a_name_is_encrypted_where_tokens_are(make):
    site = make(**FORMATS["jwe"])
    call_alice(site, NAME)
    client = LoginClient(site)
    client.get_tokens()

    head = client.tokens["access_token"].split(".")[0]

    assert "name" not in json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def test_b8_basic_is_called_by_the_name_too(make):
    site = make(sources=["basic"], login=LIMITS)
    call_alice(site, NAME)
    field = ("authorization", "Basic " + b64encode(b"alice:wonder").decode())

    basic_client = LoginClient(site)
    basic_client.request("GET", "/me", headers=[field])

    assert ("alice" if site.world == "wsgi" else NAME, "alice", ISSUER) == (
        basic_client.response.report["name"], basic_client.response.report["who"], ISSUER
    )  # fmt: skip


@pytest.mark.parametrize("name", [5, "", ["x"], None])
def test_b8_a_hooks_name_that_is_none_is_left_out(make, name):
    client = LoginClient(make(add_claims=lambda _: {"name": name}))
    client.get_tokens()

    assert ("alice", "alice") == called(client, bearer=client.tokens["access_token"], with_cookies=False)


def test_b8_the_directorys_name_counts_before_a_hooks(make):
    site = make(add_claims=lambda _: {"name": "Mallory"})
    call_alice(site, NAME)
    client = LoginClient(site)
    client.get_tokens()

    assert NAME == called(client, bearer=client.tokens["access_token"], with_cookies=False)[0]


def test_b8_a_hook_sees_the_name(make):
    seen = []
    site = make(add_claims=lambda principal: seen.append((principal.display_name, principal.remote_user)) or {})
    call_alice(site, NAME)
    LoginClient(site).get_tokens()

    assert [(NAME, "alice")] == seen
