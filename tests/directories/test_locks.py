"""Make threads and tasks wait for their key and for a free slot."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from safeconduct._core.run_sync import run_sync
from safeconduct.directories.async_adapters import TaskWaiter
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.keyed_lock import KeyedLock
from safeconduct.errors import Unavailable

HERE = "192.0.2.1"


def threads(*, at_once=1, waiting=100, queue_seconds=60):
    return KeyedLock(ComparisonQueue(at_once=at_once, waiting=waiting), queue_seconds=queue_seconds)


def tasks(*, at_once=1, waiting=100, queue_seconds=60):
    return KeyedLock(ComparisonQueue(at_once=at_once, waiting=waiting), queue_seconds=queue_seconds, waiter=TaskWaiter)


def is_empty(lock):
    queue = lock._queue
    return (queue.waiting, queue.running, queue._holders, queue._waiting) == (0, 0, {}, {})


async def hold(lock, key, work):
    async with lock.hold(key, HERE):
        return work()


def compare(lock, key, work):
    """Do *work* while a thread holds the key and a slot."""

    async def within():
        async with lock.hold(key, HERE) as position:
            await lock.take_slot(position)
            try:
                return work()
            finally:
                lock._queue.leave_slot(position)

    return run_sync(within())


def test_threads_with_one_key_take_turns():
    """Forty threads pass, never two at once, although there are slots."""
    lock = threads(at_once=8)
    inside, most = [], []

    def work():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0)
        inside.pop()

    with ThreadPoolExecutor(8) as server:
        list(server.map(lambda _: compare(lock, b"k", work), range(40)))

    assert [1] * 40 == most
    assert is_empty(lock)


def test_threads_with_other_keys_share_the_slots():
    """Forty tasks pass, never three at once."""
    lock = threads(at_once=2)
    inside, most = [], []

    def work():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0)
        inside.pop()

    with ThreadPoolExecutor(8) as server:
        list(server.map(lambda number: compare(lock, number, work), range(40)))

    assert 2 >= max(most)
    assert is_empty(lock)


def test_threads_with_other_keys_pass():
    lock = threads(queue_seconds=0)

    assert 1 == run_sync(hold(lock, b"k", lambda: run_sync(hold(lock, b"o", lambda: 1))))


def test_a_thread_whose_turn_does_not_come_is_unavailable():
    lock = threads(queue_seconds=0)

    def wait():
        with pytest.raises(Unavailable):
            run_sync(hold(lock, b"k", int))

    run_sync(hold(lock, b"k", wait))

    assert is_empty(lock)
    assert 0 == run_sync(hold(lock, b"k", int))


def test_a_thread_whose_slot_does_not_come_is_unavailable():
    lock = threads(queue_seconds=0)

    def wait():
        with pytest.raises(Unavailable):
            compare(lock, b"o", int)

    compare(lock, b"k", wait)

    assert is_empty(lock)


def test_turn_and_slot_have_one_time_together():
    """The time limit covers waiting for the key and for the slot together."""
    now = [0.0]
    lock = KeyedLock(ComparisonQueue(at_once=1, waiting=1), queue_seconds=5, clock=lambda: now[0])

    async def late():
        async with lock.hold(b"k", HERE) as position:
            now[0] = 5.0
            with pytest.raises(Unavailable):
                await lock.take_slot(position)

    async def other():
        async with lock.hold(b"o", HERE) as position:
            await lock.take_slot(position)
            run_sync(late())
            lock._queue.leave_slot(position)

    run_sync(other())

    assert is_empty(lock)


def test_a_turn_that_failed_passes_on():
    lock = threads(queue_seconds=0)

    with pytest.raises(ZeroDivisionError):
        run_sync(hold(lock, b"k", lambda: 1 // 0))

    assert 0 == run_sync(hold(lock, b"k", int))


def test_a_thread_that_is_interrupted_while_it_waits_leaves_nothing(monkeypatch):
    """This is how gevent interrupts a greenlet."""
    lock = threads()

    class Interrupted:
        def acquire(self, timeout=None):
            if timeout is not None:
                raise KeyboardInterrupt

        def release(self):
            raise AssertionError("nobody waits")

    async def wait():
        async with lock.hold(b"k", HERE) as position:
            await lock.take_slot(position)
            with monkeypatch.context() as patch:
                patch.setattr(threading, "Lock", Interrupted)
                with pytest.raises(KeyboardInterrupt):
                    compare(lock, b"o", int)
                with pytest.raises(KeyboardInterrupt):
                    compare(lock, b"k", int)
            assert 0 == lock._queue.waiting
            lock._queue.leave_slot(position)

    run_sync(wait())

    assert is_empty(lock)


def test_tasks_with_one_key_take_turns():
    lock = tasks()
    inside, most = [], []

    async def work(key):
        async with lock.hold(key, HERE):
            inside.append(key)
            most.append(inside.count(key))
            await asyncio.sleep(0)
            inside.remove(key)

    async def everybody():
        await asyncio.gather(*(work(key) for key in (b"k", b"o") * 10))

    asyncio.run(everybody())

    assert [1] * 20 == most
    assert is_empty(lock)


def test_a_task_whose_turn_does_not_come_is_unavailable():
    lock = tasks(queue_seconds=0)

    async def wait():
        async with lock.hold(b"k", HERE), lock.hold(b"o", HERE):
            with pytest.raises(Unavailable):
                await hold(lock, b"k", int)

    asyncio.run(wait())

    assert is_empty(lock)


def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing():
    lock = tasks()

    async def hang_up():
        async with lock.hold(b"k", HERE):
            waiting = asyncio.create_task(hold(lock, b"k", int))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return await hold(lock, b"k", int)

    assert 0 == asyncio.run(hang_up())
    assert is_empty(lock)


def test_a_task_that_is_cancelled_as_its_slot_comes_leaves_nothing():
    """The slot was assigned, but the cancelled task did not learn of it."""
    lock = tasks()

    async def take(key):
        async with lock.hold(key, HERE) as position:
            await lock.take_slot(position)

    async def hang_up():
        async with lock.hold(b"k", HERE) as position:
            await lock.take_slot(position)
            waiting = asyncio.create_task(take(b"o"))
            await asyncio.sleep(0)
            assert 1 == lock._queue.waiting
            lock._queue.leave_slot(position)
            assert (0, 1) == (lock._queue.waiting, lock._queue.running)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(hang_up())

    assert is_empty(lock)


def test_the_tasks_of_several_loops_take_turns():
    """A process compares once at a time for an account and network, across its event loops."""
    lock = tasks()
    is_waiting = threading.Event()

    def other_loop():
        return asyncio.run(hold(lock, b"k", int))

    def until_it_waits():
        for _ in range(5000):
            if lock._queue.waiting:
                return
            is_waiting.wait(0.001)

    async def here():
        async with lock.hold(b"k", HERE):
            other = asyncio.create_task(asyncio.to_thread(other_loop))
            await asyncio.to_thread(until_it_waits)
        return await other

    assert 0 == asyncio.run(here())
    assert is_empty(lock)
