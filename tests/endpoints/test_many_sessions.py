"""A user of many sessions: how many he may have, and the pages on which he finds them."""

import pytest

from held import carried, opened, watched_place
from safeconduct.events import SessionEnded
from safeconduct.stores.memory import session_index
from visiting import Visitor

MANY = {"sessions": {"max_per_subject": 250}}


def pages(visitor, bearer):
    """Ask for every page."""
    found, target = [], "/auth/sessions"
    while target:
        assert 200 == visitor.ask("GET", target, bearer=bearer, with_jar=False)
        found.append([each["session_id"] for each in visitor.answer["sessions"]])
        cursor = visitor.answer["cursor"]
        target = f"/auth/sessions?cursor={cursor}" if cursor else None
    return found


def test_b5_one_sign_in_more_ends_another_and_is_told(workers, format_of_tokens):
    place = workers(tokens={"format": format_of_tokens}, sessions={"max_per_subject": 2})
    first, second, third = (Visitor(place) for _ in range(3))
    first.take(remember=True)
    second.take()
    third.take()

    assert (200, 401, 200) == (first.use(), second.use(), third.use())
    ended = [event for event in place.events if isinstance(event, SessionEnded)]
    assert [("alice", second.held["session_id"], "too_many")] == [
        (event.subject, event.session_id, event.reason) for event in ended
    ]


def test_b5_every_session_is_on_a_page_and_can_be_ended(make, clock):
    place = make(**MANY)
    visitor = Visitor(place)
    given = []
    for _ in range(220):
        visitor.take()
        given.append(visitor.held["session_id"])
        clock.advance(seconds=1)
    bearer = visitor.held["access_token"]

    found = pages(visitor, bearer)

    assert [100, 100, 20] == [len(page) for page in found]
    assert sorted(given) == sorted(name for page in found for name in page)
    assert given[-1] == found[0][0]
    assert sorted(given) == sorted(each.session_id for each in place.auth.sessions.list("alice"))
    assert 204 == visitor.ask("DELETE", f"/auth/sessions/{found[2][0]}", bearer=bearer, with_jar=False)
    assert 219 == len(place.auth.sessions.list("alice"))


def test_b5_the_last_page_has_no_cursor(visitor):
    visitor.take()

    assert [[visitor.held["session_id"]]] == pages(visitor, visitor.held["access_token"])


@pytest.mark.parametrize(
    "query",
    ["cursor=", "cursor=x", "cursor=1", "cursor=-1.AAAAAAAAAAAAAAAAAAAAAAAA", "cursor=1.AAAA", "cursor=%FF",
     "cursor=1.AAAAAAAAAAAAAAAAAAAAAAAA&cursor=1.AAAAAAAAAAAAAAAAAAAAAAAA", "\xff", "&".join("a" * 101)],
)  # fmt: skip
def test_b5_a_cursor_that_is_none_is_400(visitor, query):
    visitor.take()

    assert 400 == visitor.ask("GET", f"/auth/sessions?{query}", bearer=visitor.held["access_token"], with_jar=False)
    assert "invalid_request" == visitor.answer["code"]


def test_b5_what_else_a_query_says_is_ignored(visitor):
    visitor.take()

    assert 200 == visitor.ask("GET", "/auth/sessions?page=2&x", bearer=visitor.held["access_token"], with_jar=False)


def test_b5_one_user_evicts_nobody_else(make, monkeypatch):
    """The memory is bounded, and each user has a part of it."""
    monkeypatch.setattr(session_index, "LIMIT", 10)
    place = make(sessions={"max_per_subject": 5})
    bob, alice = Visitor(place), Visitor(place)
    bob.take("bob", "builder", remember=True)

    for _ in range(50):
        assert 200 == alice.take()

    assert (200, 200) == (bob.use(), bob.refresh())


def test_b5_signing_out_everywhere_leaves_no_record(over_a_server):
    """Whoever does it without end leaves nothing behind but what ends the tokens."""
    place, server = over_a_server()
    visitor = Visitor(place)
    visitor.take(remember=True)

    visitor.ask("POST", "/auth/logout-everywhere", bearer=visitor.held["access_token"], with_jar=False)

    left = server.say("KEYS", "*")
    assert ":ses:" not in left
    assert ":own:" not in left


def test_b5_a_socket_outlives_the_reference_that_it_was_opened_with():
    """The page refreshes; a grace later the first reference is gone, and what rests on its session goes on."""
    place = watched_place(tokens={"format": "opaque"})
    visitor = Visitor(place)
    visitor.sign_in(remember=True)
    first = dict(visitor.jar)
    held = opened(place, *carried(visitor))
    assert 200 == visitor.ask("POST", "/auth/refresh")

    place.clock.advance(seconds=20)

    assert "hello" == held.ask("hello")
    visitor.jar, visitor.csrf = first, None
    assert 401 == visitor.ask("GET", "/me")
    assert "hello" == held.ask("hello")
    place.close()
