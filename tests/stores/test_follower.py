"""A follower keeps the local view of a store current, and loads it anew whenever it may lack something."""

from dataclasses import replace

import pytest

from followed_store import LATER_MS, Writer, query, session
from safeconduct._core.epochs import Epoch
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.events import StoreLost, StoreUnavailable
from safeconduct.stores.redis import feed as feed_module
from safeconduct.stores.redis import follower as follower_module
from safeconduct.stores.redis import snapshot as snapshot_module
from safeconduct.stores.redis.feed import Feed
from safeconduct.stores.redis.shard_calls import ShardCalls
from safeconduct.stores.redis.view_updater import SWEPT_EVERY_SECONDS
from safeconduct.stores.view import entries
from safeconduct.stores.view.entries import UNPACKED_ENTRIES


def test_the_first_load_has_everything(writer, following):
    """Tokens and keys by their presence, sessions by their cut-off."""
    before_ms = writer.end("alice").before_ms
    writer.revoke("bob")
    writer.revoke("carol", expires_ms=None)
    follower = following()
    assert not follower.view.holds(query("dave"))

    follower.connect()

    view = follower.view
    assert ["ended", "ended", "ended"] == [view.verdict(query(name)) for name in ("alice", "bob", "carol")]
    assert view.holds(query("dave"))
    assert view.holds(query("alice", issued_ms=before_ms + 1))


def test_a_change_is_seen_in_the_next_round(writer, follower):
    version = follower.view.version
    assert follower.view.holds(query("alice"))

    before_ms = writer.end("alice").before_ms
    writer.revoke("bob")
    writer.revoke("carol", expires_ms=None)
    follower.follow()

    view = follower.view
    assert ["ended", "ended", "ended"] == [view.verdict(query(name)) for name in ("alice", "bob", "carol")]
    assert view.holds(query("alice", issued_ms=before_ms + 1))
    assert version is not view.version


def test_a_round_without_changes_keeps_the_version(follower):
    """What held need not be looked up again, and the view is fresh again."""
    version = follower.view.version

    follower.follow()

    assert version is follower.view.version


def test_a_view_is_as_old_as_the_last_command_that_was_answered(follower, monotonic):
    """The instant of sending counts."""
    monotonic.seconds += 7
    assert 7 == follower.view.age_seconds

    follower.follow()

    assert 0 == follower.view.age_seconds


def test_many_revocations_are_loaded_page_by_page(writer, following, monkeypatch):
    """Also where more of them than a page holds have one score."""
    monkeypatch.setattr(snapshot_module, "PAGE_ENTRIES", 3)
    for number in range(11):
        writer.revoke(f"t{number}", expires_ms=LATER_MS if number < 8 else LATER_MS - 10_000 * number)
        writer.end(f"s{number}")
    follower = following()

    follower.connect()

    names = [f"{letter}{number}" for letter in "ts" for number in range(11)]
    assert {"ended"} == {follower.view.verdict(query(name)) for name in names}


def test_more_than_ten_thousand_revocations_are_packed(server, writer, following):
    """In the compact form everything is found too, and new changes are added."""
    keys = [session(f"s{number}") for number in range(UNPACKED_ENTRIES + 10)]
    for first in range(0, len(keys), 1000):
        words = [word for key in keys[first : first + 1000] for word in (1_700_000_000_000 + first, key)]
        server.say("ZADD", "safeconduct:{sc:00}:cut", *words)
    follower = following()
    follower.connect()
    assert 0 < len(follower.view.shards[0].cuts)

    writer.end("new")
    follower.follow()

    assert len(keys) + 1 == len(follower.view.shards[0].cuts)
    assert "ended" == follower.view.verdict(query("s0"))
    assert "ended" == follower.view.verdict(query(f"s{len(keys) - 1}"))
    assert "ended" == follower.view.verdict(query("new"))
    assert "counts" == follower.view.verdict(query("other"))


def test_a_resumed_view_is_not_believed_before_its_log_was_read(writer, follower):
    """A follower that cannot read the log connects again and again, and must not seem current."""
    writer.end("alice")
    follower.disconnect()

    follower.connect()

    assert not follower.view.holds(query("alice"))
    assert not follower.view.holds(query("bob"))
    follower.follow()
    assert "ended" == follower.view.verdict(query("alice"))
    assert follower.view.holds(query("bob"))


def test_an_entry_that_cannot_be_read_makes_the_view_load_anew(server, writer, follower):
    """The snapshot is whole in any case."""
    loaded = follower.view.shards[0]
    server.say("XADD", "safeconduct:{sc:00}:log", "*", "another", "field")
    writer.end("alice")

    follower.follow()

    assert loaded is not follower.view.shards[0]
    assert "ended" == follower.view.verdict(query("alice"))
    follower.follow()
    assert follower.view.holds(query("bob"))


def test_a_log_that_lacks_its_last_change_makes_the_view_load_anew(server, writer, follower):
    writer.end("alice")
    server.say("XTRIM", "safeconduct:{sc:00}:log", "MAXLEN", "0")

    follower.follow()

    assert "ended" == follower.view.verdict(query("alice"))


def test_a_view_that_is_far_behind_is_not_confirmed(writer, follower, monkeypatch, monotonic):
    """More changes than are read at once are read in the next rounds."""
    monkeypatch.setattr(feed_module, "LOG_ENTRIES", 2)
    monkeypatch.setattr(follower_module, "LOG_ENTRIES", 2)
    for name in ("alice", "bob", "carol"):
        writer.end(name)
    monotonic.seconds += 5

    follower.follow()
    assert "ended" == follower.view.verdict(query("bob"))
    assert 5 == follower.view.age_seconds
    follower.follow()

    assert "ended" == follower.view.verdict(query("carol"))
    assert 0 == follower.view.age_seconds


def test_a_connection_that_breaks_is_resumed_where_it_ended(server, writer, follower):
    """What was revoked in the meantime is read from the log, and nothing is loaded anew."""
    loaded = follower.view.shards[0]
    server.say("CLIENT", "KILL", "TYPE", "normal")
    writer.end("alice")
    with pytest.raises(Unavailable):
        follower.follow()
    follower.disconnect()

    follower.connect()
    follower.follow()

    assert loaded is follower.view.shards[0]
    assert "ended" == follower.view.verdict(query("alice"))


def test_a_log_that_was_trimmed_too_far_makes_the_view_load_anew(server, writer, follower):
    """An entry that does not follow the last one known shows that others are missing."""
    loaded = follower.view.shards[0]
    for name in ("alice", "bob", "carol"):
        writer.end(name)
    server.say("XTRIM", "safeconduct:{sc:00}:log", "MAXLEN", "1")

    follower.follow()

    assert loaded is not follower.view.shards[0]
    assert ["ended"] * 3 == [follower.view.verdict(query(name)) for name in ("alice", "bob", "carol")]


def test_a_store_that_lost_everything_is_noticed_without_a_request(server, follower, events):
    """The view has another epoch after the next connection, and older tokens are for the store to refuse."""
    assert follower.view.holds(query("alice"))
    server.say("FLUSHALL")

    with pytest.raises(Unavailable):
        follower.follow()
    follower.disconnect()
    follower.connect()

    assert [StoreLost] == [type(event) for event in events if isinstance(event, StoreLost)]
    assert "lost" == follower.view.shards[0].epoch.reason
    assert "unknown" == follower.view.verdict(query("alice"))
    assert "counts" == follower.view.verdict(query("alice", issued_ms=LATER_MS - 1))


def test_a_shard_that_begins_later_is_loaded_when_it_begins(following):
    """A store that nobody has used yet begins with the first state that is read."""
    follower = following()

    follower.connect()
    follower.follow()

    assert "new" == follower.view.shards[0].epoch.reason


def test_an_epoch_that_another_process_turned_into_a_lost_one_is_taken_over(writer, follower):
    version = follower.view.version
    epoch = follower.view.shards[0].epoch
    run_sync(writer.store.begin_epoch(0, reason="lost", seen=Epoch("another", 0, "new", 1)))

    follower.follow()

    assert (epoch.name, "lost") == (follower.view.shards[0].epoch.name, follower.view.shards[0].epoch.reason)
    assert version is not follower.view.version


def test_data_that_becomes_other_data_while_it_is_read_is_read_again(writer, following, monkeypatch):
    """Its line is another one at the end."""
    writer.revoke("alice")
    follower, states, of_shard = following(), [], Feed.state

    def state(feed, shard):
        states.append(of_shard(feed, shard))
        return replace(states[-1], line=b"first") if len(states) == 1 else states[-1]

    monkeypatch.setattr(Feed, "state", state)

    follower.connect()

    assert 3 == len(states)
    assert "ended" == follower.view.verdict(query("alice"))


def test_recent_changes_are_packed_when_they_are_many(writer, follower, monkeypatch):
    monkeypatch.setattr(entries, "UNPACKED_ENTRIES", 1)
    for name in ("alice", "bob"):
        writer.revoke(name)
        writer.end(name)

    follower.follow()

    assert not follower.view.shards[0].marks.is_due
    assert ["ended", "ended"] == [follower.view.verdict(query(name)) for name in ("alice", "bob")]


def test_a_state_of_another_shape_is_unavailable(following, monkeypatch):
    run = ShardCalls.run

    async def without_numbers(calls, *arguments):
        return replace(await run(calls, *arguments), first=None)

    monkeypatch.setattr(ShardCalls, "run", without_numbers)

    with pytest.raises(Unavailable, match="malformed"):
        following().connect()


def test_plain_commands_open_a_connection_themselves(server, open_stores):
    stores = open_stores(server.url)

    client = stores._threads.client()

    assert [b"PONG"] == run_sync(client.send([("PING",)], seconds=5))
    client.close()
    stores.end()


def test_what_a_process_revoked_itself_is_not_believed_any_more_at_once(server, open_stores):
    """Before the follower has read it, the store is asked."""
    stores = open_stores(server.url, keeps_view=True, staleness_seconds=0.004)
    writer = Writer(stores)
    stores._follower.connect()
    assert stores._follower.view.holds(query("alice"))

    writer.end("alice")

    assert not stores._follower.view.holds(query("alice"))
    assert not stores._follower.view.holds(query("bob"))
    stores._follower.follow()
    assert "ended" == stores._follower.view.verdict(query("alice"))
    assert stores._follower.view.holds(query("bob"))
    stores._follower.disconnect()
    stores.end()


def test_entries_that_have_ended_are_swept(writer, follower, monotonic):
    """After that, a credential that might have been swept counts as ended."""
    writer.end("alice")
    writer.revoke("bob", expires_ms=1000)
    follower.follow()
    assert 2 == len(follower.view.shards[0].marks) + len(follower.view.shards[0].cuts)
    monotonic.seconds += SWEPT_EVERY_SECONDS

    writer.end("carol")
    follower.follow()

    assert "ended" == follower.view.verdict(query("alice"))
    assert 0 == len(follower.view.shards[0].marks)
    assert "ended" == follower.view.verdict(query("dave", ends_ms=10**12))


def test_a_server_that_refuses_is_told_of(server, following, events):
    """A user without the right to read the log cannot follow."""
    server.say("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-xread")
    follower = following(server.url.replace("redis://", "redis://reader:secret@"))
    follower.connect()

    with pytest.raises(Unavailable, match="refuses"):
        follower.follow()

    assert any("NOPERM" in event.reason for event in events if isinstance(event, StoreUnavailable))
    server.say("ACL", "DELUSER", "reader")


def test_a_follower_that_is_not_connected_says_so(following):
    with pytest.raises(Unavailable):
        following().follow()


def test_a_primary_that_became_a_replica_is_followed_no_further(follower, server):
    """A connection that was not waiting at that moment is not told."""
    server.say("REPLICAOF", "127.0.0.1", "1")

    try:
        with pytest.raises(Unavailable, match="replica"):
            follower.follow()
    finally:
        server.say("REPLICAOF", "NO", "ONE")


def test_a_user_who_may_not_ask_for_the_role_can_follow(server, following):
    """Then only the operator can know."""
    server.say("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-role")
    follower = following(server.url.replace("redis://", "redis://reader:secret@"))

    follower.connect()
    follower.follow()

    assert follower.view.holds(query("alice", issued_ms=LATER_MS))
    server.say("ACL", "DELUSER", "reader")


def test_a_forked_child_follows_anew(writer, server, open_stores):  # noqa: ARG001 - the store has begun
    """It has neither its parent's view nor its connection nor its thread."""
    stores = open_stores(server.url, keeps_view=True, staleness_seconds=0.004)
    stores._follower.connect()
    parents = stores._follower._feed

    stores.begin_process()

    assert not stores._follower.view.shards
    assert not stores._follower.is_started
    stores._follower.connect()
    assert stores._follower.view.holds(query("alice", issued_ms=LATER_MS))
    assert parents is not stores._follower._feed
    parents.close()
    stores._follower.disconnect()
    stores.end()
