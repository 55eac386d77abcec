"""How threads and tasks wait for their turn and their slot."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from safeconduct._core.run_sync import run_sync
from safeconduct.directories.async_locks import LoopTurns
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.thread_locks import ThreadTurns
from safeconduct.errors import Unavailable

HERE = "192.0.2.1"


def threads(*, at_once=1, waiting=100, queue_seconds=60):
    return ThreadTurns(ComparisonQueue(at_once=at_once, waiting=waiting), queue_seconds=queue_seconds)


def tasks(*, at_once=1, waiting=100, queue_seconds=60):
    return LoopTurns(ComparisonQueue(at_once=at_once, waiting=waiting), queue_seconds=queue_seconds)


def is_empty(turns):
    queue = turns._queue
    return (queue.waiting, queue.running, queue._turns, queue._waiting) == (0, 0, {}, {})


async def hold(turns, key, work):
    async with turns.turn(key, HERE):
        return work()


def compare(turns, key, work):
    """Do *work* in a thread's turn and slot."""

    async def within():
        async with turns.turn(key, HERE) as position:
            turns.take_slot(position)
            try:
                return work()
            finally:
                turns._queue.leave_slot(position)

    return run_sync(within())


def test_threads_with_one_key_take_turns():
    """Forty pass, never two at once, though there are slots."""
    turns = threads(at_once=8)
    inside, most = [], []

    def work():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0)
        inside.pop()

    with ThreadPoolExecutor(8) as server:
        list(server.map(lambda _: compare(turns, b"k", work), range(40)))

    assert [1] * 40 == most
    assert is_empty(turns)


def test_threads_with_other_keys_share_the_slots():
    """Forty pass, never three at once."""
    turns = threads(at_once=2)
    inside, most = [], []

    def work():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0)
        inside.pop()

    with ThreadPoolExecutor(8) as server:
        list(server.map(lambda number: compare(turns, number, work), range(40)))

    assert 2 >= max(most)
    assert is_empty(turns)


def test_threads_with_other_keys_pass():
    turns = threads(queue_seconds=0)

    assert 1 == run_sync(hold(turns, b"k", lambda: run_sync(hold(turns, b"o", lambda: 1))))


def test_a_thread_whose_turn_does_not_come_is_unavailable():
    turns = threads(queue_seconds=0)

    def wait():
        with pytest.raises(Unavailable):
            run_sync(hold(turns, b"k", int))

    run_sync(hold(turns, b"k", wait))

    assert is_empty(turns)
    assert 0 == run_sync(hold(turns, b"k", int))


def test_a_thread_whose_slot_does_not_come_is_unavailable():
    turns = threads(queue_seconds=0)

    def wait():
        with pytest.raises(Unavailable):
            compare(turns, b"o", int)

    compare(turns, b"k", wait)

    assert is_empty(turns)


def test_turn_and_slot_have_one_time_together():
    """Who waited for the turn has waited."""
    now = [0.0]
    turns = ThreadTurns(ComparisonQueue(at_once=1, waiting=1), queue_seconds=5, clock=lambda: now[0])

    async def late():
        async with turns.turn(b"k", HERE) as position:
            now[0] = 5.0
            with pytest.raises(Unavailable):
                turns.take_slot(position)

    async def other():
        async with turns.turn(b"o", HERE) as position:
            turns.take_slot(position)
            run_sync(late())
            turns._queue.leave_slot(position)

    run_sync(other())

    assert is_empty(turns)


def test_a_turn_that_failed_passes_on():
    turns = threads(queue_seconds=0)

    with pytest.raises(ZeroDivisionError):
        run_sync(hold(turns, b"k", lambda: 1 // 0))

    assert 0 == run_sync(hold(turns, b"k", int))


def test_a_thread_that_is_interrupted_while_it_waits_leaves_nothing(monkeypatch):
    """As gevent does to a greenlet whose time is over."""
    turns = threads()

    class Interrupted:
        def acquire(self, timeout=None):
            if timeout is not None:
                raise KeyboardInterrupt

        def release(self):
            raise AssertionError("nobody waits")

    async def wait():
        async with turns.turn(b"k", HERE) as position:
            turns.take_slot(position)
            with monkeypatch.context() as patch:
                patch.setattr(threading, "Lock", Interrupted)
                with pytest.raises(KeyboardInterrupt):
                    compare(turns, b"o", int)
                with pytest.raises(KeyboardInterrupt):
                    compare(turns, b"k", int)
            assert 0 == turns._queue.waiting
            turns._queue.leave_slot(position)

    run_sync(wait())

    assert is_empty(turns)


def test_tasks_with_one_key_take_turns():
    turns = tasks()
    inside, most = [], []

    async def work(key):
        async with turns.turn(key, HERE):
            inside.append(key)
            most.append(inside.count(key))
            await asyncio.sleep(0)
            inside.remove(key)

    async def everybody():
        await asyncio.gather(*(work(key) for key in (b"k", b"o") * 10))

    asyncio.run(everybody())

    assert [1] * 20 == most
    assert is_empty(turns)


def test_a_task_whose_turn_does_not_come_is_unavailable():
    turns = tasks(queue_seconds=0)

    async def wait():
        async with turns.turn(b"k", HERE), turns.turn(b"o", HERE):
            with pytest.raises(Unavailable):
                await hold(turns, b"k", int)

    asyncio.run(wait())

    assert is_empty(turns)


def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing():
    turns = tasks()

    async def hang_up():
        async with turns.turn(b"k", HERE):
            waiting = asyncio.create_task(hold(turns, b"k", int))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return await hold(turns, b"k", int)

    assert 0 == asyncio.run(hang_up())
    assert is_empty(turns)


def test_a_task_that_is_cancelled_as_its_slot_comes_leaves_nothing():
    """The slot was given, and the task never heard of it."""
    turns = tasks()

    async def take(key):
        async with turns.turn(key, HERE) as position:
            await turns.take_slot(position)

    async def hang_up():
        async with turns.turn(b"k", HERE) as position:
            await turns.take_slot(position)
            waiting = asyncio.create_task(take(b"o"))
            await asyncio.sleep(0)
            assert 1 == turns._queue.waiting
            turns._queue.leave_slot(position)
            assert (0, 1) == (turns._queue.waiting, turns._queue.running)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(hang_up())

    assert is_empty(turns)


def test_the_tasks_of_several_loops_take_turns():
    """One process, one comparison of an account and network: the task of one loop wakes that of another."""
    turns = tasks()
    is_waiting = threading.Event()

    def other_loop():
        return asyncio.run(hold(turns, b"k", int))

    def until_it_waits():
        for _ in range(5000):
            if turns._queue.waiting:
                return
            is_waiting.wait(0.001)

    async def here():
        async with turns.turn(b"k", HERE):
            other = asyncio.create_task(asyncio.to_thread(other_loop))
            await asyncio.to_thread(until_it_waits)
        return await other

    assert 0 == asyncio.run(here())
    assert is_empty(turns)
