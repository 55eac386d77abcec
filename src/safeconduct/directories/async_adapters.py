"""A blocking directory, asked in a bounded pool of threads."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from contextvars import copy_context
from functools import partial
from typing import Generic, TypeVar

from safeconduct._core.directory import Account, AsyncDirectory, Directory, QueuePosition
from safeconduct.directories.async_locks import LoopTurns
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.locks import Places, renew_in_children
from safeconduct.directories.validation import checked, looked_up, translated
from safeconduct.errors import Unavailable


class Native:
    """
    The port for ASGI and a directory that never blocks the loop.

    Args:
        directory: Says who the users are.
        is_static: Whether *directory* has no ``alookup``.
        queue: How many passwords may be under way at once, wherever the directory hashes them, and how many more may
            wait.
        queue_seconds: How long a task waits there.
    """

    def __init__(
        self, directory: AsyncDirectory, *, is_static: bool, queue: ComparisonQueue, queue_seconds: float
    ) -> None:
        self._directory = directory
        self._is_static = is_static
        self._queue = queue
        self._turns = LoopTurns(queue, queue_seconds=queue_seconds)
        self._is_closed = False

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``alookup``."""
        return self._is_static

    def turn(self, key: Hashable, network: str) -> AbstractAsyncContextManager[QueuePosition]:
        """Let one task at a time in among those with the same *key*."""
        return self._turns.turn(key, network)

    async def check(self, username: str, password: str, place: QueuePosition) -> Account | None:
        """Check a password within the bound."""
        self._refuse_if_closed()
        await self._turns.take_slot(place)
        try:
            with translated():
                answer = await self._directory.acheck(username, password)
            return checked(answer)
        finally:
            self._queue.leave_slot(place)

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up."""
        self._refuse_if_closed()
        with translated():
            answer = await self._directory.alookup(subject)
        return looked_up(answer, subject)

    def close(self) -> None:
        """Answer no more."""
        self._is_closed = True

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the directory is closed")


Result = TypeVar("Result")


class Pool:
    """
    Run blocking work in a few threads, which begin with the first work.

    Args:
        name: What the threads are called.
        threads: How much runs at once.
    """

    def __init__(self, name: str, *, threads: int) -> None:
        self._name = name
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self._is_closed = False
        renew_in_children(self)

    async def run(self, work: Callable[[], Result], *, leave: Callable[[], None]) -> Result:
        """
        Run *work* in a thread, within this task's context, and return what it returns.

        Args:
            work: What to run.
            leave: Called once, when *work* has ended or will never begin, whatever becomes of the task that waits for
                it: a caller who hangs up does not make room for the next one while their password is still hashed.

        Raises:
            Unavailable: If *work* ended in something that is no ``Exception``, or the pool is closed.
            Exception: Whatever *work* raises.
        """
        job = _Job(work, leave, asyncio.get_running_loop().create_future())
        if self._is_closed:
            job.leave()
            raise Unavailable("the directory is closed")
        try:
            self._started().submit(copy_context().run, self._do, job)
        except RuntimeError as error:
            # No thread could begin, or the pool was closed; where the work is in the queue all the same, it is skipped.
            job.answer.cancel()
            job.leave()
            raise Unavailable("no thread can begin") from error
        result: Result = await job.answer
        return result

    def close(self) -> None:
        """Take no more work; what was taken is done."""
        self._is_closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def drop_inherited(self) -> None:
        """Forget the threads: they are in the parent."""
        self._executor = None

    def _started(self) -> ThreadPoolExecutor:
        # Two loops in two threads may both come first; the executor that loses runs its work and is collected.
        executor = self._executor
        if executor is None:
            executor = self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        return executor

    def _do(self, job: "_Job[Result]") -> None:
        try:
            job.run()
        finally:
            job.leave()
        # If the loop has ended meanwhile this raises, into the executor's own future: nobody waits for either.
        job.loop.call_soon_threadsafe(job.settle)


class _Job(Generic[Result]):
    """One piece of work and the future that a task awaits for it."""

    __slots__ = ("_error", "_leave", "_result", "_work", "answer", "loop")

    def __init__(self, work: Callable[[], Result], leave: Callable[[], None], answer: "asyncio.Future[Result]") -> None:
        self._work = work
        #: Taken out by whoever calls it: a thread that skips the work may meet the task that gave it up.
        self._leave = [leave]
        self.answer = answer
        self.loop = answer.get_loop()
        self._error: Exception | None = None

    def run(self) -> None:
        # Nobody waits any more, so that there is nothing to find out.
        if self.answer.cancelled():
            return
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - handed on to the task that waits
            self._error = error
        except BaseException as error:  # noqa: BLE001 - it would end this thread, and the task would wait for ever
            self._error = Unavailable("the work ended the thread")
            self._error.__cause__ = error

    def leave(self) -> None:
        while self._leave:
            self._leave.pop()()

    def settle(self) -> None:
        if self.answer.done():
            return
        if self._error is not None:
            self.answer.set_exception(self._error)
        else:
            self.answer.set_result(self._result)


class Pooled:
    """
    The port for ASGI and a directory that blocks.

    Look-ups have threads of their own: a storm of sign-ins must not refuse those who are signed in.

    Args:
        directory: Says who the users are.
        is_static: Whether *directory* has no ``lookup``.
        threads: How many threads check passwords, and how many look accounts up.
        lookups: How many look-ups may be under way or wait; one more is ``Unavailable``.
        queue: How many passwords may be checked at once, and how many more may wait.
        queue_seconds: How long a task waits there.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        is_static: bool,
        threads: int,
        lookups: int,
        queue: ComparisonQueue,
        queue_seconds: float,
    ) -> None:
        self._directory = directory
        self._is_static = is_static
        self._checks = Pool("safeconduct-check", threads=threads)
        self._lookups = Pool("safeconduct-lookup", threads=threads)
        self._lookup_places = Places(lookups)
        self._queue = queue
        self._turns = LoopTurns(queue, queue_seconds=queue_seconds)

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``."""
        return self._is_static

    def turn(self, key: Hashable, network: str) -> AbstractAsyncContextManager[QueuePosition]:
        """Let one task at a time in among those with the same *key*."""
        return self._turns.turn(key, network)

    async def check(self, username: str, password: str, place: QueuePosition) -> Account | None:
        """Check a password in a thread, within the bound."""
        await self._turns.take_slot(place)
        return await self._checks.run(
            lambda: self._check(username, password), leave=partial(self._queue.leave_slot, place)
        )

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up in a thread."""
        self._lookup_places.enter()
        return await self._lookups.run(lambda: self._look_up(subject), leave=self._lookup_places.leave)

    def close(self) -> None:
        """Answer no more; what is under way is answered."""
        self._checks.close()
        self._lookups.close()

    def _check(self, username: str, password: str) -> Account | None:
        with translated():
            answer = self._directory.check(username, password)
        return checked(answer)

    def _look_up(self, subject: str) -> Account | None:
        with translated():
            answer = self._directory.lookup(subject)
        return looked_up(answer, subject)
