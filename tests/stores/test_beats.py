"""Where another primary may have been promoted, a view is only as fresh as the last write that its server has taken."""

import pytest

from followed_store import LATER_MS, query, revocations_of
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.events import RevocationUnchecked, StoreUnavailable
from safeconduct.stores.redis import follower as follower_module

META = "safeconduct:{sc:00}:meta"


class Shift:
    """How far the store's clock is ahead of its server's."""

    milliseconds = 0

    def __call__(self):
        return self.milliseconds


@pytest.fixture
def shift():
    return Shift()


@pytest.fixture
def open_beating(server, writer, open_stores, shift, monkeypatch):  # noqa: ARG001 - the store has begun
    """Open a process whose follower writes beats, and which believes its view for half a minute."""
    monkeypatch.setattr(follower_module, "LONGEST_BLOCK_SECONDS", 0.001)
    opened = []

    def make():
        stores = open_stores(server.url, keeps_view=True, staleness_seconds=30, shift_ms=shift)
        monkeypatch.setattr(stores._follower, "start", lambda: None)
        follower = stores._new_follower(stores._follower.view, shards=(0,), writes_beat=True)
        opened.append((stores, follower))
        follower.connect()
        return stores, follower

    yield make
    server.say("CONFIG", "SET", "min-replicas-to-write", "0")
    server.say("CONFIG", "SET", "maxmemory", "0")
    for stores, follower in opened:
        follower.disconnect()
        stores.end()


@pytest.fixture
def asked(writer):
    """Return a question that plain commands can answer too."""
    started_ms = run_sync(writer.store.ask(query("alice"))).epoch.started_ms
    return query("alice", issued_ms=started_ms + 1)


def beat(server):
    return int(server.say("HGET", META, "beat").split("\r\n")[1])


def test_a_connection_alone_confirms_nothing(open_beating, asked):
    """The first round does, and waits for no change."""
    stores, follower = open_beating()
    view = stores.blocking().bounded_view
    assert not view.holds(asked)

    follower.follow()

    assert view.holds(asked)


def test_an_old_beat_is_renewed(server, open_beating, asked, shift):
    """The first follower that finds it old writes it, and the others believe it."""
    stores, follower = open_beating()
    _, another = open_beating()
    before = beat(server)
    shift.milliseconds += 9_000
    follower.follow()
    assert before == beat(server)
    shift.milliseconds += 11_000

    follower.follow()
    renewed = beat(server)
    server.say("SCRIPT", "FLUSH")
    another.follow()

    assert renewed - before >= 20_000
    assert renewed == beat(server)
    assert stores.blocking().bounded_view.age_seconds < 9
    assert stores.blocking().bounded_view.holds(asked)


def test_a_primary_without_replicas_is_not_believed_for_longer_than_the_greatest_age(
    server, open_beating, asked, shift, events
):
    """It answers, and another one may have been promoted; once it takes writes again it is believed."""
    stores, follower = open_beating()
    view, revocations = stores.blocking().bounded_view, revocations_of(stores, events)
    for _ in range(2):
        # From now on it could be asked by plain commands.
        run_sync(stores.blocking().ask(asked))
    server.say("CONFIG", "SET", "min-replicas-to-write", "1")
    shift.milliseconds += 20_000
    follower.follow()
    assert view.holds(asked)
    assert 20 <= view.age_seconds < 30
    shift.milliseconds += 10_000

    follower.follow()

    assert not view.holds(asked)
    for check in (
        revocations.check(asked, now_ms=LATER_MS),
        revocations.check_bounded(asked, now_ms=LATER_MS, on_outage="refuse"),
    ):
        with pytest.raises(Unavailable, match="too few replicas"):
            run_sync(check)
    run_sync(revocations.check_bounded(asked, now_ms=LATER_MS, on_outage="serve"))
    assert any("NOREPLICAS" in event.reason for event in events if isinstance(event, StoreUnavailable))
    assert any(isinstance(event, RevocationUnchecked) for event in events)
    server.say("CONFIG", "SET", "min-replicas-to-write", "0")
    follower.follow()
    assert view.holds(asked)
    assert not view.is_cut_off(0)


def test_a_server_whose_memory_is_full_is_asked(server, open_beating, asked, shift):
    """That says nothing about its replicas; the view grows old."""
    stores, follower = open_beating()
    view = stores.blocking().bounded_view
    server.say("CONFIG", "SET", "maxmemory", "1")
    shift.milliseconds += 31_000

    follower.follow()

    assert not view.holds(asked)
    assert not view.is_cut_off(0)


def test_a_clock_that_was_set_back_is_noticed(server, open_beating, shift):
    """A beat in the future is as old as the clock was set back."""
    shift.milliseconds += 20_000
    stores, follower = open_beating()
    server.say("HSET", META, "beat", str(beat(server) + 20_000))
    shift.milliseconds -= 20_000

    follower.follow()

    assert stores.blocking().bounded_view.age_seconds < 5
