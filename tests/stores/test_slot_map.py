"""Read which node of a cluster has which slot."""

import pytest

from safeconduct.stores.redis.addresses import parse_location
from safeconduct.stores.redis.connection import ConnectionBroken, ServerError
from safeconduct.stores.redis.slot_map import REFRESH_SECONDS, SlotMap, read_slots

[SEED, OTHER] = parse_location("redis+cluster://:secret@10.0.0.1:7000,10.0.0.2:7001").nodes


@pytest.fixture
def slots(monotonic):
    return SlotMap([SEED], monotonic=monotonic)


def test_slots_are_read_with_the_credentials_of_the_store():
    """A node without a host has the host of the one that was asked."""
    reply = [[0, 99, [b"10.0.0.2", 7001, b"id"], [b"", 7002, b"id", []]], [100, 16383, [None, 7000]]]

    ranges, nodes = read_slots(reply, SEED)

    assert [(0, 99, OTHER), (100, 16383, SEED)] == ranges
    assert [OTHER, SEED.at("10.0.0.1", 7002), SEED] == nodes


@pytest.mark.parametrize(
    "reply", [None, 7, [], [7], [[0, 1]], [[0, 1, []]], [["a", 1, [b"h", 1]]], ServerError("ERR")], ids=repr
)
def test_another_reply_is_none_of_a_cluster(reply):
    with pytest.raises(ConnectionBroken):
        read_slots(reply, SEED)


def test_what_one_reply_said_holds_until_all_slots_are_read(slots):
    assert slots.node_of(5) is None
    slots.replace([(0, 16383, SEED)], [SEED])
    assert SEED == slots.node_of(5)

    slots.learn(5, OTHER)

    assert (OTHER, SEED) == (slots.node_of(5), slots.node_of(6))
    assert {SEED, OTHER} == slots.serving
    slots.replace([(0, 16383, SEED)], [OTHER, SEED])
    assert SEED == slots.node_of(5)
    assert [OTHER, SEED] == slots.candidates()


def test_all_slots_are_asked_for_while_in_doubt_and_only_so_often(slots, monotonic):
    """Of many requests that fail at once, one asks."""
    assert [True, False] == [slots.admits_refresh(), slots.admits_refresh()]
    monotonic.seconds += REFRESH_SECONDS
    assert slots.admits_refresh()
    slots.replace([(0, 16383, SEED)], [SEED])
    monotonic.seconds += REFRESH_SECONDS
    assert not slots.admits_refresh()

    slots.doubt()

    assert slots.admits_refresh()
