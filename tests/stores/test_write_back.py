"""What a store has lost, and a process knows, is written to the store again; a revoked key stays revoked."""

from dataclasses import replace

import pytest

from data_loss import StaleSnapshot
from followed_store import LATER_MS, Writer, query, revocations_of, revoked_key, signed_with
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.events import RevocationsRestored
from safeconduct.stores.redis.follower import Follower
from safeconduct.stores.redis.write_back import LEASE_SECONDS
from safeconduct.stores.view import retained


class Flush:
    """Empty the living server."""

    def __init__(self, server):
        self._server = server

    def begin(self):
        """Nothing to do before."""

    def lose_data(self):
        self._server.say("FLUSHALL")


class EmptyRestart(Flush):
    """Start the server without its data."""

    def lose_data(self):
        self._server.kill()
        self._server.start()


LOSSES = {"FLUSHALL": Flush, "empty": EmptyRestart, "snapshot": StaleSnapshot}


@pytest.fixture
def open_follower(open_stores, writer, monkeypatch):  # noqa: ARG001 - the store has begun
    """Open a process that follows, and return its stores; the test moves its follower, which has no thread."""
    opened = []
    monkeypatch.setattr(Follower, "start", lambda _: None)

    def make(server):
        stores = open_stores(server.url, keeps_view=True, staleness_seconds=0.004)
        opened.append(stores)
        stores._follower.connect()
        return stores

    yield make
    for stores in opened:
        stores._follower.disconnect()
        stores.end()


@pytest.fixture
def server(fresh_server):
    """Use a server that may be killed in every test here."""
    return fresh_server


def notice(stores):
    """Let a follower notice a loss, as its thread would."""
    for _ in range(3):
        try:
            if stores._follower._feed is None:
                stores._follower.connect()
            stores._follower.follow()
        except Unavailable:
            stores._follower.disconnect()


def is_refused(stores, asked):
    """Say whether a credential is refused that was issued just now, after the loss."""
    now_ms = run_sync(stores.blocking().ask(asked)).now_ms
    try:
        run_sync(revocations_of(stores, []).check(replace(asked, issued_ms=now_ms + 1), now_ms=now_ms))
    except RevokedToken:
        return True
    return False


def restored(events):
    return [event.revocations for event in events if isinstance(event, RevocationsRestored)]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_revoked_key_is_refused_everywhere_after_a_loss(loss, server, writer, open_follower, open_stores, events):
    """Also by a process that begins later, and where the token says that it is younger than the loss."""
    lossy = LOSSES[loss](server)
    lossy.begin()
    writer.revoke_key("stolen")
    first, second = open_follower(server), open_follower(server)

    lossy.lose_data()
    for stores in (first, second):
        notice(stores)
    fresh = open_stores(server.url)

    for stores in (first, second, fresh):
        assert is_refused(stores, signed_with("stolen"))
        assert not is_refused(stores, signed_with("another"))
    assert [1] == restored(events)
    fresh.end()


def test_before_it_is_written_back_a_process_that_knows_it_refuses(server, writer, open_follower, open_stores):
    """From the first request after the loss on, and as long as the store refuses to write."""
    writer.revoke_key("stolen")
    stores = open_follower(server)
    server.say("FLUSHALL")
    other = open_stores(server.url)
    assert not is_refused(other, signed_with("stolen"))

    with pytest.raises(Unavailable):
        is_refused(stores, signed_with("stolen"))
    assert is_refused(stores, signed_with("stolen"))
    server.say("CONFIG", "SET", "min-replicas-to-write", "1")
    notice(stores)

    assert is_refused(stores, signed_with("stolen"))
    assert not is_refused(stores, signed_with("another"))
    assert stores._follower.view.holds(signed_with("another", issued_ms=LATER_MS - 1))
    other.end()


def test_recent_changes_are_written_back_as_they_were(server, writer, open_follower, events, monotonic):
    """What was issued after a cut-off counts after the loss too; what has ended is left out."""
    writer.end("alice")
    stores = open_follower(server)
    writer.revoke("bob", expires_ms=1000)
    writer.revoke("carol", expires_ms=2_000_000_000_000)
    writer.revoke("carol", expires_ms=2_000_000_005_000)
    writer.end("dave")
    before_ms = writer.end("dave").before_ms
    stores._follower.follow()
    server.say("FLUSHALL")

    notice(stores)

    # Alice's was read from the snapshot, of which no key is retained.
    assert [2] == restored(events)
    assert str(before_ms) in server.say("ZRANGE", "safeconduct:{sc:00}:cut", "0", "-1", "WITHSCORES")
    assert "2000000005" in server.say("ZRANGE", "safeconduct:{sc:00}:rev", "0", "-1", "WITHSCORES")
    assert is_refused(stores, query("carol"))
    assert not is_refused(stores, query("dave"))
    monotonic.seconds += 3 * LEASE_SECONDS
    notice(stores)
    assert [2] == restored(events)


def test_what_one_process_alone_knows_is_written_when_its_turn_comes(server, writer, open_follower, events, monotonic):
    """Until then another process has the lease."""
    early = open_follower(server)
    writer.revoke("alice")
    early._follower.follow()
    late = open_follower(server)
    writer.revoke_key("stolen")
    for stores in (early, late):
        stores._follower.follow()
    server.say("FLUSHALL")

    for stores in (late, early):
        notice(stores)
    assert [1] == restored(events)
    assert is_refused(early, query("alice"))
    assert not is_refused(late, query("alice"))
    monotonic.seconds += 3 * LEASE_SECONDS
    server.say("HDEL", "safeconduct:{sc:00}:meta", "lease")
    notice(early)

    assert [1, 1] == restored(events)
    assert is_refused(late, query("alice"))


def test_what_another_process_has_written_is_missing_no_more(server, writer, open_follower, open_stores, events):
    """It arrives through the log."""
    stores, other = open_follower(server), open_follower(server)
    writer.revoke_key("stolen")
    stores._follower.follow()
    server.say("FLUSHALL")
    fresh = Writer(open_stores(server.url))
    assert other._follower._feed.lease(0, 5000)
    notice(stores)
    assert 1 == len(stores._follower._write_back._missing[0])
    fresh.revoke_key("stolen")

    stores._follower.follow()

    assert {} == stores._follower._write_back._missing[0]
    assert [] == restored(events)


def test_a_key_that_was_lifted_by_hand_stays_lifted(server, writer, open_follower, events):
    """A snapshot of the same data says what is revoked."""
    writer.revoke_key("spared")
    stores = open_follower(server)
    server.say("ZREM", "safeconduct:{sc:00}:rev", revoked_key("spared"))
    server.say("XADD", "safeconduct:{sc:00}:log", "*", "another", "field")
    stores._follower.follow()
    server.say("FLUSHALL")

    notice(stores)

    assert [] == restored(events)
    assert not is_refused(stores, signed_with("spared"))


def test_many_are_written_in_several_steps(server, writer, open_follower, events, monkeypatch):
    """No step keeps the server for long; and only so many are retained."""
    monkeypatch.setattr(retained, "RECENT_CHANGES", 300)
    stores = open_follower(server)
    for number in range(310):
        writer.revoke(f"t{number}")
    stores._follower.follow()
    server.say("FLUSHALL")

    notice(stores)

    assert [300] == restored(events)


def test_a_store_that_a_fresh_process_began_anew_is_written_to(server, writer, open_follower, open_stores):
    """It could not know what was lost, and its epoch becomes a lost one."""
    writer.revoke_key("stolen")
    stores = open_follower(server)
    server.say("FLUSHALL")
    fresh = open_stores(server.url)
    assert not is_refused(fresh, signed_with("stolen"))

    notice(stores)

    assert is_refused(fresh, signed_with("stolen"))
    fresh.end()
