"""Limit how many password checks run at once, for each kind of directory."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from memory_directory import AsyncMemoryDirectory, MemoryDirectory, check_password, run
from safeconduct._core.directory import Account
from safeconduct._core.run_sync import run_sync
from safeconduct.config import LoginConfig
from safeconduct.directories import AsyncCallableDirectory, CallableDirectory
from safeconduct.directories.adapters import adapt_directory, comparison_queue
from safeconduct.directories.locks import ConcurrencyLimit
from safeconduct.errors import ConfigurationError, Unavailable

ALICE = Account("alice")


class Slow:
    """A blocking directory that answers when the test lets it."""

    def __init__(self):
        self.may_answer = threading.Event()
        self.has_begun = threading.Semaphore(0)
        self.checks = 0

    def check(self, _username, _password):
        self.checks += 1
        self.has_begun.release()
        self.may_answer.wait()
        return ALICE

    def lookup(self, _subject):
        return ALICE


def until(condition):
    """Yield to other threads until *condition* holds or a time limit has passed."""
    for _ in range(5000):
        if condition():
            return
        threading.Event().wait(0.001)


async def until_begun(slow):
    """Wait for one more check to begin."""
    await asyncio.to_thread(slow.has_begun.acquire)


def test_places_are_given_until_none_is_left():
    limit = ConcurrencyLimit(2)

    limit.acquire()
    limit.acquire()
    with pytest.raises(Unavailable):
        limit.acquire()
    limit.release()
    limit.acquire()


def test_there_is_a_place_at_least():
    with pytest.raises(ConfigurationError, match="limit must be 1 or more, got 0"):
        ConcurrencyLimit(0)


def test_c1_inline_hashes_a_bounded_number_at_once_and_lets_the_others_wait():
    """Two of three checks run, the third starts when one ends, and look-ups do not wait."""
    slow = Slow()
    people = adapt_directory(slow, "wsgi", LoginConfig(hashing_threads=2, hashing_queue=1))

    def check(name):
        return run_sync(check_password(people, name, "wonder"))

    with ThreadPoolExecutor(3) as server:
        under_way = [server.submit(check, name) for name in ("alice", "bob", "carol")]
        slow.has_begun.acquire()
        slow.has_begun.acquire()
        try:
            until(lambda: people._queue.waiting == 1)
            with pytest.raises(Unavailable):
                check("dave")
            assert 2 == slow.checks
            assert ALICE is run_sync(people.lookup("alice"))
        finally:
            slow.may_answer.set()

        assert [ALICE] * 3 == [request.result() for request in under_way]
    assert ALICE is check("alice")


@pytest.mark.parametrize("fails", [ValueError, KeyboardInterrupt], ids=lambda error: error.__name__)
def test_inline_gives_the_place_back_whatever_happens(fails):
    answers = [fails, None, None]

    def check(_username, _password):
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    people = adapt_directory(CallableDirectory(check), "wsgi", LoginConfig(hashing_threads=1))

    with pytest.raises((Unavailable, KeyboardInterrupt)):
        run_sync(check_password(people, "alice", "wonder"))

    assert run_sync(check_password(people, "alice", "wonder")) is None


def test_pooled_hashes_a_few_queues_some_and_refuses_the_rest():
    slow = Slow()
    people = adapt_directory(slow, "asgi", LoginConfig(hashing_threads=2, hashing_queue=3))

    async def storm():
        under_way = [asyncio.create_task(check_password(people, "alice", "wonder")) for _ in range(5)]
        await until_begun(slow)
        await until_begun(slow)

        with pytest.raises(Unavailable):
            await check_password(people, "alice", "wonder")
        assert 2 == slow.checks
        # Look-ups for signed-in users have their own threads.
        assert ALICE is await people.lookup("alice")

        slow.may_answer.set()
        assert [ALICE] * 5 == await asyncio.gather(*under_way)
        assert ALICE is await check_password(people, "alice", "wonder")

    asyncio.run(storm())
    people.close()


def test_a_caller_who_hangs_up_keeps_the_slot_while_the_password_is_hashed(caplog):
    """Otherwise aborted sign-ins could start unlimited hashing; a waiting check is never started."""
    slow = Slow()
    people = adapt_directory(slow, "asgi", LoginConfig(hashing_threads=1, hashing_queue=1))

    async def hang_up():
        under_way = asyncio.create_task(check_password(people, "alice", "wonder"))
        await until_begun(slow)
        waiting = asyncio.create_task(check_password(people, "bob", "builder"))
        await asyncio.sleep(0)
        for task in (under_way, waiting):
            task.cancel()
        await asyncio.gather(under_way, waiting, return_exceptions=True)

        assert (1, 0) == (people._queue.running, people._queue.waiting)

        slow.may_answer.set()
        # There is one thread, so its next task comes after all earlier ones.
        await asyncio.to_thread(people._checks._executor.submit(int).result)
        await asyncio.sleep(0)

    asyncio.run(hang_up())

    # The abandoned answer is dropped.
    assert [] == caplog.records
    assert 1 == slow.checks
    assert ALICE is asyncio.run(check_password(people, "alice", "wonder"))
    people.close()


def test_work_that_is_given_up_before_its_thread_begins_is_skipped(caplog):
    """The slot becomes free all the same."""
    directory = MemoryDirectory(alice="wonder")
    people = adapt_directory(directory, "asgi", LoginConfig(hashing_threads=1, hashing_queue=0))
    hold = threading.Event()
    people._checks._started().submit(hold.wait)

    async def give_up():
        task = asyncio.create_task(check_password(people, "alice", "wonder"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert 1 == people._queue.running
        hold.set()
        await asyncio.to_thread(people._checks._executor.submit(int).result)

    asyncio.run(give_up())

    assert [] == caplog.records
    assert (0, 0) == (directory.checks, people._queue.running)
    assert "alice" == asyncio.run(check_password(people, "alice", "wonder")).subject
    people.close()


def test_a_loop_that_ended_meanwhile_is_no_error():
    """The hash ends in its thread, and its slot becomes free."""
    slow = Slow()
    people = adapt_directory(slow, "asgi", LoginConfig(hashing_threads=1, hashing_queue=0))

    async def leave():
        task = asyncio.create_task(check_password(people, "alice", "wonder"))
        await until_begun(slow)
        return task

    asyncio.run(leave())
    slow.may_answer.set()
    people._checks._executor.submit(int).result()

    assert ALICE is asyncio.run(check_password(people, "alice", "wonder"))
    people.close()


def test_work_that_would_end_the_thread_is_unavailable():
    """Otherwise the request would wait forever."""

    def check(_username, _password):
        raise SystemExit

    people = adapt_directory(CallableDirectory(check), "asgi", LoginConfig())

    with pytest.raises(Unavailable) as caught:
        asyncio.run(check_password(people, "alice", "wonder"))

    assert isinstance(caught.value.__cause__, SystemExit)
    people.close()


def test_threads_begin_with_the_first_request():
    """No thread is started at import or in a master process."""
    people = adapt_directory(MemoryDirectory(alice="wonder"), "asgi", LoginConfig())
    assert people._checks._executor is None

    asyncio.run(check_password(people, "alice", "wonder"))

    assert people._checks._executor is not None
    assert people._lookups._executor is None
    people.close()


def test_a_thread_that_can_not_begin_is_unavailable(monkeypatch):
    """The next thread skips a cancelled check and frees its slot."""
    directory = MemoryDirectory(alice="wonder")
    people = adapt_directory(directory, "asgi", LoginConfig(hashing_threads=1, hashing_queue=1))

    def fail(_thread, *_arguments, **_options):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(Unavailable):
            asyncio.run(check_password(people, "alice", "wonder"))

    for _ in range(3):
        assert "alice" == asyncio.run(check_password(people, "alice", "wonder")).subject
    assert 3 == directory.checks
    people.close()


def test_a_directory_sees_the_context_of_its_request():
    """For example, the context of a tracer."""
    request = ContextVar("request")
    seen = []
    people = adapt_directory(
        CallableDirectory(lambda _username, _password: seen.append(request.get())), "asgi", LoginConfig()
    )

    async def ask():
        request.set("one")
        await check_password(people, "alice", "wonder")

    asyncio.run(ask())

    assert ["one"] == seen
    people.close()


def test_one_directory_serves_several_loops():
    people = adapt_directory(MemoryDirectory(alice="wonder"), "asgi", LoginConfig())

    for _ in range(3):
        assert "alice" == asyncio.run(check_password(people, "alice", "wonder")).subject
    people.close()


def test_native_lets_a_bounded_number_in():
    """For every kind of directory, as many checks run and wait as threads and queue allow."""
    release = asyncio.Event()
    begun = []

    async def check(username, _password):
        begun.append(username)
        await release.wait()
        return ALICE

    people = adapt_directory(AsyncCallableDirectory(check), "asgi", LoginConfig(hashing_threads=1, hashing_queue=1))

    async def storm():
        under_way = [asyncio.create_task(check_password(people, name, "wonder")) for name in ("alice", "bob", "carol")]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await check_password(people, "dave", "wonder")
        assert ["alice", "bob"] == begun
        under_way[0].cancel()
        await asyncio.gather(under_way[0], return_exceptions=True)
        release.set()
        assert [ALICE, ALICE] == await asyncio.gather(*under_way[1:])

    asyncio.run(storm())
    assert ["alice", "bob", "carol"] == begun


@pytest.mark.parametrize("world", ["wsgi", "asgi", "native"])
def test_c1_each_port_lets_one_at_a_time_be_compared_of_an_account_and_network(world):
    """A second check with the same key waits even if a slot is free; one with another key does not."""
    directory = AsyncMemoryDirectory(alice="wonder") if world == "native" else MemoryDirectory(alice="wonder")
    world = "wsgi" if world == "wsgi" else "asgi"
    people = adapt_directory(directory, world, LoginConfig(hashing_queue=0))

    async def prove():
        async with people.lock(b"k", "here") as position:
            with pytest.raises(Unavailable):
                await check_password(people, "alice", "wonder", key=b"k")
            assert "alice" == (await check_password(people, "alice", "wonder", key=b"o")).subject
            return await people.check("alice", "wonder", position)

    assert "alice" == run(world, prove()).subject
    assert (0, 0) == (people._queue.running, people._queue.waiting)
    people.close()


def test_c1_both_worlds_of_a_process_share_the_slots_and_the_turns():
    """For example, blocking verbs in an ASGI application."""
    slow, login = Slow(), LoginConfig(hashing_threads=1, hashing_queue=0)
    queue = comparison_queue(login)
    inline, pooled = (adapt_directory(slow, world, login, queue=queue) for world in ("wsgi", "asgi"))

    with ThreadPoolExecutor(1) as server:
        under_way = server.submit(lambda: run_sync(check_password(inline, "alice", "wonder", key=b"k")))
        slow.has_begun.acquire()

        try:
            for key in (b"k", b"o"):
                with pytest.raises(Unavailable):
                    asyncio.run(check_password(pooled, "bob", "builder", key=key))
        finally:
            slow.may_answer.set()
        assert ALICE is under_way.result()
    assert ALICE is asyncio.run(check_password(pooled, "alice", "wonder"))
    pooled.close()


@pytest.mark.parametrize("kind", ["inline", "pooled", "native"])
def test_after_close_every_question_is_unavailable(kind):
    async def acheck(*_arguments):
        return ALICE

    def check(*_arguments):
        return ALICE

    directory = AsyncCallableDirectory(acheck, acheck) if kind == "native" else CallableDirectory(check, check)
    world = "wsgi" if kind == "inline" else "asgi"
    people = adapt_directory(directory, world, LoginConfig())
    run(world, check_password(people, "alice", "wonder"))

    people.close()
    people.close()

    with pytest.raises(Unavailable):
        run(world, check_password(people, "alice", "wonder"))
    with pytest.raises(Unavailable):
        run(world, people.lookup("alice"))
