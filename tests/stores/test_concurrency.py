"""Share a store between threads, tasks, loops and processes without mixing up replies."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.stores.redis import client
from safeconduct.stores.redis.health import FAILURES
from safeconduct.testing.store_contract.revocations import TOKEN, question
from store_servers import free_port, in_child
from worlds import Blocking, Native

KINDS_OF_TOKEN = 20


def revocation_keys(revoked):
    return [b"t%s%02d" % (b"r" if revoked else b"h", number) for number in range(KINDS_OF_TOKEN)]


async def fill(store):
    await store.begin_epoch(0, reason="new", seen=None)
    for revocation_key in revocation_keys(revoked=True):
        await store.revoke(0, Revocation("token", revocation_key, (0,), 1 << 50))


def test_cancelled_tasks_cross_no_replies(server, proxy, open_stores):
    """The pending reply of a cancelled task is read by no other (CVE-2023-28858)."""
    store = open_stores(proxy.url, pool_size=3).native()

    async def storm():
        await fill(store)
        wrong = 0
        for _ in range(10):
            proxy.gate.clear()
            queries = [
                (is_revoked, asyncio.create_task(store.ask(question(marks=[revocation_key]))))
                for is_revoked in (True, False)
                for revocation_key in revocation_keys(is_revoked)
            ]
            for _ in range(5):
                await asyncio.sleep(0)
            for _, task in queries[::3]:
                task.cancel()
            proxy.gate.set()
            results = await asyncio.gather(*(task for _, task in queries), return_exceptions=True)
            for (is_revoked, _), answer in zip(queries, results, strict=True):
                wrong += not isinstance(answer, asyncio.CancelledError) and answer.is_revoked != is_revoked
        clients = int(server.statistic("clients", "connected_clients"))
        await store.close()
        return wrong, clients

    wrong, clients = asyncio.run(storm())

    assert 0 == wrong
    assert clients <= 3 + 1 + 10 * 3


def test_a_cancelled_question_gives_its_slot_back(proxy, open_stores):
    store = open_stores(proxy.url, pool_size=1).native()

    async def scenario():
        await fill(store)
        for _ in range(3):
            proxy.gate.clear()
            task = asyncio.create_task(store.ask(question()))
            for _ in range(5):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            proxy.gate.set()
        answer = await store.ask(question(marks=[b"tr00"]))
        await store.close()
        return answer

    assert asyncio.run(scenario()).is_revoked


def test_tasks_wait_for_a_connection_and_no_more_are_opened(proxy, open_stores):
    store = open_stores(proxy.url, pool_size=2).native()

    async def crowd():
        await fill(store)
        answers = await asyncio.gather(*(store.ask(question(marks=[b"tr00"])) for _ in range(200)))
        await store.close()
        return answers

    answers = asyncio.run(crowd())

    assert all(answer.is_revoked for answer in answers)
    assert proxy.connections <= 2


def test_waiting_too_long_for_a_connection_is_reported(proxy, open_stores, events):
    """Slow callers say nothing about the server, so the circuit breaker stays closed."""
    stores = open_stores(proxy.url, pool_size=1)
    store = stores.native()

    async def crowd():
        await fill(store)
        proxy.gate.clear()
        first = asyncio.create_task(store.ask(question()))
        # This one has the connection and its full time; the others have little.
        await asyncio.sleep(0)
        stores._loops.client()._deadline_seconds = 0.05
        results = await asyncio.gather(*(store.ask(question()) for _ in range(9)), return_exceptions=True)
        proxy.gate.set()
        await first
        await store.close()
        return results

    reasons = [error.reason for error in asyncio.run(crowd())]

    assert ["every connection to the store is in use"] * 9 == reasons
    assert [] == events


def test_a_connection_that_came_late_says_nothing_about_the_server(open_stores, events, monkeypatch):
    """Too little of the deadline was left to blame the server, so the circuit breaker stays closed."""
    stores = open_stores(f"redis://127.0.0.1:{free_port()}", deadline_ms=1000)
    seconds = [0.0]
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: seconds[0]))

    class Late:
        async def acquire(self, waited):
            seconds[0] += 2 * waited
            return True

        def release(self):
            pass

    stores._threads._client._slots = Late()
    reasons = []
    for _ in range(2 * FAILURES):
        with pytest.raises(Unavailable) as caught:
            run_sync(stores.blocking().ask(question()))
        reasons.append(caught.value.reason)

    assert ["the store does not answer: no time is left"] * (2 * FAILURES) == reasons
    assert [] == events


def test_threads_share_a_bounded_number_of_connections(proxy, open_stores):
    store = open_stores(proxy.url, pool_size=2).blocking()
    run_sync(fill(store))
    wrong = []

    def ask_all():
        for is_revoked in (True, False):
            results = {
                revocation_key: run_sync(store.ask(question(marks=[revocation_key])))
                for revocation_key in revocation_keys(is_revoked)
            }
            wrong.extend(
                revocation_key for revocation_key, answer in results.items() if answer.is_revoked != is_revoked
            )

    threads = [threading.Thread(target=ask_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_sync(store.close())

    assert [] == wrong
    assert proxy.connections <= 2


def test_a_thread_that_waits_too_long_is_reported(proxy, open_stores):
    stores = open_stores(proxy.url, pool_size=1)
    store = stores.blocking()
    run_sync(fill(store))
    proxy.gate.clear()
    stores._threads._client._deadline_seconds = 0.15
    reasons = []

    def ask():
        try:
            run_sync(store.ask(question()))
        except Unavailable as error:
            reasons.append(error.reason)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proxy.gate.set()
    run_sync(store.close())

    assert 4 == len(reasons)


def test_each_loop_has_its_own_connections(server, open_stores):
    """A second ``asyncio.run`` does not use the first one's closed loop."""
    store = open_stores(server.url).native()

    async def scenario():
        await store.begin_epoch(0, reason="new", seen=None)
        answer = await store.ask(question())
        await store.close()
        return answer

    assert asyncio.run(scenario()).epoch == asyncio.run(scenario()).epoch


def test_both_worlds_share_one_store(server, open_stores):
    stores = open_stores(server.url)
    blocking, native = Blocking(stores), Native(stores)
    blocking.run(fill(blocking.store))

    answer = native.run(native.store.ask(question(marks=[b"tr00"])))
    native.close()
    blocking.close()

    assert answer.is_revoked


def test_closing_where_nothing_is_open_is_harmless(server, open_stores):
    store = open_stores(server.url).native()

    assert asyncio.run(store.close()) is None


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_opens_its_own_connections(proxy, open_stores):
    """Parent and child never share a socket; otherwise each would read the other's replies."""
    stores = open_stores(proxy.url)
    store = stores.blocking()
    run_sync(fill(store))
    before = proxy.connections

    results = in_child(lambda: run_sync(store.ask(question(marks=[b"tr00"]))).is_revoked)
    opened = proxy.connections - before
    own = run_sync(store.ask(question(marks=[TOKEN])))
    run_sync(store.close())

    assert "True" == results
    assert 1 == opened
    assert not own.is_revoked
    assert before + 1 == proxy.connections


def test_what_a_process_inherits_is_left_alone(server, open_stores):
    """The fork hook abandons the connections of both worlds without closing them, and opens new ones."""
    stores = open_stores(server.url)
    native, blocking = Native(stores), Blocking(stores)
    native.run(fill(native.store))
    blocking.run(blocking.store.ask(question()))
    inherited = [stores._threads._client, *(known.client for known in stores._loops._by_loop.values())]

    stores.begin_process()
    answers = [world.run(world.store.ask(question(marks=[b"tr00"]))) for world in (native, blocking)]
    idle = [len(left._pool._idle) for left in inherited]
    for left, world in zip(inherited, (blocking, native), strict=True):
        left.close()
        world.close()

    assert all(answer.is_revoked for answer in answers)
    assert [1, 1] == idle
