"""Refuse a store whose data are spread over another number of shards, where revocations would not be found."""

import pytest

from followed_store import Writer, query, token
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_query import UntrustedStore
from safeconduct._core.store import Revocation
from safeconduct.events import StoreLost, StoreUnavailable
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS


def meta(shard):
    return f"safeconduct:{{sc:{shard:02}}}:meta"


def noted(server, shard):
    """Return what a shard says about the number of shards."""
    return server.say("HGET", meta(shard), "shards").split()[1:]


def losses(events):
    return [event for event in events if isinstance(event, StoreLost)]


def contents(server):
    keys = [word for word in server.say("KEYS", "*").split() if word.startswith("safeconduct:")]
    return {key: server.say("DUMP", key) for key in keys}


def revocations_of(world, shards, events):
    """Return what a process that spreads its keys over *shards* checks revocations with."""
    return Revocations(
        world.store, shards=shards, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, on_new_store="accept",
        announce=events.append, epochs=world.store.epochs,
    )  # fmt: skip


@pytest.fixture
def process(enter, open_stores, server, events):
    """Make a process that spreads its keys over so many shards."""

    def make(shards, **options):
        world = enter(open_stores(server.url, shards=shards, **options))
        revocations = revocations_of(world, shards, events)

        def check(shard, **outage):
            asked = query("alice", shard=shard)
            if outage:
                return world.run(revocations.check_bounded(asked, now_ms=1, **outage))
            return world.run(revocations.check(asked, now_ms=1))

        check.world, check.revocations = world, revocations
        return check

    return make


@pytest.mark.parametrize(
    ("before", "now", "shard"),
    [(1, 4, 0), (1, 4, 2), (4, 1, 0), (4, 8, 3), (4, 8, 6), (4, 3, 1), (1, 1024, 1023)],
    ids=str,
)
def test_another_number_of_shards_is_refused(server, open_stores, process, events, before, now, shard):
    """A revoked subject of the old number could be looked for in a shard that has never heard of it."""
    Writer(open_stores(server.url, shards=before), before)

    with pytest.raises(UntrustedStore):
        process(now)(shard)

    [event] = [each for each in events if isinstance(each, StoreUnavailable)]
    assert f"spread over {before} shards" in event.reason
    assert f"set store.shards to {before}" in event.reason


@pytest.mark.parametrize("shard", [0, 3])
def test_the_same_number_is_served(server, open_stores, process, events, shard):
    """Another process of the same deployment finds what was written, in shards that have begun and in new ones."""
    writer = Writer(open_stores(server.url, shards=4), 2)
    writer.revoke("bob", shard=1)

    process(4)(shard)

    assert [] == losses(events)
    assert [["4"], ["4"]] == [noted(server, each) for each in (0, shard)]


def test_the_first_shard_is_new_after_its_number_was_noted(server, process, events):
    """Noting the number is no loss of data, although the shard's state exists then."""
    check = process(4)

    check(2)
    check(0)

    assert [] == losses(events)
    assert "new" in server.say("HGET", meta(0), "reason")


def test_nothing_is_written_where_the_number_differs(server, open_stores, process):
    """A revocation with the wrong number fails, and the store stays as it was."""
    Writer(open_stores(server.url), 1)
    before = contents(server)
    check = process(4)

    for shard in range(4):
        with pytest.raises(UntrustedStore):
            check.world.run(check.revocations.write(shard, Revocation("token", token("alice"), (shard,))))
        with pytest.raises(UntrustedStore):
            check(shard)

    assert before == contents(server)


def test_an_outage_that_serves_does_not_serve_another_number(server, open_stores, process):
    """``on_outage = "serve"`` is for a store that cannot be reached, and this one answers."""
    Writer(open_stores(server.url), 1)
    check = process(4, keeps_view=True)

    for shard in (0, 2):
        with pytest.raises(UntrustedStore):
            check(shard, on_outage="serve")


def test_data_of_an_earlier_version_take_the_number_of_the_first_process(server, open_stores, process):
    """Earlier versions did not note it."""
    Writer(open_stores(server.url, shards=2), 2)
    server.say("HDEL", meta(0), "shards")
    server.say("HDEL", meta(1), "shards")

    process(2)(1)

    assert ["2"] == noted(server, 1)
    with pytest.raises(UntrustedStore):
        process(3)(1)


def test_a_follower_loads_nothing_of_another_number(server, open_stores, following):
    """A view that was loaded would answer from a wrong shard without asking the store."""
    Writer(open_stores(server.url, shards=2), 2)
    follower = following(shards=4)

    with pytest.raises(UntrustedStore):
        follower.connect()

    assert {} == dict(follower.view.shards)


def test_of_two_first_processes_with_different_numbers_one_is_refused(process):
    """The first shard decides, whichever shards the two begin with."""
    first, second = process(4), process(8)
    first(3)

    with pytest.raises(UntrustedStore):
        second(7)

    first(1)


def test_after_a_loss_the_number_is_noted_again(server, process):
    """An emptied store may be begun with another number; a process that still has the old one does not join it."""
    old = process(4)
    old(2)
    server.say("FLUSHALL")
    new = process(2)
    new(1)

    with pytest.raises(UntrustedStore):
        old(3)
    with pytest.raises(UntrustedStore):
        old(2)

    assert ["2"] == noted(server, 0)


def test_an_emptied_store_may_be_begun_with_another_number(server, open_stores, process):
    Writer(open_stores(server.url), 1)
    server.say("FLUSHALL")

    check = process(4)
    for shard in range(4):
        check(shard)

    assert [["4"]] * 4 == [noted(server, shard) for shard in range(4)]
