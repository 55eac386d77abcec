"""How much each port lets in at once, and what becomes of it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from people import AsyncFolk, Folk, run
from safeconduct._core.finish import finish
from safeconduct._core.ports import Account
from safeconduct.config import LoginConfig
from safeconduct.directories import AsyncCallableDirectory, CallableDirectory, people_for
from safeconduct.directories.places import Places
from safeconduct.errors import ConfigurationError, Unavailable

ALICE = Account("alice")


class Slow:
    """A blocking directory that answers when it is let."""

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


async def until_begun(slow):
    """Wait for one more check to begin."""
    await asyncio.to_thread(slow.has_begun.acquire)


def test_places_are_given_until_none_is_left():
    places = Places(2)

    places.enter()
    with places.taken():
        with pytest.raises(Unavailable):
            places.enter()
        places.leave()
        places.enter()
    places.leave()
    places.leave()


def test_there_is_a_place_at_least():
    with pytest.raises(ConfigurationError, match="limit must be 1 or more, got 0"):
        Places(0)


def test_inline_hashes_a_bounded_number_at_once_and_lets_nobody_wait():
    """The third of two is 503 at once; look-ups are not held up."""
    slow = Slow()
    people = people_for(slow, "wsgi", LoginConfig(hashing_threads=2))

    def check():
        return finish(people.check("alice", "wonder"))

    with ThreadPoolExecutor(2) as server:
        under_way = [server.submit(check) for _ in range(2)]
        slow.has_begun.acquire()
        slow.has_begun.acquire()

        with pytest.raises(Unavailable):
            check()
        assert ALICE is finish(people.lookup("alice"))

        slow.may_answer.set()
        assert [ALICE, ALICE] == [request.result() for request in under_way]
    assert ALICE is check()


@pytest.mark.parametrize("fails", [ValueError, KeyboardInterrupt], ids=lambda error: error.__name__)
def test_inline_gives_the_place_back_whatever_happens(fails):
    answers = [fails, None, None]

    def check(_username, _password):
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    people = people_for(CallableDirectory(check), "wsgi", LoginConfig(hashing_threads=1))

    with pytest.raises((Unavailable, KeyboardInterrupt)):
        finish(people.check("alice", "wonder"))

    assert finish(people.check("alice", "wonder")) is None


def test_pooled_hashes_a_few_queues_some_and_refuses_the_rest():
    slow = Slow()
    people = people_for(slow, "asgi", LoginConfig(hashing_threads=2, hashing_queue=3))

    async def storm():
        under_way = [asyncio.create_task(people.check("alice", "wonder")) for _ in range(5)]
        await until_begun(slow)
        await until_begun(slow)

        with pytest.raises(Unavailable):
            await people.check("alice", "wonder")
        assert 2 == slow.checks
        # Who is signed in already has threads of his own.
        assert ALICE is await people.lookup("alice")

        slow.may_answer.set()
        assert [ALICE] * 5 == await asyncio.gather(*under_way)
        assert ALICE is await people.check("alice", "wonder")

    asyncio.run(storm())
    people.close()


def test_a_caller_who_hangs_up_makes_no_room_while_his_password_is_hashed(caplog):
    """Else a storm of aborted sign-ins would hash without bound; what only waited is skipped unhashed."""
    slow = Slow()
    people = people_for(slow, "asgi", LoginConfig(hashing_threads=1, hashing_queue=1))

    async def hang_up():
        under_way = asyncio.create_task(people.check("alice", "wonder"))
        await until_begun(slow)
        waiting = asyncio.create_task(people.check("bob", "builder"))
        await asyncio.sleep(0)
        for task in (under_way, waiting):
            task.cancel()
        await asyncio.gather(under_way, waiting, return_exceptions=True)

        with pytest.raises(Unavailable):
            await people.check("alice", "wonder")

        slow.may_answer.set()
        # One thread: what it does next comes after all that was there before.
        await asyncio.to_thread(people._checks._executor.submit(int).result)
        await asyncio.sleep(0)

    asyncio.run(hang_up())

    # The answer that nobody waits for is dropped without a word.
    assert [] == caplog.records
    assert 1 == slow.checks
    assert ALICE is asyncio.run(people.check("alice", "wonder"))
    people.close()


def test_a_loop_that_ended_meanwhile_is_no_error():
    """The hash ends in its thread; nobody waits for it, and its place is free again."""
    slow = Slow()
    people = people_for(slow, "asgi", LoginConfig(hashing_threads=1, hashing_queue=0))

    async def leave():
        task = asyncio.create_task(people.check("alice", "wonder"))
        await until_begun(slow)
        return task

    asyncio.run(leave())
    slow.may_answer.set()
    people._checks._executor.submit(int).result()

    assert ALICE is asyncio.run(people.check("alice", "wonder"))
    people.close()


def test_work_that_would_end_the_thread_is_unavailable():
    """The request would wait for ever otherwise."""

    def check(_username, _password):
        raise SystemExit

    people = people_for(CallableDirectory(check), "asgi", LoginConfig())

    with pytest.raises(Unavailable) as caught:
        asyncio.run(people.check("alice", "wonder"))

    assert isinstance(caught.value.__cause__, SystemExit)
    people.close()


def test_threads_begin_with_the_first_request():
    """Never at import or in a master process."""
    people = people_for(Folk(alice="wonder"), "asgi", LoginConfig())
    assert people._checks._executor is None

    asyncio.run(people.check("alice", "wonder"))

    assert people._checks._executor is not None
    assert people._lookups._executor is None
    people.close()


def test_a_thread_that_can_not_begin_is_unavailable(monkeypatch):
    """What was queued is skipped by the next thread, and gives its place back then."""
    folk = Folk(alice="wonder")
    people = people_for(folk, "asgi", LoginConfig(hashing_threads=1, hashing_queue=1))

    def fail(_thread, *_arguments, **_options):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(Unavailable):
            asyncio.run(people.check("alice", "wonder"))

    for _ in range(3):
        assert "alice" == asyncio.run(people.check("alice", "wonder")).subject
    assert 3 == folk.checks
    people.close()


def test_a_directory_sees_the_context_of_its_request():
    """A tracer's, for one."""
    request = ContextVar("request")
    seen = []
    people = people_for(
        CallableDirectory(lambda _username, _password: seen.append(request.get())), "asgi", LoginConfig()
    )

    async def ask():
        request.set("one")
        await people.check("alice", "wonder")

    asyncio.run(ask())

    assert ["one"] == seen
    people.close()


def test_one_directory_serves_several_loops():
    people = people_for(Folk(alice="wonder"), "asgi", LoginConfig())

    for _ in range(3):
        assert "alice" == asyncio.run(people.check("alice", "wonder")).subject
    people.close()


def test_native_lets_a_bounded_number_in():
    """Wherever the directory hashes: threads and queue together."""
    release = asyncio.Event()

    async def check(_username, _password):
        await release.wait()
        return ALICE

    people = people_for(AsyncCallableDirectory(check), "asgi", LoginConfig(hashing_threads=1, hashing_queue=1))

    async def storm():
        under_way = [asyncio.create_task(people.check("alice", "wonder")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await people.check("alice", "wonder")
        under_way[0].cancel()
        await asyncio.gather(under_way[0], return_exceptions=True)
        release.set()
        assert ALICE is await people.check("alice", "wonder")
        assert ALICE is await under_way[1]

    asyncio.run(storm())


@pytest.mark.parametrize("world", ["wsgi", "asgi", "native"])
def test_each_port_lets_one_at_a_time_prove_the_same(world):
    directory = AsyncFolk(alice="wonder") if world == "native" else Folk(alice="wonder")
    world = "wsgi" if world == "wsgi" else "asgi"
    people = people_for(directory, world, LoginConfig())

    async def prove():
        async with people.alone(b"k"):
            assert list(people._turns._queues)
            return await people.check("alice", "wonder")

    assert "alice" == run(world, prove()).subject
    people.close()


@pytest.mark.parametrize("kind", ["inline", "pooled", "native"])
def test_after_close_every_question_is_unavailable(kind):
    async def acheck(*_arguments):
        return ALICE

    def check(*_arguments):
        return ALICE

    directory = AsyncCallableDirectory(acheck, acheck) if kind == "native" else CallableDirectory(check, check)
    world = "wsgi" if kind == "inline" else "asgi"
    people = people_for(directory, world, LoginConfig())
    run(world, people.check("alice", "wonder"))

    people.close()
    people.close()

    with pytest.raises(Unavailable):
        run(world, people.check("alice", "wonder"))
    with pytest.raises(Unavailable):
        run(world, people.lookup("alice"))
