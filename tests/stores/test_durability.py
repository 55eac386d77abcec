"""Report as written to disk only what the server's configuration guarantees."""

from dataclasses import replace

import pytest

from safeconduct._core.receipt import RevocationReceipt
from safeconduct._core.store import Revocation, Written
from safeconduct.stores.redis import calls
from safeconduct.testing.store_contract.revocations import TOKEN
from worlds import Native

TOKEN_ENDS = Revocation("token", TOKEN, (0,), 1 << 50)


def revoke(world):
    world.run(world.store.begin_epoch(0, reason="new", seen=None))
    return world.run(world.store.revoke(0, TOKEN_ENDS))


@pytest.mark.parametrize(
    ("fsync", "durability"), [("always", "durable"), ("everysec", "stored"), (None, "stored")], ids=str
)
def test_e1_a_revocation_is_durable_where_every_change_is_on_disk_first(
    enter, open_stores, fresh_server, fsync, durability
):
    """Under "everysec" Valkey answers WAITAOF before the disk has the data, so the reply proves nothing."""
    if fsync is not None:
        fresh_server.keep_changes(fsync)
    written = revoke(enter(open_stores(fresh_server.url)))

    assert durability == RevocationReceipt.of(TOKEN_ENDS, {0: written}).durability
    waits = "cmdstat_waitaof" in fresh_server.say("INFO", "commandstats")
    assert waits == (fsync is not None and fresh_server.kind == "valkey")


def test_e1_a_disk_that_says_nothing_does_not_undo_a_revocation(open_stores, fresh_server, monkeypatch):
    """The wait has its own bound outside of the deadline; in a loop it ends at once after that."""
    fresh_server.keep_changes("always")
    monkeypatch.setattr(calls, "_DISK_SECONDS", -1.0)
    world = Native(open_stores(fresh_server.url))

    written = revoke(world)

    assert not written.is_durable
    world.close()
    assert "2" == fresh_server.say("ZCARD", "safeconduct:{sc:00}:rev").strip(":\r\n")


def test_e1_one_shard_that_is_not_durable_is_enough():
    stored = Written(None, is_empty=False, before_ms=None)
    durable = replace(stored, is_durable=True)

    assert "stored" == RevocationReceipt.of(TOKEN_ENDS, {0: durable, 1: stored}).durability
    assert "durable" == RevocationReceipt.of(TOKEN_ENDS, {0: durable}).durability
