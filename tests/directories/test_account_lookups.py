"""Look an account up once for all who ask at the same time, and remember it for a while."""

import asyncio
import contextlib
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from safeconduct._core.directory import Account
from safeconduct._core.run_sync import run_sync
from safeconduct.config import LoginConfig
from safeconduct.directories.account_lookups import CachedLookups, _Flight
from safeconduct.directories.adapters import adapt_directory, cached_lookups
from safeconduct.directories.async_adapters import TaskWaiter, time_limit
from safeconduct.directories.keyed_lock import ThreadWaiter
from safeconduct.directories.locks import _drop_all
from safeconduct.errors import Unavailable

NOW = 1000.0


class Directory:
    """A directory that answers when the test lets it."""

    def __init__(self, **cut_offs):
        self.cut_offs, self.asked = cut_offs, []
        self.may_answer, self.begun = threading.Event(), threading.Semaphore(0)
        self.may_answer.set()
        self.error = None

    def check(self, _username, _password):
        return None

    def lookup(self, subject):
        self.asked.append(subject)
        self.begun.release()
        self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return Account(subject, cut_off=self.cut_offs[subject]) if subject in self.cut_offs else None


def lookups_of(directory, world="wsgi", *, seconds=5.0, wait_seconds=60.0, capacity=100):
    port = adapt_directory(directory, world, LoginConfig())
    return cached_lookups(port, world, seconds=seconds, wait_seconds=wait_seconds, capacity=capacity)


def look_up(lookups, subject="alice", now=NOW):
    return run_sync(lookups.look_up(subject, now))


def test_r4_an_account_is_remembered_for_a_while():
    directory = Directory(alice=7.5)
    lookups = lookups_of(directory)
    assert lookups.recall("alice", NOW) is None

    assert 8000 == look_up(lookups)

    assert [8000, 8000, None] == [lookups.recall("alice", NOW + late) for late in (0, 4.99, 5)]
    assert ["alice"] == directory.asked


def test_r4_a_clock_that_went_back_prolongs_nothing():
    """Requests that came together may be served in another order."""
    lookups = lookups_of(Directory(alice=7))
    look_up(lookups)

    assert [8000, None] == [lookups.recall("alice", NOW - early) for early in (1, 1.01)]


@pytest.mark.parametrize("account", [None, Account("alice", disabled=True, cut_off=5)], ids=["gone", "disabled"])
def test_r4_an_account_that_is_gone_is_over_for_ever(account):
    directory = Directory()
    directory.lookup = lambda _subject: account

    assert look_up(lookups_of(directory)) == math.inf


def test_r4_an_account_without_a_cut_off_ends_nothing():
    assert 0 == look_up(lookups_of(Directory(alice=None)))


def test_r4_the_memory_is_bounded():
    directory = Directory(**{f"user{number}": 1 for number in range(100)})
    lookups = lookups_of(directory, capacity=10)

    for number in range(100):
        look_up(lookups, f"user{number}")

    known = [number for number in range(100) if lookups.recall(f"user{number}", NOW) is not None]
    assert known == list(range(100 - len(known), 100))
    assert 5 <= len(known) <= 10


@pytest.mark.parametrize("capacity", [0, 1])
def test_r4_a_memory_of_nothing_still_looks_up(capacity):
    assert 8000 == look_up(lookups_of(Directory(alice=7), capacity=capacity))


def test_r4_a_failure_is_not_remembered():
    directory = Directory(alice=7)
    directory.error = OSError("down")
    lookups = lookups_of(directory)

    with pytest.raises(Unavailable):
        look_up(lookups)
    directory.error = None

    assert 8000 == look_up(lookups)


def waiting(lookups, count):
    """Wait until *count* requests wait for the look-up of alice."""
    flight = lookups._flights["alice"]
    while len(flight.waiters) < count:
        threading.Event().wait(0.001)


@pytest.mark.parametrize("fails", [False, True])
def test_r4_threads_that_ask_at_once_ask_once(fails):
    """All get the one answer, or the one failure."""
    directory = Directory(alice=7)
    directory.may_answer.clear()
    directory.error = OSError("down") if fails else None
    lookups = lookups_of(directory)

    def asked():
        with contextlib.suppress(Unavailable):
            return look_up(lookups)
        return "unavailable"

    with ThreadPoolExecutor(5) as threads:
        futures = [threads.submit(asked) for _ in range(5)]
        directory.begun.acquire()
        waiting(lookups, 4)
        directory.may_answer.set()
        answers = {future.result() for future in futures}

    assert ({"unavailable" if fails else 8000}, ["alice"]) == (answers, directory.asked)
    assert {} == lookups._flights


@pytest.mark.parametrize("fails", [False, True])
def test_r4_tasks_that_ask_at_once_ask_once(fails):
    directory = Directory(alice=7)
    directory.may_answer.clear()
    directory.error = OSError("down") if fails else None
    lookups = lookups_of(directory, "asgi")

    async def main():
        tasks = [asyncio.create_task(lookups.look_up("alice", NOW)) for _ in range(5)]
        await asyncio.to_thread(directory.begun.acquire)
        await asyncio.to_thread(waiting, lookups, 4)
        directory.may_answer.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(main())

    assert [Unavailable if fails else int] * 5 == [type(answer) for answer in answers]
    assert ["alice"] == directory.asked


def test_r4_another_subject_does_not_wait():
    directory = Directory(alice=7, bob=8)
    directory.may_answer.clear()
    lookups = lookups_of(directory, wait_seconds=0)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(look_up, lookups)
        directory.begun.acquire()
        lookup, directory.lookup = directory.lookup, lambda subject: Account(subject, cut_off=8)

        assert 9000 == look_up(lookups, "bob")
        with pytest.raises(Unavailable, match="takes too long"):
            look_up(lookups)

        directory.lookup = lookup
        directory.may_answer.set()
        assert 8000 == slow.result()


def test_r4_a_task_that_is_cancelled_leaves_the_look_up_to_another():
    """Its client went away; those that wait are not refused for that."""
    directory = Directory(alice=7)
    directory.may_answer.clear()
    lookups = lookups_of(directory, "asgi")

    async def main():
        first = asyncio.create_task(lookups.look_up("alice", NOW))
        await asyncio.to_thread(directory.begun.acquire)
        others = [asyncio.create_task(lookups.look_up("alice", NOW)) for _ in range(3)]
        await asyncio.to_thread(waiting, lookups, 3)
        first.cancel()
        await asyncio.to_thread(directory.begun.acquire)
        directory.may_answer.set()
        return await asyncio.gather(*others)

    assert [8000] * 3 == asyncio.run(main())
    assert ["alice"] * 2 == directory.asked


def test_r4_a_directory_that_takes_too_long_is_unavailable():
    """Where it can be stopped; the next request asks again."""
    directory = Directory(alice=7)
    directory.may_answer.clear()
    lookups = lookups_of(directory, "asgi", wait_seconds=0)

    async def main():
        with pytest.raises(Unavailable, match="took too long"):
            await lookups.look_up("alice", NOW)
        assert {} == lookups._flights
        directory.may_answer.set()

    asyncio.run(main())


def test_r4_an_answer_that_began_long_ago_is_not_taken():
    """A row may have changed since: it is looked up again for a request that came later."""
    directory = Directory(alice=7)
    directory.may_answer.clear()
    lookups = lookups_of(directory)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(look_up, lookups)
        directory.begun.acquire()
        late = threads.submit(look_up, lookups, "alice", NOW + 5)
        waiting(lookups, 1)
        directory.cut_offs["alice"] = 900
        directory.may_answer.set()
        assert (901_000, 901_000) == (first.result(), late.result())

    assert 2 == len(directory.asked)


def test_r4_a_request_that_comes_when_a_look_up_ends_does_not_wait():
    """Between its end and its removal; it would never be woken."""
    directory = Directory(alice=7)
    flight = _Flight(NOW)
    flight.end()

    # A coroutine that waited would raise here.
    assert run_sync(lookups_of(directory)._wait_for(flight, math.inf)) is None

    assert [] == directory.asked


def test_r4_a_closed_loop_keeps_no_one_else_waiting():
    class Gone(TaskWaiter):
        def wake(self):
            raise RuntimeError("Event loop is closed")

    kinds = [TaskWaiter, Gone]

    def waiter():
        return kinds.pop()()

    directory = Directory(alice=7)
    directory.may_answer.clear()
    port = adapt_directory(directory, "asgi", LoginConfig())
    lookups = CachedLookups(port, seconds=5, capacity=9, wait_seconds=60, waiter=waiter, time_limit=time_limit)

    async def main():
        tasks = [asyncio.create_task(lookups.look_up("alice", NOW)) for _ in range(3)]
        await asyncio.to_thread(directory.begun.acquire)
        await asyncio.to_thread(waiting, lookups, 2)
        directory.may_answer.set()
        done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            done, left = await asyncio.wait(tasks, timeout=0.01)
        [task] = left
        task.cancel()
        return {each.result() for each in done}

    assert {8000} == asyncio.run(main())


def test_r4_a_forked_child_does_not_wait_for_its_parent():
    directory = Directory(alice=7)
    lookups = lookups_of(directory)
    lookups._flights["alice"] = object()

    _drop_all()

    assert 8000 == look_up(lookups)


def test_r4_each_world_stops_what_waits_in_its_own_way():
    directory = Directory()

    assert lookups_of(directory)._new_waiter is ThreadWaiter
    assert lookups_of(directory, "asgi")._new_waiter is TaskWaiter
