"""A session that began before what the store knows never counts again, whatever is asked of it."""

import pytest

from safeconduct._core.epochs import Epoch
from safeconduct._core.ports import Question
from servers import KINDS
from session_craft import ABSOLUTE_MS, opening, presented, reach_of, renewing, rotation, session_member, step_up
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
    "read": lambda port, reach, _opened: port.read(reach),
    "rotate": lambda port, reach, _opened: port.rotate(reach, rotation(0)),
    "renew": lambda port, reach, opened: port.renew(reach, renewing(presented(opened))),
    "step_up": lambda port, reach, opened: port.step_up(reach, step_up(presented(opened))),
    "fail": lambda port, reach, _opened: port.fail(reach, request_id="r", limit=5),
    "touch": lambda port, reach, _opened: port.touch(reach, every_ms=0),
    "end": lambda port, reach, _opened: port.end(reach, lives_ms=ABSOLUTE_MS),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("reason", "counts"), [("lost", False), ("new", False), ("adopted", True)])
def test_h_a_session_older_than_the_epoch_counts_only_where_that_was_adopted(world, server, verb, reason, counts):
    port = world.store.sessions
    reach = reach_of(port)
    opened = world.run(port.open(reach, opening()))
    server.say("HSET", META, "reason", reason, "epoch_ms", opened.iat_ms)

    outcome = world.run(VERBS[verb](port, reach, opened)).outcome

    assert counts == (outcome != "gone")


@pytest.mark.parametrize(("reason", "count"), [("lost", 0), ("new", 0), ("adopted", 1)])
def test_h_none_of_them_is_listed(world, server, reason, count):
    port = world.store.sessions
    reach = reach_of(port)
    opened = world.run(port.open(reach, opening()))
    server.say("HSET", META, "reason", reason, "epoch_ms", opened.iat_ms)

    assert count == len(world.run(port.sessions_of(reach, session_member)).sessions)


def test_h_a_lost_epoch_begins_after_the_one_that_is_missed(world, server):
    """Its first token may be stamped a millisecond ahead of the clock, and be lost within that millisecond."""
    now_ms = world.run(world.store.sessions.read(reach_of(world.store.sessions))).now_ms
    server.say("FLUSHALL")
    seen = Epoch("missed", now_ms + 10_000, "new", 0)

    lost = world.run(world.store.begin_epoch(0, reason="lost", seen=seen))

    assert "lost" == lost.reason
    assert lost.started_ms > seen.started_ms


@pytest.mark.parametrize(("reason", "crowded_out"), [("lost", 0), ("new", 0), ("adopted", 1)])
def test_b5_one_more_ends_an_adopted_session_with_its_tokens(world, server, reason, crowded_out):
    """It counts, so it is ended as any other is; one that does not count takes nobody's place."""
    port = world.store.sessions
    reach = reach_of(port)
    opened = world.run(port.open(reach, opening(max_per_subject=1)))
    server.say("HSET", META, "reason", reason, "epoch_ms", opened.iat_ms)

    reply = world.run(port.open(reach_of(port, 1), opening(max_per_subject=1)))

    assert (reach.session_id,) * crowded_out == reply.crowded_out
    asked = Question(0, (), reach.cuts, opened.iat_ms, 1 << 52)
    assert world.run(world.store.ask(asked)).is_revoked == bool(crowded_out)
    assert "gone" == world.run(port.read(reach)).outcome
    assert 1 == len(world.run(port.sessions_of(reach, session_member)).sessions)
