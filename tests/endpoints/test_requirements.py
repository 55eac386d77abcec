"""What the package is for, where no other test says it by itself; ``tests/architecture`` lists all requirements."""

import base64
import json

import pytest

from login_site import ACCESS, REFRESH, LoginClient, LoginSite
from safeconduct import Config
from safeconduct._keys.generate import new_key
from table_tokens import OWN_KEY, SECRETS_KEY, public

DAY = 86_400


def header_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))


def test_t1_any_number_of_servers_serve_a_token_without_a_shared_store(world, clock):
    """Each has the keys alone, and a request carries the rest."""
    sites = [LoginSite(world, store="none", clock=clock) for _ in range(3)]
    client = LoginClient(sites[0])
    client.get_tokens(remember=True)

    long_term = client.tokens["refresh_token"]

    for site in sites:
        client.site = site
        assert (200, 200) == (client.use(), client.refresh(long_term))
        site.close()


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256"])
def test_t2_a_token_is_header_payload_and_signature(make, algorithm):
    key = new_key(algorithm, now=0, randomness=lambda size: b"\x07" * size)
    client = LoginClient(make(keys={"keys": [key, SECRETS_KEY]}, tokens={"algorithm": algorithm}))
    client.get_tokens()

    token = client.tokens["access_token"]
    header, payload, signature = token.split(".")

    assert algorithm == header_of(token)["alg"]
    assert 200 == client.use()
    assert 401 == client.use(f"{header}.{payload}.{signature[:-4]}AAAA")
    assert 401 == client.use(f"{header}.{payload}.")


def test_l1_short_term_is_hours_and_long_term_is_weeks():
    """Without any setting."""
    config = Config(store="memory://", issuer="https://issuer.example", audience="a", keys={"keys": [OWN_KEY]})

    assert config.tokens.access_lifetime_seconds <= DAY / 8
    assert DAY <= config.sessions.idle_lifetime_seconds <= 30 * DAY
    assert config.sessions.short_absolute_lifetime_seconds <= DAY


@pytest.mark.parametrize("target", ["/me", "/auth/session", "/auth/sessions"])
def test_l2_no_other_call_renews_by_the_way(client, clock, target):
    """However near the end is; renewing is a call of its own."""
    client.get_tokens()
    clock.advance(seconds=890)

    assert 200 == client.request("GET", target, bearer=client.tokens["access_token"], with_cookies=False)
    assert not client.response.values("set-cookie")
    assert b"access_token" not in client.response.body
    clock.advance(seconds=20)
    assert 401 == client.use()


def test_l3_a_user_who_was_away_signs_in_again(client, clock):
    """A token that has ended is not renewed."""
    client.get_tokens()
    clock.advance(seconds=911)

    assert 401 == client.request("POST", "/auth/renew", bearer=client.tokens["access_token"], with_cookies=False)
    assert 200 == client.get_tokens()


def test_l8_a_refresh_token_stands_for_the_sign_in_for_a_short_life(client, clock):
    client.get_tokens(remember=True)
    clock.advance(seconds=60)
    client.refresh()
    first = client.tokens["level"]
    clock.advance(seconds=900)
    client.refresh()

    assert ("explicit", "remembered") == (first, client.tokens["level"])


def test_l9_a_refresh_token_gets_tokens_and_opens_nothing(client):
    """Neither as a bearer token nor in the cookie of an access token."""
    client.get_tokens(remember=True)
    token = client.tokens["refresh_token"]

    assert 401 == client.use(token)
    client.cookies = {ACCESS: token}
    assert 401 == client.request("GET", "/me")
    client.cookies = {REFRESH: token}
    assert 401 == client.request("GET", "/me")


def test_r5_a_new_key_throws_no_user_out(make, clock):
    """The old key verifies what it has signed until that ends."""
    client = LoginClient(make(store="none"))
    client.get_tokens()
    following = {**new_key("ES256", now=clock(), randomness=lambda size: b"\x09" * size), "kid": "following"}

    client.site = make(store="none", keys={"keys": [following, public(OWN_KEY), SECRETS_KEY]})

    assert 200 == client.use()
    old, _ = client.tokens["access_token"], client.get_tokens()
    assert (
        "following" == json.loads(base64.urlsafe_b64decode(client.tokens["access_token"].split(".")[0] + "=="))["kid"]
    )
    assert (200, 200) == (client.use(old), client.use())


@pytest.mark.parametrize("body", [{}, {"remember": True}], ids=["short", "remembered"])
def test_k1_no_script_can_read_a_token_of_a_page(site, body):
    """HttpOnly, Secure, and in no body."""
    client = LoginClient(site)
    client.sign_in(**body)

    lines = client.response.values("set-cookie")
    assert lines
    assert all({"HttpOnly", "Secure"} <= {part.strip() for part in line.split(";")} for line in lines)
    values = [client.cookies[name] for name in (ACCESS, REFRESH) if name in client.cookies]
    assert not [value for value in values if value.encode() in client.response.body]


def test_k2_a_page_of_ours_must_show_its_csrf_token(site):
    client = LoginClient(site)
    client.sign_in()
    own, client.csrf = client.csrf, None

    assert 403 == client.request("POST", "/me", page=False)
    client.csrf = own
    assert 200 == client.request("POST", "/me")


def test_a1_a_name_and_a_password_get_a_token(client):
    assert (200, 401, 401) == (
        client.get_tokens(), client.get_tokens(password="wrong"), client.get_tokens("mallory", "wonder"),
    )  # fmt: skip
    assert 200 == client.use()


def test_a2_who_is_401_and_may_not_is_403(make):
    client = LoginClient(make(access={"rules": [{"path": "/admin", "roles": ["admin"]}]}))
    client.get_tokens()

    asked = [
        client.request("GET", "/admin", bearer=token, with_cookies=False)
        for token in (None, client.tokens["access_token"])
    ]

    assert [401, 403] == asked


def test_r2_a_refresh_token_can_be_tied_to_its_device_and_network(make):
    site = make(sessions={"bind_device": "refuse"})
    client = LoginClient(site)
    client.get_tokens(remember=True)
    body = {"refresh_token": client.tokens["refresh_token"]}
    elsewhere = (("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),)

    assert 401 == client.request("POST", "/auth/refresh", json_body=body, headers=elsewhere, with_cookies=False)
    assert 200 == client.request("POST", "/auth/refresh", json_body=body, with_cookies=False)
