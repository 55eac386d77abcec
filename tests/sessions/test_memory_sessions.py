"""Properties of the session store in memory alone: it is bounded, and belongs to one process."""

from dataclasses import replace

import pytest

from safeconduct.errors import Unavailable
from safeconduct.stores.memory import session_index
from safeconduct.stores.memory.session_index import SessionIndex
from safeconduct.stores.memory.state_machine import opened
from safeconduct.testing.store_contract.session_commands import opening
from store_servers import in_child

T = 1_800_000_000_000


def made(ends_ms):
    return replace(opened(opening(), T), over_ms=ends_ms)


@pytest.fixture
def index():
    return SessionIndex()


def test_beyond_the_limit_the_longest_idle_goes(index, monkeypatch):
    monkeypatch.setattr(session_index, "LIMIT", 3)
    for name in "abc":
        index.add(name, made(T + 1000), b"alice", key=b"m", now_ms=T)
    index.put("a", made(T + 1000))

    index.add("d", made(T + 1000), b"bob", key=b"m", now_ms=T)

    assert {"a", "c"} == set(index.owned_by(b"alice"))
    assert ("d",) == index.owned_by(b"bob")
    assert 3 == len(index)


def test_an_ended_session_is_evicted_first(index):
    index.add("a", made(T + 1000), b"alice", key=b"m", now_ms=T)
    index.add("b", made(T + 1000), b"alice", key=b"m", now_ms=T)
    index.put("b", made(T + 5000))

    index.add("c", made(T + 9000), b"alice", key=b"m", now_ms=T + 1000)

    assert {"b", "c"} == set(index.owned_by(b"alice"))
    index.add("d", made(T + 9000), b"alice", key=b"m", now_ms=T + 5000)
    assert {"c", "d"} == set(index.owned_by(b"alice"))


def test_what_was_removed_leaves_nothing_behind(index):
    for number in range(3000):
        index.add(f"{number}", made(T + 1000), b"alice", key=b"m", now_ms=T)
        index.remove(f"{number}")

    assert 0 == len(index)
    assert () == index.owned_by(b"alice")
    assert len(index._ends) <= 1001
    assert {} == index._owned == index._owners


def test_removing_what_is_not_there_is_harmless(index):
    assert index.remove("a") is None


def test_another_process_knows_nothing_of_a_session(build):
    """The error says so and does not report the session as ended."""
    stack = build()
    tokens = stack.sign_in()

    def attempt():
        try:
            stack.refresh(tokens)
        except Unavailable as error:
            return error.reason
        return "refreshed"

    assert "a session of another process, or from before a restart" == in_child(attempt)
    assert "0" == in_child(lambda: len(stack.run(stack.session_verbs.list("alice"))))
    assert stack.refresh(tokens)


def test_a_closed_store_keeps_no_sessions(build, open_stores):
    stores = open_stores("memory")
    stack = build(stores)
    tokens = stack.sign_in()
    stores.end()

    for verb in (stack.refresh, stack.step_up):
        with pytest.raises(Unavailable):
            verb(tokens)
