"""
Ask a directory from an event loop: what stops a task, and a thread pool for a directory that blocks.

Separate from ``adapters``, since it imports asyncio.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import copy_context
from functools import partial
from typing import Generic, TypeVar

from safeconduct._core.directory import Account, Directory, QueuePosition
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.keyed_lock import KeyedLock
from safeconduct.directories.locks import ConcurrencyLimit, renew_in_children
from safeconduct.directories.validation import checked_account, checked_lookup, translate_errors
from safeconduct.errors import Unavailable

Result = TypeVar("Result")


class TaskWaiter:
    """Stops a task of the running loop, which any thread may wake."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = self._loop.create_future()

    def wake(self) -> None:
        """
        Let the task go on.

        Raises:
            RuntimeError: If its loop is closed.
        """
        self._loop.call_soon_threadsafe(self._settle)

    async def wait(self, timeout_seconds: float) -> None:
        """Suspend until the task is woken, or for *timeout_seconds*."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._woken

    def _settle(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)


def time_limit(seconds: float) -> AbstractAsyncContextManager[object]:
    """Cancel the block, and raise a ``TimeoutError``, after *seconds*."""
    return asyncio.timeout(seconds)


class ThreadPoolAdapter:
    """
    Ask a blocking directory in a few threads.

    Look-ups have threads of their own, so that many sign-ins do not refuse users who are signed in.

    Args:
        directory: The directory.
        is_static: Whether *directory* has no ``lookup``.
        threads: How many threads check passwords, and how many look accounts up.
        max_lookups: How many look-ups may run or wait; one more is ``Unavailable``.
        queue: How many passwords may be checked at once, and how many more may wait.
        queue_seconds: How long a task waits there.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        is_static: bool,
        threads: int,
        max_lookups: int,
        queue: ComparisonQueue,
        queue_seconds: float,
    ) -> None:
        self._directory = directory
        self._is_static = is_static
        self._checks = ThreadPool("safeconduct-check", threads=threads)
        self._lookups = ThreadPool("safeconduct-lookup", threads=threads)
        self._lookup_limit = ConcurrencyLimit(max_lookups)
        self._queue = queue
        self._lock = KeyedLock(queue, queue_seconds=queue_seconds, waiter=TaskWaiter)

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``."""
        return self._is_static

    def lock(self, key: Hashable, network: str) -> AbstractAsyncContextManager[QueuePosition]:
        """Let one request at a time in among those with the same *key*."""
        return self._lock.hold(key, network)

    async def check(self, username: str, password: str, position: QueuePosition) -> Account | None:
        """Check a password in a thread once there is a slot for it."""
        await self._lock.take_slot(position)
        return await self._checks.run(
            partial(self._check, username, password), on_end=partial(self._queue.leave_slot, position)
        )

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up in a thread."""
        self._lookup_limit.acquire()
        return await self._lookups.run(partial(self._look_up, subject), on_end=self._lookup_limit.release)

    def close(self) -> None:
        """Answer no more; what is running is answered."""
        self._checks.close()
        self._lookups.close()

    def _check(self, username: str, password: str) -> Account | None:
        with translate_errors():
            answer = self._directory.check(username, password)
        return checked_account(answer)

    def _look_up(self, subject: str) -> Account | None:
        with translate_errors():
            answer = self._directory.lookup(subject)
        return checked_lookup(answer, subject)


class ThreadPool:
    """
    Run blocking work in a few threads, which start with the first work.

    Args:
        name: The prefix of the threads' names.
        threads: How many there are.
    """

    def __init__(self, name: str, *, threads: int) -> None:
        self._name = name
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self._is_closed = False
        renew_in_children(self)

    async def run(self, work: Callable[[], Result], *, on_end: Callable[[], None]) -> Result:
        """
        Run *work* in a thread, in the context of this task, and return its result.

        Args:
            work: What to run.
            on_end: Called once, when *work* has ended or will never start.  It does not depend on the task: if a client
                disconnects while its password is hashed, the slot is not free before the hash is done.

        Raises:
            Unavailable: If *work* raised something that is not an ``Exception``, or the pool is closed.
            Exception: Whatever *work* raises.
        """
        job = _Job(work, on_end, asyncio.get_running_loop().create_future())
        if self._is_closed:
            job.end()
            raise Unavailable("the directory is closed")
        try:
            self._started().submit(copy_context().run, job.run)
        except RuntimeError as error:
            # No thread could start, or the pool was closed meanwhile.  The work may be queued all the same: it is
            # skipped, since the future is cancelled.
            job.future.cancel()
            job.end()
            raise Unavailable("no thread can begin") from error
        result: Result = await job.future
        return result

    def close(self) -> None:
        """Take no more work; what was taken is done."""
        self._is_closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def drop_inherited(self) -> None:
        """Forget the threads, which are in the parent process."""
        self._executor = None

    def _started(self) -> ThreadPoolExecutor:
        # Two loops in two threads may both be first; the executor that is replaced does its work and is collected.
        executor = self._executor
        if executor is None:
            executor = self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        return executor


class _Job(Generic[Result]):
    """One piece of work, and the future on which a task awaits its result."""

    __slots__ = ("_error", "_loop", "_on_end", "_result", "_work", "future")

    def __init__(
        self, work: Callable[[], Result], on_end: Callable[[], None], future: "asyncio.Future[Result]"
    ) -> None:
        self._work = work
        #: Empty once it was called: a thread that skips the work may meet the task that gave it up.
        self._on_end = [on_end]
        self.future = future
        self._loop = future.get_loop()
        self._error: Exception | None = None

    def run(self) -> None:
        """Do the work in this thread, and hand its result to the loop."""
        try:
            self._work_unless_cancelled()
        finally:
            self.end()
        # If the loop is closed this raises, into the future of the executor, on which nothing waits.
        self._loop.call_soon_threadsafe(self._settle)

    def end(self) -> None:
        """Call *on_end*, once."""
        while self._on_end:
            self._on_end.pop()()

    def _work_unless_cancelled(self) -> None:
        if self.future.cancelled():
            return
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - handed on to the task that waits
            self._error = error
        except BaseException as error:  # noqa: BLE001 - it would end this thread, and the task would wait for ever
            self._error = Unavailable("the work ended the thread")
            self._error.__cause__ = error

    def _settle(self) -> None:
        if self.future.done():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result)
