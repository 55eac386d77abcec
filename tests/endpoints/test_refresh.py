"""Exchange tokens for tokens: ``POST /auth/refresh`` and ``POST /auth/renew``."""

import pytest

from login_site import ACCESS, OWN_PAGE, REFRESH, LoginClient
from safeconduct._tokens.issuer import Grant


def test_a_refresh_gives_a_new_pair(client):
    client.get_tokens(remember=True)
    first = client.tokens

    assert 200 == client.refresh()

    assert client.tokens["refresh_token"] != first["refresh_token"]
    assert 200 == client.use()
    assert () == client.response.values("set-cookie")


def test_a_page_refreshes_by_cookie_and_sees_no_token(client):
    """No CSRF token is required, because a reloaded page has none yet."""
    client.sign_in(remember=True)
    before, client.csrf = dict(client.cookies), None

    assert 200 == client.request("POST", "/auth/refresh")

    assert before[REFRESH] != client.cookies[REFRESH]
    assert {"access_token", "refresh_token"}.isdisjoint(client.json)
    assert 43 == len(client.json["csrf_token"])


def test_a_foreign_page_refreshes_nothing(client):
    client.sign_in(remember=True)

    foreign = client.request("POST", "/auth/refresh", headers=[("origin", "https://evil.example")], page=False)
    silent = client.request("POST", "/auth/refresh", page=False)

    assert (403, 403) == (foreign, silent)
    assert 200 == client.request("POST", "/auth/refresh")


@pytest.mark.parametrize("token", ["", "x", "A" * 96], ids=["empty", "short", "no tag"])
def test_a_token_that_is_none_is_invalid_grant(client, token):
    status = client.request("POST", "/auth/refresh", json_body={"refresh_token": token})

    assert (401, "invalid_grant") == (status, client.json["code"])
    assert 1 == len(client.response.values("www-authenticate"))


def test_without_a_token_it_is_invalid_grant(client):
    assert (401, "invalid_grant") == (client.request("POST", "/auth/refresh"), client.json["code"])


def test_a_malformed_cookie_is_invalid_grant(client):
    client.cookies = {REFRESH: '"'}

    assert (401, "invalid_grant") == (client.request("POST", "/auth/refresh"), client.json["code"])


def test_a_token_by_cookie_and_in_the_body_is_400(client):
    client.sign_in(remember=True)

    assert 400 == client.request("POST", "/auth/refresh", json_body={"refresh_token": client.cookies[REFRESH]})


def test_a_session_keeps_to_its_way(client):
    """A refresh token from a cookie does not work in a body, and the reverse."""
    client.sign_in(remember=True)
    stolen = client.cookies[REFRESH]
    client.get_tokens("bob", "builder", remember=True)

    in_body = client.request("POST", "/auth/refresh", json_body={"refresh_token": stolen}, with_cookies=False)
    client.cookies = {REFRESH: client.tokens["refresh_token"]}
    by_cookie = client.request("POST", "/auth/refresh")

    assert (401, 401) == (in_body, by_cookie)


def test_a_loser_of_a_race_clears_no_cookie(client, clock):
    """STALE: the session lives, and the winner keeps its cookies."""
    client.sign_in(remember=True)
    old = dict(client.cookies)
    client.request("POST", "/auth/refresh")
    client.request("POST", "/auth/refresh")
    winner, client.cookies = dict(client.cookies), old

    status = client.request("POST", "/auth/refresh")

    assert 401 == status
    assert () == client.response.values("set-cookie")
    client.cookies = winner
    clock.advance(seconds=11)
    assert 200 == client.request("POST", "/auth/refresh")


def test_extending_waits_for_half_of_the_life(client, clock):
    client.get_tokens(remember=True)

    early = client.refresh(extend=True)
    clock.advance(seconds=8 * 86_400)
    late = client.refresh(extend=True)

    assert (409, 200) == (early, late)
    assert client.tokens["extend_before"] == int(clock()) + 14 * 86_400


def test_renewing_waits_for_half_of_the_life_and_demotes(client, clock):
    """L4, L6: the renewed token is remembered."""
    client.get_tokens()
    early = client.request("POST", "/auth/renew", bearer=client.tokens["access_token"], with_cookies=False)
    clock.advance(seconds=451)

    late = client.request("POST", "/auth/renew", bearer=client.tokens["access_token"], with_cookies=False)

    assert (409, 200) == (early, late)
    assert "remembered" == client.json["level"]
    assert "refresh_token" not in client.json
    assert 200 == client.use(client.json["access_token"])


def test_a_page_renews_by_cookie(client, clock):
    """The CSRF token is required, as for every unsafe request by cookie."""
    client.sign_in(remember=True)
    before = dict(client.cookies)
    clock.advance(seconds=451)
    csrf, client.csrf = client.csrf, None
    without = client.request("POST", "/auth/renew")
    client.csrf = csrf

    assert (403, 200) == (without, client.request("POST", "/auth/renew"))
    assert before[ACCESS] != client.cookies[ACCESS]
    assert before[REFRESH] == client.cookies[REFRESH]
    assert "access_token" not in client.json


def test_renewing_needs_an_access_token(client):
    assert (401, "missing_credential") == (client.request("POST", "/auth/renew"), client.json["code"])


def test_a_token_without_a_session_is_not_renewable(site, client):
    token = site.auth._container.issuer.issue(_grant(), iat_ms=int(site.clock() * 1000) + 5)

    assert 403 == client.request("POST", "/auth/renew", bearer=token)


def test_where_the_browser_tells_a_fallback_asks_for_no_token(make):
    """``csrf.token = "fallback"`` skips the token only where the browser stated the origin."""
    client = LoginClient(make(csrf={"token": "fallback"}))
    client.sign_in()
    csrf, client.csrf = client.csrf, None

    refused_status = client.request("POST", "/me")
    silent = client.request("POST", "/me", page=False)
    with_token = client.request("POST", "/me", headers=[("x-csrf-token", csrf)], page=False)

    assert (200, 403, 200) == (refused_status, silent, with_token)


def test_the_first_step_comes_before_the_second(client):
    """A valid CSRF token from a foreign page is refused."""
    client.sign_in()

    status = client.request("POST", "/me", headers=[("origin", "https://evil.example")], page=False)

    assert 403 == status


def test_a_cookie_without_a_session_needs_one_of_our_pages_and_no_token(site, client):
    """Without a session there is no CSRF token, so the origin alone decides."""
    client.cookies = {ACCESS: site.auth._container.issuer.issue(_grant(), iat_ms=int(site.clock() * 1000) + 5)}

    assert (200, 403) == (client.request("POST", "/me"), client.request("POST", "/me", page=False))
    assert 200 == client.request("POST", "/me", headers=OWN_PAGE, page=False)


def _grant():

    return Grant(subject="alice", lifetime_seconds=900)
