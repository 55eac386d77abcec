"""Limit the sessions of a user, and page through many of them."""

import pytest

from login_site import LoginClient
from open_connections import cookie_headers, monitored_site, open_socket
from safeconduct.events import SessionEnded
from safeconduct.stores.memory import session_index

MANY = {"sessions": {"max_per_subject": 250}}


def pages(client, bearer):
    """Return every page."""
    found, target = [], "/auth/sessions"
    while target:
        assert 200 == client.request("GET", target, bearer=bearer, with_cookies=False)
        found.append([each["session_id"] for each in client.json["sessions"]])
        cursor = client.json["cursor"]
        target = f"/auth/sessions?cursor={cursor}" if cursor else None
    return found


def test_b5_one_sign_in_more_ends_another_and_is_reported(workers, format_of_tokens):
    site = workers(tokens={"format": format_of_tokens}, sessions={"max_per_subject": 2})
    first, second, third = (LoginClient(site) for _ in range(3))
    first.get_tokens(remember=True)
    second.get_tokens()
    third.get_tokens()

    assert (200, 401, 200) == (first.use(), second.use(), third.use())
    ended = [event for event in site.events if isinstance(event, SessionEnded)]
    assert [("alice", second.tokens["session_id"], "too_many")] == [
        (event.subject, event.session_id, event.reason) for event in ended
    ]


def test_b5_every_session_is_on_a_page_and_can_be_ended(make, clock):
    site = make(**MANY)
    client = LoginClient(site)
    given = []
    for _ in range(220):
        client.get_tokens()
        given.append(client.tokens["session_id"])
        clock.advance(seconds=1)
    bearer = client.tokens["access_token"]

    found = pages(client, bearer)

    assert [100, 100, 20] == [len(page) for page in found]
    assert sorted(given) == sorted(name for page in found for name in page)
    assert given[-1] == found[0][0]
    assert sorted(given) == sorted(each.session_id for each in site.auth.sessions.list("alice"))
    assert 204 == client.request("DELETE", f"/auth/sessions/{found[2][0]}", bearer=bearer, with_cookies=False)
    assert 219 == len(site.auth.sessions.list("alice"))


def test_b5_the_last_page_has_no_cursor(client):
    client.get_tokens()

    assert [[client.tokens["session_id"]]] == pages(client, client.tokens["access_token"])


@pytest.mark.parametrize(
    "query",
    ["cursor=", "cursor=x", "cursor=1", "cursor=-1.AAAAAAAAAAAAAAAAAAAAAAAA", "cursor=1.AAAA", "cursor=%FF",
     "cursor=1.AAAAAAAAAAAAAAAAAAAAAAAA&cursor=1.AAAAAAAAAAAAAAAAAAAAAAAA", "\xff", "&".join("a" * 101)],
)  # fmt: skip
def test_b5_a_cursor_that_is_none_is_400(client, query):
    client.get_tokens()

    assert 400 == client.request(
        "GET", f"/auth/sessions?{query}", bearer=client.tokens["access_token"], with_cookies=False
    )
    assert "invalid_request" == client.json["code"]


def test_b5_what_else_a_query_says_is_ignored(client):
    client.get_tokens()

    assert 200 == client.request(
        "GET", "/auth/sessions?page=2&x", bearer=client.tokens["access_token"], with_cookies=False
    )


def test_b5_one_user_evicts_nobody_else(make, monkeypatch):
    """The memory is bounded for each user."""
    monkeypatch.setattr(session_index, "LIMIT", 10)
    site = make(sessions={"max_per_subject": 5})
    bob, alice = LoginClient(site), LoginClient(site)
    bob.get_tokens("bob", "builder", remember=True)

    for _ in range(50):
        assert 200 == alice.get_tokens()

    assert (200, 200) == (bob.use(), bob.refresh())


def test_b5_signing_out_everywhere_leaves_no_record(over_a_server):
    """Endless sign-ins leave nothing behind but the cut-offs of their tokens."""
    site, server = over_a_server()
    client = LoginClient(site)
    client.get_tokens(remember=True)

    client.request("POST", "/auth/logout-everywhere", bearer=client.tokens["access_token"], with_cookies=False)

    left = server.say("KEYS", "*")
    assert ":ses:" not in left
    assert ":own:" not in left


def test_b5_a_socket_outlives_the_reference_that_it_was_opened_with():
    """After a refresh the first token is gone within the grace period, and the connection goes on."""
    site = monitored_site(tokens={"format": "opaque"})
    client = LoginClient(site)
    client.sign_in(remember=True)
    first = dict(client.cookies)
    connection = open_socket(site, *cookie_headers(client))
    assert 200 == client.request("POST", "/auth/refresh")

    site.clock.advance(seconds=20)

    assert "hello" == connection.ask("hello")
    client.cookies, client.csrf = first, None
    assert 401 == client.request("GET", "/me")
    assert "hello" == connection.ask("hello")
    site.close()
