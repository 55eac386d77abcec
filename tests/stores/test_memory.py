"""Properties of the store in memory alone."""

import logging

import pytest

from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Counter, Revocation
from safeconduct.errors import Unavailable
from safeconduct.stores import MemoryStore
from safeconduct.stores.memory import counters
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS, question
from store_servers import in_child
from worlds import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)


def of(instance):
    return RevocationQuery(0, (), (), 0, 1 << 52, instance)


def test_a_session_of_this_process_is_known(store):
    assert not run_sync(store.ask(of(store.instance))).is_revoked


def test_a_session_of_another_process_is_unavailable_and_reported_once(store, caplog):
    """Its state is unknown, and an event tells the operator what to do."""
    for _ in range(2):
        with caplog.at_level(logging.ERROR), pytest.raises(Unavailable):
            run_sync(store.ask(of(b"another!")))

    [message] = caplog.messages
    assert message.startswith("memory:// does not know a session that began in another process, or before a restart: ")
    assert "sign in again" in message
    assert "redis://" in message


def test_a_forked_child_is_another_instance(store):
    output = in_child(lambda: f"{store.instance.hex()}")

    assert 16 == len(output)
    assert output != store.instance.hex()


def test_a_fork_in_the_middle_of_a_write_leaves_no_lock(store):
    """A lock held by a thread of the parent would never be released in the child."""
    with store._revocations._lock:
        output = in_child(lambda: run_sync(store.issue_time(question())).iat_ms)

    assert int(output) > 0


@pytest.mark.parametrize(
    "verb",
    [
        lambda store: store.ask(question()),
        lambda store: store.issue_time(question()),
        lambda store: store.revoke(0, Revocation("key", b"k", (0,))),
        lambda store: store.count_try([], try_id=b""),
        lambda store: store.give_back([], [], try_id=b""),
    ],
    ids=["ask", "stamp", "revoke", "count_try", "give_back"],
)
def test_an_ended_store_answers_no_more(store, verb):
    store.end()

    with pytest.raises(Unavailable):
        run_sync(verb(store))


def test_counters_are_bounded_and_refuse_when_full(store, clock, monkeypatch):
    """Evicting live counters would let an attacker reset their own."""
    monkeypatch.setattr(counters, "LIMIT", 3)
    for number in range(3):
        run_sync(store.count_try([Counter(b"%d" % number, 1, 10_000)], try_id=b"1"))

    for _ in range(2):
        with pytest.raises(Unavailable):
            run_sync(store.count_try([Counter(b"more", 1, 10_000)], try_id=b"1"))
    clock.advance(seconds=11)

    assert 0 == run_sync(store.count_try([Counter(b"more", 1, 10_000)], try_id=b"1"))
    assert 1 == len(store._counters)


def test_an_entry_that_was_written_twice_goes_with_its_later_end(store, clock):
    """The first expiry passes, and the entry stays until the later one."""
    query = RevocationQuery(0, (b"t",), (), 0, 1 << 52, None)
    for seconds in (5, 500):
        run_sync(store.revoke(0, Revocation("token", b"t", (0,), int(clock() * 1000) + seconds * 1000)))
    clock.advance(seconds=100)

    run_sync(store.revoke(0, Revocation("key", b"k", (0,))))

    assert run_sync(store.ask(query)).is_revoked
