"""What only the sessions in memory do: they are bounded, and of one process."""

from dataclasses import replace

import pytest

from safeconduct.errors import Unavailable
from safeconduct.stores.memory import session_index
from safeconduct.stores.memory.session_index import SessionIndex
from safeconduct.stores.memory.state_machine import opened
from servers import in_child
from session_craft import opening

T = 1_800_000_000_000


def made(ends_ms):
    return replace(opened(opening(), T), over_ms=ends_ms)


@pytest.fixture
def shelf():
    return SessionIndex()


def test_beyond_the_limit_the_longest_idle_goes(shelf, monkeypatch):
    monkeypatch.setattr(session_index, "LIMIT", 3)
    for name in "abc":
        shelf.add(name, made(T + 1000), b"alice", member=b"m", now_ms=T)
    shelf.put("a", made(T + 1000))

    shelf.add("d", made(T + 1000), b"bob", member=b"m", now_ms=T)

    assert {"a", "c"} == set(shelf.owned_by(b"alice"))
    assert ("d",) == shelf.owned_by(b"bob")
    assert 3 == len(shelf)


def test_what_is_over_makes_room(shelf):
    shelf.add("a", made(T + 1000), b"alice", member=b"m", now_ms=T)
    shelf.add("b", made(T + 1000), b"alice", member=b"m", now_ms=T)
    shelf.put("b", made(T + 5000))

    shelf.add("c", made(T + 9000), b"alice", member=b"m", now_ms=T + 1000)

    assert {"b", "c"} == set(shelf.owned_by(b"alice"))
    shelf.add("d", made(T + 9000), b"alice", member=b"m", now_ms=T + 5000)
    assert {"c", "d"} == set(shelf.owned_by(b"alice"))


def test_what_was_removed_leaves_nothing_behind(shelf):
    for number in range(3000):
        shelf.add(f"{number}", made(T + 1000), b"alice", member=b"m", now_ms=T)
        shelf.remove(f"{number}")

    assert 0 == len(shelf)
    assert () == shelf.owned_by(b"alice")
    assert len(shelf._ends) <= 1001
    assert {} == shelf._owned == shelf._owners


def test_removing_what_is_not_there_is_harmless(shelf):
    assert shelf.remove("a") is None


def test_another_process_knows_nothing_of_a_session(build):
    """It says so instead of calling the session over."""
    house = build()
    tokens = house.sign_in()

    def attempt():
        try:
            house.refresh(tokens)
        except Unavailable as error:
            return error.reason
        return "refreshed"

    assert "a session of another process" == in_child(attempt)
    assert "0" == in_child(lambda: len(house.run(house.open_sessions.list("alice"))))
    assert house.refresh(tokens)


def test_a_closed_store_keeps_no_sessions(build, open_stores):
    stores = open_stores("memory")
    house = build(stores)
    tokens = house.sign_in()
    stores.end()

    for verb in (house.refresh, house.step_up):
        with pytest.raises(Unavailable):
            verb(tokens)
