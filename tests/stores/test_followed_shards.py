"""A follower keeps many shards current at once, and several may share them."""

from dataclasses import replace

import pytest

from followed_store import Writer, query
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.events import RevocationsRestored


def test_changes_of_many_shards_are_followed_together(server, open_stores, following):
    """Each shard has a place of its own; the states of all are read in turn."""
    shards = 300
    stores = open_stores(server.url, shards=shards)
    writer = Writer(stores, shards)
    follower = following(shards=shards)
    follower.connect()
    writer.end("alice", shard=1)
    writer.end("bob", shard=shards - 1)

    for _ in range(3):
        follower.follow()

    assert "ended" == follower.view.verdict(query("alice", shard=1))
    assert "ended" == follower.view.verdict(query("bob", shard=shards - 1))
    assert "counts" == follower.view.verdict(query("bob", shard=1))
    stores.end()


def test_several_followers_keep_one_view_current(server, open_stores):
    """Each has a connection of its own; what one reads confirms its own shards alone."""
    stores = open_stores(server.url, shards=2, keeps_view=True, staleness_seconds=0.004)
    writer, view = Writer(stores, 2), stores._follower.view
    followers = [stores._new_follower(view, shards=(shard,)) for shard in (0, 1)]
    followers[0].connect()
    assert view.holds(query("alice"))
    assert not view.holds(query("alice", shard=1))
    followers[1].connect()
    version = view.version
    assert version is view.version

    for shard in (0, 1):
        writer.end("alice", shard=shard)
        writer.revoke("bob", shard=shard)
        followers[shard].follow()

    for shard in (0, 1):
        assert "ended" == view.verdict(query("alice", shard=shard))
        assert view.holds(query("carol", shard=shard))
        followers[shard].disconnect()
    stores.end()


def test_a_loss_in_the_last_of_many_shards_is_noticed_in_the_next_round(server, open_stores, following):
    """However many there are."""
    shards = 300
    stores = open_stores(server.url, shards=shards)
    Writer(stores, shards)
    follower = following(shards=shards)
    follower.connect()
    server.say("DEL", *(f"safeconduct:{{sc:{shards - 1}}}:{name}" for name in ("meta", "log", "rev", "cut")))

    with pytest.raises(Unavailable, match="lost"):
        follower.follow()

    stores.end()


def test_while_changes_keep_coming_the_state_of_the_shards_is_read_as_often_as_without_any(writer, follower, monotonic):
    """What was not compared with the data is not confirmed."""
    writer.end("alice")
    follower.follow()
    monotonic.seconds += 0.0005
    writer.end("bob")
    follower.follow()
    assert pytest.approx(0.0005) == follower.view.age_seconds
    monotonic.seconds += 0.001
    writer.end("carol")

    follower.follow()

    assert 0 == follower.view.age_seconds


def test_after_a_round_without_changes_the_state_of_the_shards_is_read(writer, follower, monotonic):
    writer.end("alice")
    follower.follow()
    monotonic.seconds += 0.0005
    follower.follow()
    assert pytest.approx(0.0005) == follower.view.age_seconds

    follower.follow()

    assert 0 == follower.view.age_seconds


def test_of_many_shards_each_gets_back_what_it_has_lost(server, open_stores, following, events):
    """Another shard's revocations are not written to it."""
    stores = open_stores(server.url, shards=2)
    writer, follower = Writer(stores, 2), following(shards=2)
    follower.connect()
    writer.revoke("alice", shard=0)
    writer.revoke("bob", shard=1)
    writer.revoke("carol", shard=1)
    for _ in range(2):
        # The state of the shards is read in the round after one without changes.
        follower.follow()
    server.say("DEL", *(f"safeconduct:{{sc:01}}:{name}" for name in ("meta", "log", "rev", "cut")))

    with pytest.raises(Unavailable, match="lost"):
        follower.follow()
    follower.disconnect()
    follower.connect()

    assert [RevocationsRestored(shard=1, revocations=2)] == [e for e in events if isinstance(e, RevocationsRestored)]
    assert ":2" in server.say("ZCARD", "safeconduct:{sc:01}:rev")
    stores.end()


def test_a_clock_that_was_ahead_during_the_load_is_forgotten_once_it_is_right(server, writer, open_stores):
    """Until then every token of ours might be one that a later state of the data has issued."""
    shift = {"milliseconds": 3_600_000}
    stores = open_stores(server.url, keeps_view=True, staleness_seconds=0.004, shift_ms=lambda: shift["milliseconds"])
    follower, view = stores._follower, stores._follower.view
    started_ms = run_sync(writer.store.ask(query("alice"))).epoch.started_ms
    later = replace(query("alice", issued_ms=started_ms + 600_000), instance=b"a session's")
    follower.connect()
    assert "unknown" == view.verdict(later)
    shift["milliseconds"] = 0

    follower.follow()

    assert "counts" == view.verdict(later)
    follower.disconnect()
    stores.end()
