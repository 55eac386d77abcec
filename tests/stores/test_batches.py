"""Send what several tasks ask in one go, and give each the replies to its own question."""

import asyncio
import functools
import gc
import random

import pytest

from safeconduct._core.budget import current_budget, within_one_budget
from safeconduct._core.revocation_query import RevocationQuery, UntrustedStore
from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.batches import MOST_TOGETHER, UNDER_WAY, Batches
from safeconduct.stores.redis.connection import (
    PackedCommands,
    PlainReplies,
    ShardCommands,
)
from safeconduct.testing.store_contract.revocations import question
from store_traffic import RoundTrips

SHARD = ShardCommands(b"key", ("OPEN",), ("CLOSE",))
MANY = 200


def token(number):
    return b"t%016d" % number


def queries(store, count, *, shards=1):
    """Return questions about different tokens, every second of which was revoked, in shards that have begun."""
    for shard in range(shards):
        run_sync(store.begin_epoch(shard, reason="new", seen=None))
    issued = [run_sync(store.issue_time(question(shard=shard))).iat_ms for shard in range(shards)]
    for number in range(0, count, 2):
        shard = number // 2 % shards
        run_sync(store.revoke(shard, Revocation("token", token(number), (shard,), 1 << 50)))
    return [
        RevocationQuery(number // 2 % shards, (token(number),), (), issued[number // 2 % shards], 1 << 52)
        for number in range(count)
    ]


async def warm(store, asked):
    """Ask each shard once, so that plain commands decide from then on."""
    for query in {query.shard: query for query in asked}.values():
        await store.ask(query)


def test_what_is_asked_at_once_goes_together(open_stores, server, monkeypatch):
    stores = open_stores(server.url, shards=3)
    asked, trips = queries(stores.blocking(), 60, shards=3), RoundTrips(monkeypatch, server)

    async def scenario():
        store = stores.native()
        await warm(store, asked)
        trips.reset()
        replies = await asyncio.gather(*(store.ask(query) for query in asked))
        await store.close()
        return [reply.is_revoked for reply in replies]

    assert [True, False] * 30 == asyncio.run(scenario())
    assert (1, 0) == (trips.count, trips.scripts)
    # Role and state are asked once for each shard.
    assert (60, 3) == (trips.commands("zmscore"), trips.commands("hmget"))


def test_the_same_question_is_sent_once(open_stores, server, monkeypatch):
    stores = open_stores(server.url)
    [query], trips = queries(stores.blocking(), 1), RoundTrips(monkeypatch, server)

    async def scenario():
        store = stores.native()
        await warm(store, [query])
        trips.reset()
        replies = await asyncio.gather(*(store.ask(query) for _ in range(20)))
        await store.close()
        return {reply.is_revoked for reply in replies}

    assert {True} == asyncio.run(scenario())
    assert 1 == trips.commands("zmscore")


def test_a10_a_cancelled_request_takes_no_reply_of_another(open_stores, proxy):
    """Replies that come after a cancellation reach those who asked, and nobody else."""
    stores = open_stores(proxy.url)
    asked, draw = queries(stores.blocking(), MANY), random.Random(10)  # noqa: S311 - a test's choice

    async def scenario():
        store = stores.native()
        await warm(store, asked)
        wrong, cancelled = [], 0
        for _ in range(20):
            proxy.gate.clear()
            tasks = [asyncio.create_task(store.ask(query)) for query in asked]
            # Some before anything was sent, some while the replies are under way.
            for rounds in (1, 5):
                for _ in range(rounds):
                    await asyncio.sleep(0)
                for task in draw.sample(tasks, MANY // 5):
                    task.cancel()
            proxy.gate.set()
            replies = await asyncio.gather(*tasks, return_exceptions=True)
            for number, reply in enumerate(replies):
                if isinstance(reply, asyncio.CancelledError):
                    cancelled += 1
                elif reply.is_revoked != (number % 2 == 0):
                    wrong.append(number)
        await store.close()
        return wrong, cancelled

    wrong, cancelled = asyncio.run(scenario())
    assert [] == wrong
    assert cancelled > 20 * MANY // 5


def test_each_request_of_a_broken_batch_has_an_error_of_its_own(open_stores, proxy, monkeypatch):
    stores = open_stores(proxy.url)
    asked = queries(stores.blocking(), 10)

    async def scenario():
        store = stores.native()
        await warm(store, asked)
        monkeypatch.setattr(stores._loops.client(), "_deadline_seconds", 0.1)
        proxy.gate.clear()
        errors = await asyncio.gather(*(store.ask(query) for query in asked), return_exceptions=True)
        proxy.gate.set()
        await store.close()
        return errors

    errors = asyncio.run(scenario())
    assert {Unavailable} == {type(error) for error in errors}
    assert 10 == len({id(error) for error in errors})


def test_a_request_that_has_asked_before_has_what_is_left_of_its_deadline(open_stores, server, monkeypatch):
    """The deadline of a batch is that of requests that ask for the first time."""
    stores = open_stores(server.url)
    asked, trips = queries(stores.blocking(), 2), RoundTrips(monkeypatch, server)

    async def scenario():
        store = stores.native()
        await warm(store, asked)
        trips.reset()

        @within_one_budget
        async def ask_late(query):
            current_budget().spent_seconds = 1.0
            return await store.ask(query)

        @within_one_budget
        async def ask_too_late(query):
            current_budget().spent_seconds = 20.0
            return await store.ask(query)

        replies = await asyncio.gather(*(ask_late(query) for query in asked))
        with pytest.raises(Unavailable):
            await ask_too_late(asked[0])
        await store.close()
        return [reply.is_revoked for reply in replies]

    assert [True, False] == asyncio.run(scenario())
    assert (2, 2, 0) == (trips.commands("zmscore"), trips.commands("hmget"), trips.scripts)


class Server:
    """What batches are sent to: it holds them until it is told to answer."""

    def __init__(self, error=None):
        self.batches = []
        self.may_answer = asyncio.Event()
        self.has_begun = [asyncio.Event() for _ in range(UNDER_WAY + 2)]
        self._error = error

    async def send(self, commands, ends_at):
        self.has_begun[len(self.batches)].set()
        self.batches.append(ends_at)
        await self.may_answer.wait()
        if self._error is not None:
            raise self._error
        return [number for number, _ in enumerate(commands)], b"run"


def in_a_loop(test):
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(**fixtures):
        asyncio.run(test(**fixtures))

    return run


async def turns(count=10):
    for _ in range(count):
        await asyncio.sleep(0)


def commands():
    return PackedCommands(("ZMSCORE", "key", "member"))


async def asking(batches, count, *, ends_at=1.0):
    tasks = [asyncio.create_task(batches.ask(SHARD, commands(), ends_at)) for _ in range(count)]
    await turns()
    return tasks


@in_a_loop
async def test_while_two_are_under_way_the_next_one_waits():
    server = Server()
    batches = Batches(server.send)
    first = [await asking(batches, 2, ends_at=float(number)) for number in range(UNDER_WAY)]
    waiting = [*await asking(batches, 3, ends_at=8.0), *await asking(batches, 3, ends_at=9.0)]
    begun = list(server.batches)
    server.may_answer.set()
    await asyncio.gather(*waiting, *(task for tasks in first for task in tasks))

    assert [0.0, 1.0] == begun
    # The deadline is that of the one that came first.
    assert [0.0, 1.0, 8.0] == server.batches


@in_a_loop
async def test_a_full_batch_waits_for_none():
    server = Server()
    batches = Batches(server.send)
    tasks = [task for _ in range(UNDER_WAY) for task in await asking(batches, 1)]
    tasks += await asking(batches, MOST_TOGETHER + 1)
    begun = len(server.batches)
    server.may_answer.set()
    replies = await asyncio.gather(*tasks)

    assert (UNDER_WAY + 1, UNDER_WAY + 2) == (begun, len(server.batches))
    assert PlainReplies(0, [1], MOST_TOGETHER + 1, b"run") == replies[UNDER_WAY]


@in_a_loop
async def test_a_slow_server_gets_more_at_once(monkeypatch):
    """A batch waits for a few milliseconds at most."""
    monkeypatch.setattr("safeconduct.stores.redis.batches.PATIENCE_SECONDS", 0.0)
    server = Server()
    batches = Batches(server.send)
    tasks = [task for _ in range(UNDER_WAY + 1) for task in await asking(batches, 1)]
    await server.has_begun[UNDER_WAY].wait()
    server.may_answer.set()

    assert UNDER_WAY + 1 == len(await asyncio.gather(*tasks))


@in_a_loop
async def test_a_bug_is_an_error_of_every_request():
    server = Server(ValueError("a bug"))
    batches = Batches(server.send)
    tasks = await asking(batches, 3)
    server.may_answer.set()

    errors = await asyncio.gather(*tasks, return_exceptions=True)

    assert [ValueError] * 3 == [type(error) for error in errors]


@in_a_loop
async def test_a_server_that_must_not_be_trusted_is_never_a_mere_outage():
    """In an outage a request may be served without asking."""
    server = Server(UntrustedStore("unfit"))
    batches = Batches(server.send)
    tasks = await asking(batches, 2)
    server.may_answer.set()

    errors = await asyncio.gather(*tasks, return_exceptions=True)

    assert [UntrustedStore] * 2 == [type(error) for error in errors]


@in_a_loop
async def test_a_batch_without_a_living_request_is_not_sent():
    server = Server()
    batches = Batches(server.send)
    under_way = [task for _ in range(UNDER_WAY) for task in await asking(batches, 1)]
    for task in await asking(batches, 3):
        task.cancel()
    server.may_answer.set()
    await asyncio.gather(*under_way)
    await turns()

    assert UNDER_WAY == len(server.batches)


def test_e5_a_loop_that_is_closed_in_the_middle_of_a_batch_leaves_nothing(open_stores, proxy):
    stores = open_stores(proxy.url)
    [query] = queries(stores.blocking(), 1)
    store, loop = stores.native(), asyncio.new_event_loop()
    loop.run_until_complete(warm(store, [query]))
    proxy.gate.clear()
    task = loop.create_task(store.ask(query))
    for _ in range(10):
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    task._log_destroy_pending = False
    for each in stores._loops._by_loop[loop].client._together._tasks:
        each._log_destroy_pending = False
    del task, each
    proxy.gate.set()

    assert asyncio.run(store.ask(query)).is_revoked
    gc.collect()


@in_a_loop
async def test_the_end_of_the_loop_ends_the_requests():
    batches = Batches(Server().send)
    tasks = await asking(batches, 3)
    for task in list(batches._tasks):
        task.cancel()

    errors = await asyncio.gather(*tasks, return_exceptions=True)

    assert [asyncio.CancelledError] * 3 == [type(error) for error in errors]
