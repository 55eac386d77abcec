"""A few threads for what would block a loop; whoever hands work in has bounded it before."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

from safeconduct.directories.forks import renew_in_children
from safeconduct.errors import Unavailable

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
