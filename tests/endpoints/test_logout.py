"""End sessions: ``POST /auth/logout`` and ``POST /auth/logout-everywhere``."""

import pytest

from login_site import ACCESS, DEVICE, OWN_PAGE, REFRESH, LoginClient
from safeconduct.events import SessionEnded


def leave(client, **how):
    return client.request("POST", "/auth/logout", **how)


def test_a_page_signs_out_and_the_browser_forgets(client):
    """Each cookie is deleted by its name and attributes; the device cookie stays."""
    client.sign_in(remember=True)
    copy = dict(client.cookies)

    assert 204 == leave(client)

    assert {DEVICE} == client.cookies.keys()
    lines = {line.partition("=")[0]: line for line in client.response.values("set-cookie")}
    assert {ACCESS, REFRESH} == lines.keys()
    assert all("Path=/" in line and "Secure" in line and "Max-Age=0" in line for line in lines.values())
    assert ('"cache", "storage"',) == client.response.values("clear-site-data")
    client.cookies = copy
    assert 401 == client.request("GET", "/me")
    assert 401 == client.request("POST", "/auth/refresh")


def test_a_program_signs_out_by_its_refresh_token(client):
    client.get_tokens(remember=True)

    assert 204 == leave(client, json_body={"refresh_token": client.tokens["refresh_token"]}, with_cookies=False)

    assert () == client.response.values("set-cookie")
    assert (401, 401) == (client.use(), client.refresh())


def test_a_program_signs_out_by_its_access_token(client):
    client.get_tokens(remember=True)

    assert 204 == leave(client, bearer=client.tokens["access_token"])

    assert (401, 401) == (client.use(), client.refresh())


def test_an_expired_access_token_signs_out_too(client, clock):
    """An expired token still ends its session (RFC 7009)."""
    client.get_tokens(remember=True)
    clock.advance(seconds=2000)

    assert 204 == leave(client, bearer=client.tokens["access_token"])

    assert 401 == client.refresh()


def test_h_an_expired_access_token_signs_out_without_any_leeway(make, clock):
    """An expired token is checked as of its last second, without any leeway."""
    client = LoginClient(make(tokens={"leeway_seconds": 0}))
    client.get_tokens(remember=True)
    clock.advance(seconds=2000)

    assert 204 == leave(client, bearer=client.tokens["access_token"])

    assert 401 == client.refresh()


def test_b1_both_sessions_end_where_two_came(client):
    """A refresh token of one session and an access token of another: both sessions end."""
    client.get_tokens(remember=True)
    other = client.tokens
    client.get_tokens("bob", "builder", remember=True)

    assert 204 == leave(
        client, bearer=client.tokens["access_token"], json_body={"refresh_token": other["refresh_token"]}
    )

    assert (401, 401) == (client.use(), client.use(other["access_token"]))
    assert (401, 401) == (client.refresh(), client.refresh(other["refresh_token"]))


@pytest.mark.parametrize("remember", [False, True])
def test_b1_a_cookie_that_is_deleted_ends_its_session_beside_a_header(client, remember):
    """The header identifies the caller; the session of the deleted cookie ends too."""
    client.get_tokens("bob", "builder")
    client.sign_in(remember=remember)
    copy = dict(client.cookies)

    assert 204 == leave(client, bearer=client.tokens["access_token"])

    assert {DEVICE} == client.cookies.keys()
    client.cookies = copy
    assert (401, 401) == (client.use(), client.request("GET", "/me"))


def test_b1_a_token_in_the_header_and_in_a_cookie_ends_its_one_session_once(site, client):
    client.sign_in()

    assert 204 == leave(client, bearer=client.cookies[ACCESS])

    ends = [event for event in site.events if isinstance(event, SessionEnded)]
    assert [("alice", "signed_out")] == [(event.subject, event.reason) for event in ends]


def test_b1_a_sign_out_with_both_cookies_ends_its_one_session_once(site, client):
    client.sign_in(remember=True)

    assert 204 == leave(client)

    ends = [event for event in site.events if isinstance(event, SessionEnded)]
    assert [("alice", "signed_out")] == [(event.subject, event.reason) for event in ends]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"bearer": "x.y.z"},
        {"headers": [("authorization", "Basic YTpi")]},
        {"headers": [("authorization", "Bearer a b")]},
        {"json_body": {"refresh_token": "x"}},
    ],
    ids=["nothing", "no token", "basic", "malformed", "no refresh token"],
)
def test_a_credential_that_is_none_is_204(client, how):
    assert 204 == leave(client, **how)


def test_a_token_with_a_flipped_bit_ends_nothing(client):
    client.get_tokens()
    token = client.tokens["access_token"]

    assert 204 == leave(client, bearer=token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:])
    assert 200 == client.use()


def test_a_token_without_a_session_is_left_alone(site, client):
    client.get_tokens()
    foreign = site.auth.sessions

    assert 204 == leave(client)
    assert 200 == client.use()
    assert (1,) == (len(foreign.list("alice")),)


def test_a_foreign_page_signs_nobody_out(client):
    client.sign_in()

    foreign = leave(client, headers=[("origin", "https://evil.example")], page=False)
    silent = leave(client, page=False)

    assert (403, 403) == (foreign, silent)
    assert () == client.response.values("set-cookie")
    assert 200 == client.request("GET", "/me")


def test_cookies_that_nobody_can_read_are_cleared(client):
    """This holds where only a malformed refresh cookie is left."""
    client.cookies = {REFRESH: '"'}

    assert 204 == leave(client)
    assert {} == client.cookies


def test_two_cookies_of_one_name_are_cleared(client):
    client.sign_in(remember=True)
    twice = f"{REFRESH}={client.cookies[REFRESH]}; {REFRESH}=other; {ACCESS}={client.cookies[ACCESS]}"

    status = leave(client, headers=[("cookie", twice), *OWN_PAGE], with_cookies=False)

    assert 204 == status
    assert 401 == client.request("GET", "/me")


def test_a_token_by_cookie_and_in_the_body_is_400(client):
    client.sign_in(remember=True)

    assert 400 == leave(client, json_body={"refresh_token": client.cookies[REFRESH]})


def test_signing_out_everywhere_ends_every_session(site):
    """R4: one cut-off for the user ends all sessions."""
    page, program, other = LoginClient(site), LoginClient(site), LoginClient(site)
    page.sign_in(remember=True)
    program.get_tokens(remember=True)
    other.get_tokens("bob", "builder")

    assert 204 == page.request("POST", "/auth/logout-everywhere")

    assert {DEVICE} == page.cookies.keys()
    assert (401, 401) == (program.use(), program.refresh())
    assert 200 == other.use()
    assert (200, 200) == (program.get_tokens(), program.use())


def test_signing_out_everywhere_needs_an_access_token(client):
    assert 401 == client.request("POST", "/auth/logout-everywhere")


def test_a_program_signs_out_everywhere(client):
    client.get_tokens()

    assert 204 == client.request("POST", "/auth/logout-everywhere", bearer=client.tokens["access_token"])
    assert () == client.response.values("set-cookie")


def test_a_store_that_is_away_is_503_and_clears_nothing(killable_site):
    """Nobody is told that they are signed out while the session goes on."""
    site, server = killable_site
    client = LoginClient(site)
    client.sign_in(remember=True)
    before = dict(client.cookies)
    server.kill()

    assert 503 == leave(client)
    assert before == client.cookies
