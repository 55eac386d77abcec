import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from safeconduct._core.finish import finish
from safeconduct.directories.loop_turns import LoopTurns
from safeconduct.directories.turns import ThreadTurns
from safeconduct.errors import Unavailable


async def hold(turns, key, work):
    async with turns.alone(key):
        return work()


def test_threads_with_one_key_take_turns():
    """Forty pass, never two at once."""
    turns = ThreadTurns()
    inside, most = [], []

    def work():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0)
        inside.pop()

    with ThreadPoolExecutor(8) as server:
        list(server.map(lambda _: finish(hold(turns, b"k", work)), range(40)))

    assert [1] * 40 == most
    assert {} == turns._queues


def test_threads_with_other_keys_pass():
    turns = ThreadTurns(patience_seconds=0)

    assert 1 == finish(hold(turns, b"k", lambda: finish(hold(turns, b"o", lambda: 1))))


def test_a_thread_whose_turn_does_not_come_is_unavailable():
    turns = ThreadTurns(patience_seconds=0)

    def wait():
        with pytest.raises(Unavailable):
            finish(hold(turns, b"k", int))

    finish(hold(turns, b"k", wait))

    assert {} == turns._queues
    assert 0 == finish(hold(turns, b"k", int))


def test_a_turn_that_failed_passes_on():
    turns = ThreadTurns(patience_seconds=0)

    with pytest.raises(ZeroDivisionError):
        finish(hold(turns, b"k", lambda: 1 // 0))

    assert 0 == finish(hold(turns, b"k", int))


def test_tasks_with_one_key_take_turns():
    turns = LoopTurns()
    inside, most = [], []

    async def work(key):
        async with turns.alone(key):
            inside.append(key)
            most.append(inside.count(key))
            await asyncio.sleep(0)
            inside.remove(key)

    async def everybody():
        await asyncio.gather(*(work(key) for key in (b"k", b"o") * 10))

    asyncio.run(everybody())

    assert [1] * 20 == most
    assert {} == turns._queues


def test_a_task_whose_turn_does_not_come_is_unavailable():
    turns = LoopTurns(patience_seconds=0)

    async def wait():
        async with turns.alone(b"k"), turns.alone(b"o"):
            with pytest.raises(Unavailable):
                await hold(turns, b"k", int)

    asyncio.run(wait())

    assert {} == turns._queues


def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing():
    turns = LoopTurns()

    async def hang_up():
        async with turns.alone(b"k"):
            waiting = asyncio.create_task(hold(turns, b"k", int))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return await hold(turns, b"k", int)

    assert 0 == asyncio.run(hang_up())
    assert {} == turns._queues


def test_loops_do_not_wait_for_each_other():
    """A lock of one loop can't be awaited on another."""
    turns = LoopTurns(patience_seconds=0)

    def other_loop():
        return asyncio.run(hold(turns, b"k", int))

    async def here():
        async with turns.alone(b"k"):
            return await asyncio.to_thread(other_loop)

    assert 0 == asyncio.run(here())
