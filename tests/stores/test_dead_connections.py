"""Lose one request at most to a dead or abandoned connection."""

import asyncio
import time

import pytest

from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.connection import ConnectionBroken, ServerRun
from safeconduct.stores.redis.health import FAILURES
from safeconduct.stores.redis.pool import ConnectionPool, Taken
from safeconduct.testing.store_contract.revocations import question

MANY = 20
QUICK_SECONDS = 0.08


def begin(world):
    return world.run(world.store.begin_epoch(0, reason="new", seen=None))


def ask(world):
    return world.run(world.store.ask(question()))


async def wire_of(store):
    return store._clients.client()


async def fill_pool(wire):
    """Open connections until ``MANY`` of them are idle."""
    taken = [wire._pool.take() for _ in range(MANY)]
    for each in taken:
        if each.is_new:
            await wire._introduce(each.connection, time.monotonic() + 20)
    for each in taken:
        wire._pool.give_back(each)


def test_e3_one_time_out_drops_every_dead_connection(enter, open_stores, proxy, events):
    """Twenty half-open connections cost one request its deadline; the next one uses a new connection."""
    world = enter(open_stores(proxy.url, pool_size=MANY))
    begin(world)
    wire = world.run(wire_of(world.store))
    world.run(fill_pool(wire))
    proxy.strand()

    usual, wire._deadline_seconds = wire._deadline_seconds, QUICK_SECONDS
    with pytest.raises(Unavailable, match="TimeoutError"):
        ask(world)
    wire._deadline_seconds = usual
    answer = ask(world)

    assert not answer.is_revoked
    assert MANY + 1 == proxy.connections
    assert [] == events


def test_e3_dead_connections_that_are_found_at_once_are_one_failure(open_stores, proxy, events):
    """Twenty requests find twenty of them at the same time, and the circuit breaker stays closed."""
    stores = open_stores(proxy.url, pool_size=MANY)
    store = stores.native()

    async def scenario():
        await store.begin_epoch(0, reason="new", seen=None)
        wire = await wire_of(store)
        await fill_pool(wire)
        proxy.strand()
        usual, wire._deadline_seconds = wire._deadline_seconds, QUICK_SECONDS
        lost = await asyncio.gather(*(store.ask(question()) for _ in range(MANY)), return_exceptions=True)
        wire._deadline_seconds = usual
        return lost, await store.ask(question())

    lost, answer = asyncio.run(scenario())

    assert [Unavailable] * MANY == [type(error) for error in lost]
    assert not answer.is_revoked
    assert [] == events


class Bare:
    """A connection that is not connected."""

    def __init__(self):
        self.is_dropped = False

    def drop(self):
        self.is_dropped = True


def test_e3_what_was_heard_of_since_stays():
    """A connection that answered after the dead one was used is not dead."""
    pool = ConnectionPool(Bare)
    before, dead, after = (pool.take() for _ in range(3))
    pool.give_back(dead)
    pool.give_back(before)
    retaken = [pool.take(), pool.take()]
    pool.give_back(retaken[0])
    pool.give_back(after)

    is_known = pool.drop_broken(retaken[1])

    assert not is_known
    assert [False, True, False] == [each.connection.is_dropped for each in (before, dead, after)]


def test_e3_only_what_lay_idle_is_known_to_be_dead():
    """A new connection that fails is the server's fault, whatever failed before."""
    pool = ConnectionPool(Bare)
    pool.give_back(pool.take())
    first, new = pool.take(), pool.take()
    later = pool.take()

    assert [False, False, False] == [pool.drop_broken(each) for each in (first, new, later)]


class Interrupting:
    """A connection whose command is interrupted by a ``BaseException``, as in a killed greenlet."""

    run = ServerRun()

    def __init__(self, link):
        self._link = link
        self.is_dropped = False

    async def open(self, seconds):
        await self._link.open(seconds)

    async def exchange(self, commands, seconds):
        await self._link.exchange(commands[:1], seconds)
        raise KeyboardInterrupt

    def drop(self):
        self.is_dropped = True
        self._link.drop()


def test_h_an_interrupted_command_takes_its_connection_along(open_stores, server):
    """A reply is pending on the connection, and no other caller may read it."""
    stores = open_stores(server.url, pool_size=1)
    store = stores.blocking()
    run_sync(store.begin_epoch(0, reason="new", seen=None))
    pool = stores._threads.client()._pool
    taken = pool.take()
    interrupting = Interrupting(taken.connection)
    pool._connections.add(interrupting)
    pool.give_back(type(taken)(interrupting, is_new=False, taken_at=0))

    with pytest.raises(KeyboardInterrupt):
        run_sync(store.ask(question()))
    answer = run_sync(store.ask(question()))

    assert interrupting.is_dropped
    assert not answer.is_revoked


def test_h_a_cancelled_question_takes_its_connection_along(open_stores, proxy):
    """Abandoned connections are closed."""
    store = open_stores(proxy.url, pool_size=1).native()

    async def scenario():
        await store.begin_epoch(0, reason="new", seen=None)
        for _ in range(3):
            proxy.gate.clear()
            task = asyncio.create_task(store.ask(question()))
            for _ in range(5):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            proxy.gate.set()
        wire = await wire_of(store)
        return len(wire._pool._connections)

    assert 0 == asyncio.run(scenario())
    assert [] == proxy.open_clients()


class Stalled:
    """A connection that is never answered while others are."""

    def __init__(self, meanwhile):
        self._meanwhile = meanwhile

    async def open(self, _seconds):
        pass

    async def exchange(self, _commands, _seconds):
        await self._meanwhile()
        raise ConnectionBroken("TimeoutError", is_final=True)

    def drop(self):
        pass


def stall(pool, meanwhile):
    """Make the next command use a new connection that is stalled."""
    take = pool.take

    def take_stalled():
        pool.take = take
        return Taken(Stalled(meanwhile), is_new=True, taken_at=next(pool._steps))

    pool.take = take_stalled


def test_e13_time_outs_while_others_are_answered_open_no_breaker(enter, open_stores, server, events):
    """A server that answers is slow or busy; it is not down, however many requests time out after that."""
    world = enter(open_stores(server.url, pool_size=3 * FAILURES))
    begin(world)
    wire = world.run(wire_of(world.store))

    async def ask_beside(stalled):
        """Time out while other requests time out too, and the last one is answered."""
        if stalled == 0:
            await world.store.ask(question())
            return
        stall(wire._pool, lambda: ask_beside(stalled - 1))
        with pytest.raises(Unavailable, match="TimeoutError"):
            await world.store.ask(question())

    world.run(ask_beside(2 * FAILURES))

    assert not ask(world).is_revoked
    assert [] == events


class BusySlots:
    """The slots of a busy store: none becomes free, and each caller records how long it would have waited."""

    def __init__(self):
        self.waits = []

    async def acquire(self, seconds):
        self.waits.append(round(seconds, 1))
        return False

    def release(self):
        raise AssertionError


def test_e13_half_of_the_deadline_is_kept_for_asking(enter, open_stores, server, events):
    """Waiting for a connection takes at most half of the deadline; a full pool is not the server's fault."""
    world = enter(open_stores(server.url, deadline_ms=20_000))
    begin(world)
    wire = world.run(wire_of(world.store))
    wire._slots = slots = BusySlots()

    for _ in range(2 * FAILURES):
        with pytest.raises(Unavailable, match="every connection to the store is in use"):
            ask(world)

    assert [10.0] * (2 * FAILURES) == slots.waits
    assert [] == events
