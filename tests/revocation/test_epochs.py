"""Handle a store that is new, that lost its data, or that is a different one."""

import pytest

from safeconduct._core.epochs import Epochs
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import epoch_tag, revocation_query
from safeconduct._core.revoker import Revoker
from safeconduct._core.tagged_token import new_session_id, text_of
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.events import ClockSkewed, StoreLost
from safeconduct.stores.redis.plain_ask import SCRIPT_EVERY_SECONDS
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS
from store_servers import Server
from worlds import WORLDS, Clock

META = "safeconduct:{sc:00}:meta"


@pytest.fixture(scope="module", params=["valkey", "redis"])
def living_server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def server(living_server):
    living_server.say("FLUSHALL")
    return living_server


class Process:
    """One process with its own knowledge of the shared store."""

    def __init__(self, world, on_new_store="accept"):
        self._world = world
        self.events = []
        self.epochs = Epochs()
        self.store = world.store
        self.revocations = Revocations(
            world.store,
            shards=1,
            horizon_ms=HORIZON_MS,
            leeway_ms=LEEWAY_MS,
            on_new_store=on_new_store,
            announce=self.events.append,
            epochs=self.epochs,
        )
        self.revoker = Revoker(self.revocations, absolute_lifetime_ms=HORIZON_MS)

    def run(self, coroutine):
        return self._world.run(coroutine)

    def check(self, issued_ms, *, skew_ms=0, session_id=None):
        query = asking(issued_ms, session_id)
        # A query that proves nothing, whose reply gives only the time.
        now_ms = self.run(self.store.ask(asking(0))).now_ms + skew_ms
        self.run(self.revocations.check(query, now_ms=now_ms))

    def stamp(self):
        return self.run(self.revocations.issue_time(asking(0)))

    def losses(self):
        return [event for event in self.events if isinstance(event, StoreLost)]


def asking(issued_ms, session_id=None):
    return revocation_query(
        issuer="i", subject="alice", token_id="j", client_id=None, kid="k", session_id=session_id,
        issued_ms=issued_ms, ends_ms=1 << 52, is_own=True, shards=1,
    )  # fmt: skip


@pytest.fixture
def shift():
    return Clock(0)


@pytest.fixture
def ticks():
    return Clock(0)


@pytest.fixture(params=WORLDS)
def start(request, server, shift, ticks):
    worlds = []

    def process(**settings):
        stores = RedisServer(
            StoreConfig(url=f"redis://127.0.0.1:{server.port}", deadline_ms=5000),
            RevocationConfig(),
            horizon_ms=HORIZON_MS,
            leeway_ms=LEEWAY_MS,
            announce=print,
            shift_ms=lambda: int(shift() * 1000),
            monotonic=ticks,
        )
        worlds.append(WORLDS[request.param](stores))
        return Process(worlds[-1], **settings)

    yield process
    for world in worlds:
        world.close()


def test_the_first_question_to_a_new_store_is_answered(start, server):
    process = start()

    process.check(0)

    assert "new" in server.say("HGET", META, "reason")
    assert [] == process.events


def test_the_first_stamp_of_a_new_store_is_given(start):
    assert start().stamp() > 0


def test_the_first_revocation_of_a_new_store_is_written(start):
    process = start()

    process.run(process.revoker.revoke_subject("i", "alice"))

    with pytest.raises(RevokedToken):
        process.check(0)


def test_a_new_store_can_be_mistrusted(start):
    """on_new_store = "refuse": an older token may have been revoked in another store."""
    process = start(on_new_store="refuse")

    with pytest.raises(RevokedToken):
        process.check(0)
    process.check(process.stamp())


def test_a_flushed_store_is_reported_once_and_then_refuses_what_is_older(start, server, shift):
    """The first request is 503, older tokens are 401, and a new sign-in works at once."""
    first, second = start(), start()
    issued_ms = first.stamp()
    first.check(issued_ms)
    second.check(issued_ms)
    server.say("FLUSHALL")

    with pytest.raises(Unavailable):
        first.check(issued_ms)
    for process in (first, second):
        with pytest.raises(RevokedToken):
            process.check(issued_ms)
        process.check(process.stamp())

    assert 1 == len(first.losses()) == len(second.losses())
    assert "lost" in server.say("HGET", META, "reason")
    shift.advance(seconds=HORIZON_MS / 1000 + 1)
    first.check(issued_ms)


def test_a_flushed_store_that_another_began_anew_becomes_lost(start, server):
    """A process that saw the old epoch knows more than one that started after the flush."""
    old = start()
    issued_ms = old.stamp()
    server.say("FLUSHALL")
    young = start()
    young.check(issued_ms)

    with pytest.raises(Unavailable):
        old.check(issued_ms)

    with pytest.raises(RevokedToken):
        young.check(issued_ms)
    assert 1 == len(old.losses())
    assert [] == young.losses()


def test_an_old_copy_of_the_data_is_lost_up_to_now(start, server):
    """An older epoch came back, which lacks the revocations of the one between."""
    process = start()
    process.check(0)
    backup = {
        name: server.say("HGET", META, name).split("\r\n")[1] for name in ("epoch", "epoch_ms", "reason", "horizon")
    }
    server.say("FLUSHALL")
    with pytest.raises(Unavailable):
        process.stamp()
    # The first issue time after an epoch is 1 ms after it, and may be 1 ms ahead of the clock.
    issued_ms = process.stamp() - 1
    server.say("HSET", META, *(word for pair in backup.items() for word in pair))

    with pytest.raises(Unavailable):
        process.check(issued_ms)

    with pytest.raises(RevokedToken):
        process.check(issued_ms)
    process.check(process.stamp())


def test_e1_an_adopted_store_is_believed_on_what_it_lost(start, server):
    """An operator adopts it by hand: older tokens count again, also of sessions of another epoch."""
    process = start()
    issued_ms = process.stamp()
    server.say("FLUSHALL")
    with pytest.raises(Unavailable):
        process.check(issued_ms)
    with pytest.raises(RevokedToken):
        process.check(issued_ms)

    server.say("HSET", META, "reason", "adopted")
    process.check(issued_ms)
    session_id = text_of(new_session_id(0, epoch_tag("another"), lambda size: b"r" * size))
    process.check(issued_ms, session_id=session_id)
    start().check(issued_ms, session_id=session_id)

    server.say("HSET", META, "reason", "new")
    with pytest.raises(RevokedToken):
        process.check(issued_ms, session_id=session_id)
    assert ["empty", "token"] == [event.witness for event in process.losses()]


def test_e1_a_late_reply_repeats_the_query(start, server):
    """It was issued before a loss that this process knows of, and proves no other."""
    process = start()
    process.stamp()
    late = process.run(process.store.ask(asking(0)))
    server.say("FLUSHALL")
    with pytest.raises(Unavailable):
        process.stamp()
    issued_ms = process.stamp()

    process.run(process.revocations.check(asking(issued_ms), now_ms=late.now_ms, status=late))

    assert 1 == len(process.losses())


def test_a_store_with_data_and_no_epoch_is_lost(start, server):
    server.say("ZADD", "safeconduct:{sc:00}:rev", 1, "x")
    process = start()

    with pytest.raises(Unavailable):
        process.check(0)

    assert 1 == len(process.losses())


def test_a_revocation_is_written_although_the_store_lost_its_data(start, server):
    process = start()
    process.stamp()
    server.say("FLUSHALL")

    receipt = process.run(process.revoker.revoke_token("i", "j", subject="alice", expires_ms=1 << 50))

    assert (0,) == receipt.shards
    assert 1 == len(process.losses())
    with pytest.raises(RevokedToken):
        process.check(1 << 50)


def test_a_clock_that_is_off_is_reported_once_a_minute(start, ticks):
    process = start()
    issued_ms = process.stamp()

    for skew_ms in (0, LEEWAY_MS // 2 - 1000, LEEWAY_MS, LEEWAY_MS + 1000, LEEWAY_MS + 70_000):
        now_ms = process.run(process.store.ask(asking(0))).now_ms
        # The store's clock comes with a script, which is sent now and then.
        ticks.advance(seconds=SCRIPT_EVERY_SECONDS)
        process.run(process.revocations.check(asking(issued_ms), now_ms=now_ms + skew_ms))

    assert 2 == len([event for event in process.events if isinstance(event, ClockSkewed)])


def test_the_horizon_is_the_largest_of_all_and_shrinks_late(start, server):
    """A cut-off outlives the longest token that any process accepts."""
    process = start()
    process.check(0)
    server.say("HSET", META, "horizon", 3 * HORIZON_MS, "horizon_until", 1 << 42)

    wide = process.run(process.store.ask(asking(0))).epoch.horizon_ms
    server.say("HSET", META, "horizon_until", 1)
    narrow = process.run(process.store.ask(asking(0))).epoch.horizon_ms

    assert 3 * HORIZON_MS == wide
    assert HORIZON_MS == narrow
