"""Refuse every use of a session that began before the store's epoch."""

import pytest

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct.testing.store_contract.session_commands import (
    ABSOLUTE_MS,
    opening,
    presented,
    ref_of,
    renewing,
    rotation,
    session_revocation_key,
    step_up,
)
from store_servers import KINDS
from worlds import WORLDS

META = "safeconduct:{sc:00}:meta"


@pytest.fixture(params=KINDS)
def server(request, servers):
    return servers(request.param)


@pytest.fixture(params=WORLDS)
def world(request, server, enter, open_stores):
    world = enter(request.param, open_stores(server.kind))
    world.run(world.store.begin_epoch(0, reason="new", seen=None))
    return world


VERBS = {
    "read": lambda port, ref, _opened: port.read(ref),
    "rotate": lambda port, ref, _opened: port.rotate(ref, rotation(0)),
    "renew": lambda port, ref, opened: port.renew(ref, renewing(presented(opened))),
    "step_up": lambda port, ref, opened: port.step_up(ref, step_up(presented(opened))),
    "fail": lambda port, ref, _opened: port.fail(ref, request_id="r", limit=5),
    "touch": lambda port, ref, _opened: port.touch(ref, every_ms=0),
    "end": lambda port, ref, _opened: port.end(ref, lives_ms=ABSOLUTE_MS),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("reason", "counts"), [("lost", False), ("new", False), ("adopted", True)])
def test_h_a_session_older_than_the_epoch_counts_only_where_that_was_adopted(world, server, verb, reason, counts):
    port = world.store.sessions
    ref = ref_of(port)
    opened = world.run(port.open(ref, opening()))
    server.say("HSET", META, "reason", reason, "epoch_ms", opened.iat_ms)

    outcome = world.run(VERBS[verb](port, ref, opened)).outcome

    assert counts == (outcome != "gone")


@pytest.mark.parametrize(("reason", "count"), [("lost", 0), ("new", 0), ("adopted", 1)])
def test_h_none_of_them_is_listed(world, server, reason, count):
    port = world.store.sessions
    ref = ref_of(port)
    opened = world.run(port.open(ref, opening()))
    server.say("HSET", META, "reason", reason, "epoch_ms", opened.iat_ms)

    assert count == len(world.run(port.sessions_of(ref, session_revocation_key)).sessions)


def test_h_a_lost_epoch_begins_after_the_one_that_is_missed(world, server):
    """Its first token may be issued a millisecond ahead of the clock, and be lost within that millisecond."""
    now_ms = world.run(world.store.sessions.read(ref_of(world.store.sessions))).now_ms
    server.say("FLUSHALL")
    seen = Epoch("missed", now_ms + 10_000, "new", 0)

    lost = world.run(world.store.begin_epoch(0, reason="lost", seen=seen))

    assert "lost" == lost.reason
    assert lost.started_ms > seen.started_ms


@pytest.mark.parametrize(("reason", "crowded_out"), [("lost", 0), ("new", 0), ("adopted", 1)])
def test_b5_one_more_ends_an_adopted_session_with_its_tokens(world, server, reason, crowded_out):
    """It counts, so it is evicted like any other; one that does not count evicts no other."""
    port = world.store.sessions
    ref = ref_of(port)
    opened = world.run(port.open(ref, opening(max_per_subject=1)))
    server.say("HSET", META, "reason", reason, "epoch_ms", opened.iat_ms)

    reply = world.run(port.open(ref_of(port, 1), opening(max_per_subject=1)))

    assert (ref.session_id,) * crowded_out == reply.crowded_out
    query = RevocationQuery(0, (), ref.cuts, opened.iat_ms, 1 << 52)
    assert world.run(world.store.ask(query)).is_revoked == bool(crowded_out)
    assert "gone" == world.run(port.read(ref)).outcome
    assert 1 == len(world.run(port.sessions_of(ref, session_revocation_key)).sessions)
