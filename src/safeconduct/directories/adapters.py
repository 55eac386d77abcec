"""
Put a directory behind the port through which the core asks it.

=========  ========================  =====================  ==========================================================
world      methods of the directory  adapter                how many passwords are checked at once
=========  ========================  =====================  ==========================================================
``wsgi``   ``check``, or both        ``DirectAdapter``      ``hashing_threads``
``wsgi``   ``acheck`` alone          none                   ``ConfigurationError``
``asgi``   ``acheck``, or both       ``DirectAdapter``      ``hashing_threads`` and ``hashing_queue`` together
``asgi``   ``check`` alone           ``ThreadPoolAdapter``  ``hashing_threads``
=========  ========================  =====================  ==========================================================

``hashing_queue`` more may wait, for ``queue_seconds``.  Blocking directories of one process share one queue.
"""

from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from inspect import iscoroutinefunction
from typing import Any, Final, Literal

from safeconduct._core.account_checks import AccountLookups
from safeconduct._core.directory import Account, AsyncDirectory, Directory, DirectoryPort, QueuePosition
from safeconduct.config.sessions import LoginConfig
from safeconduct.directories.account_lookups import CachedLookups, TimeLimit
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.keyed_lock import KeyedLock, ThreadWaiter, Waiter
from safeconduct.directories.validation import checked_account, checked_lookup, translate_errors
from safeconduct.errors import ConfigurationError, Unavailable

World = Literal["asgi", "wsgi"]
_QUARTER: Final = 4


class DirectAdapter:
    """
    Ask a directory in the thread or task of the request.

    Args:
        directory: The directory; one that blocks is wrapped in ``BlockingDirectory``.
        is_static: Whether *directory* has no look-up.
        queue: How many passwords may be checked at once, and how many more may wait.  Look-ups hash nothing and are
            not limited.
        queue_seconds: How long a request waits there.
        waiter: Makes what stops a thread or a task that waits.
    """

    def __init__(
        self,
        directory: AsyncDirectory,
        *,
        is_static: bool,
        queue: ComparisonQueue,
        queue_seconds: float,
        waiter: Callable[[], Waiter],
    ) -> None:
        self._directory = directory
        self._is_static = is_static
        self._queue = queue
        self._lock = KeyedLock(queue, queue_seconds=queue_seconds, waiter=waiter)
        self._is_closed = False

    @property
    def is_static(self) -> bool:
        """Whether the directory has no look-up."""
        return self._is_static

    def lock(self, key: Hashable, network: str) -> AbstractAsyncContextManager[QueuePosition]:
        """Let one request at a time in among those with the same *key*."""
        return self._lock.hold(key, network)

    async def check(self, username: str, password: str, position: QueuePosition) -> Account | None:
        """Check a password once there is a slot for it."""
        self._raise_if_closed()
        await self._lock.take_slot(position)
        try:
            with translate_errors():
                answer = await self._directory.acheck(username, password)
            return checked_account(answer)
        finally:
            self._queue.leave_slot(position)

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up."""
        self._raise_if_closed()
        with translate_errors():
            answer = await self._directory.alookup(subject)
        return checked_lookup(answer, subject)

    def close(self) -> None:
        """Answer no more."""
        self._is_closed = True

    def _raise_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the directory is closed")


class BlockingDirectory:
    """Give a blocking directory awaitable methods, which never suspend."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def acheck(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None."""
        return self._directory.check(username, password)

    async def alookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        return self._directory.lookup(subject)


def comparison_queue(login: LoginConfig) -> ComparisonQueue:
    """Make the queue in which the threads of a process wait to hash."""
    return ComparisonQueue(at_once=login.hashing_threads, waiting=login.hashing_queue)


def adapt_directory(
    directory: Directory | AsyncDirectory, world: World, login: LoginConfig, *, queue: ComparisonQueue | None = None
) -> DirectoryPort:
    """
    Put *directory* behind the port for *world*.

    Args:
        directory: Who the users are.
        world: Which of its methods are called.
        login: How many may be checked at once and wait.
        queue: The queue of the threads of this process; a new one by default.

    Raises:
        ConfigurationError: If *directory* has no methods for *world*, has async ones under the blocking names, or has
            no look-up and does not say that it is static.
    """
    blocks = _has(directory, "check", is_async=False)
    is_async = _has(directory, "acheck", is_async=True)
    if world == "asgi" and is_async:
        return _async_adapter(directory, login)
    if blocks:
        threads_queue = comparison_queue(login) if queue is None else queue
        return (_direct_adapter if world == "wsgi" else _pool_adapter)(directory, login, threads_queue)
    wanted = (
        "the blocking check and lookup where a WSGI application is wrapped"
        if world == "wsgi"
        else "check and lookup, or acheck and alookup"
    )
    raise ConfigurationError(f"directory must have {wanted}, got {type(directory).__name__}")


def cached_lookups(
    directory: DirectoryPort, world: World, *, seconds: float, wait_seconds: float, capacity: int
) -> AccountLookups:
    """
    Remember for a while what *directory* says of an account.

    Args:
        directory: The directory behind the port for *world*.
        world: Whether threads or tasks wait.
        seconds: How long an account is remembered.
        wait_seconds: How long a request waits for a look-up.
        capacity: How many accounts are remembered at most.
    """
    if world == "wsgi":
        # No one can stop a thread that asks a directory.
        waiter: Callable[[], Waiter] = ThreadWaiter
        limit: TimeLimit = _unlimited
    else:
        from safeconduct.directories.async_adapters import TaskWaiter, time_limit  # noqa: PLC0415 - it imports asyncio

        waiter, limit = TaskWaiter, time_limit
    return CachedLookups(
        directory, seconds=seconds, capacity=capacity, wait_seconds=wait_seconds, waiter=waiter, time_limit=limit
    )


def _unlimited(_seconds: float) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def _direct_adapter(directory: Any, login: LoginConfig, queue: ComparisonQueue) -> DirectAdapter:
    return DirectAdapter(
        BlockingDirectory(directory),
        is_static=_is_static(directory, "lookup", is_async=False),
        queue=queue,
        queue_seconds=login.queue_seconds,
        waiter=ThreadWaiter,
    )


# The two below import what they need themselves: it imports asyncio.
def _async_adapter(directory: Any, login: LoginConfig) -> DirectoryPort:
    from safeconduct.directories.async_adapters import TaskWaiter  # noqa: PLC0415 - see above

    threads, waiting = login.hashing_threads, login.hashing_queue
    # This process hashes nothing here, so more run at once; but one network has no more than a quarter of the rest.
    share = threads + max(1, waiting // _QUARTER)
    return DirectAdapter(
        directory,
        is_static=_is_static(directory, "alookup", is_async=True),
        queue=ComparisonQueue(at_once=threads + waiting, waiting=waiting, at_once_per_network=share),
        queue_seconds=login.queue_seconds,
        waiter=TaskWaiter,
    )


def _pool_adapter(directory: Any, login: LoginConfig, queue: ComparisonQueue) -> DirectoryPort:
    from safeconduct.directories.async_adapters import ThreadPoolAdapter  # noqa: PLC0415 - see above

    return ThreadPoolAdapter(
        directory,
        is_static=_is_static(directory, "lookup", is_async=False),
        threads=login.hashing_threads,
        max_lookups=login.hashing_threads + login.hashing_queue,
        queue=queue,
        queue_seconds=login.queue_seconds,
    )


def _is_static(directory: Any, lookup: str, *, is_async: bool) -> bool:
    is_static = getattr(directory, "static", False)
    if not isinstance(is_static, bool):
        raise ConfigurationError(f"directory.static must be True or False, got {is_static!r}")
    if not is_static and not _has(directory, lookup, is_async=is_async):
        raise ConfigurationError(f"directory must have {lookup}, or say static = True, got {type(directory).__name__}")
    return is_static


def _has(directory: Any, name: str, *, is_async: bool) -> bool:
    method = getattr(directory, name, None)
    if method is None:
        return False
    if not callable(method):
        raise ConfigurationError(f"directory.{name} must be a method, got {type(method).__name__}")
    # A coroutine is neither None nor an account, which would be found out at the first sign-in only.
    if not is_async and iscoroutinefunction(method):
        raise ConfigurationError(f"directory.{name} must be a plain function, got an async one: name it a{name}")
    return True
