"""
The choice of the port behind which a directory is asked.

=========  =======================  ==========  ==========================================================
world      faces of the directory   port        how many at once
=========  =======================  ==========  ==========================================================
``wsgi``   ``check``, or both       ``Inline``  ``hashing_threads``
``wsgi``   ``acheck`` alone         none        ``ConfigurationError``
``asgi``   ``acheck``, or both      ``Native``  ``hashing_threads`` and ``hashing_queue`` together
``asgi``   ``check`` alone          ``Pooled``  ``hashing_threads``
=========  =======================  ==========  ==========================================================

``hashing_queue`` more may wait, for ``queue_seconds``.  ``Inline`` and ``Pooled`` of one process share one queue.
"""

from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, Literal

from safeconduct._core.directory import Account, AsyncDirectory, Directory, QueuePosition
from safeconduct.config.sessions import LoginConfig
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.thread_locks import ThreadTurns
from safeconduct.directories.validation import checked, looked_up, translated
from safeconduct.errors import ConfigurationError, Unavailable


class Inline:
    """
    The port for WSGI: nothing suspends.

    Args:
        directory: Says who the users are.
        is_static: Whether *directory* has no ``lookup``.
        queue: How many passwords may be checked at once, and how many more may wait.  Look-ups hash nothing and have no
            bound but the server's threads.
        queue_seconds: How long a thread waits there.
    """

    def __init__(self, directory: Directory, *, is_static: bool, queue: ComparisonQueue, queue_seconds: float) -> None:
        self._directory = directory
        self._is_static = is_static
        self._queue = queue
        self._turns = ThreadTurns(queue, queue_seconds=queue_seconds)
        self._is_closed = False

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``."""
        return self._is_static

    def turn(self, key: Hashable, network: str) -> AbstractAsyncContextManager[QueuePosition]:
        """Let one thread at a time in among those with the same *key*."""
        return self._turns.turn(key, network)

    async def check(self, username: str, password: str, place: QueuePosition) -> Account | None:
        """Check a password within the bound."""
        self._refuse_if_closed()
        self._turns.take_slot(place)
        try:
            with translated():
                answer = self._directory.check(username, password)
            return checked(answer)
        finally:
            self._queue.leave_slot(place)

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up."""
        self._refuse_if_closed()
        with translated():
            answer = self._directory.lookup(subject)
        return looked_up(answer, subject)

    def close(self) -> None:
        """Answer no more."""
        self._is_closed = True

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the directory is closed")


if TYPE_CHECKING:
    from safeconduct.directories.async_adapters import Native, Pooled

World = Literal["asgi", "wsgi"]
_QUARTER: Final = 4


def queue_for(login: LoginConfig) -> ComparisonQueue:
    """Make the queue in which the threads of a process wait to hash."""
    return ComparisonQueue(at_once=login.hashing_threads, waiting=login.hashing_queue)


def people_for(
    directory: Directory | AsyncDirectory, world: World, login: LoginConfig, *, queue: ComparisonQueue | None = None
) -> "Inline | Pooled | Native":
    """
    Put *directory* behind the port for *world*.

    Args:
        directory: Who the users are.
        world: Which of its faces is asked.
        login: The bounds.
        queue: Where those wait who want to hash in this process; its own where it is None.

    Raises:
        ConfigurationError: If *directory* has no face for *world*, has one in the wrong colour, or has no look-up and
            does not say that it is static.
    """
    threads_queue = queue_for(login) if queue is None else queue
    blocks = _has(directory, "check", is_awaitable=False)
    awaits = _has(directory, "acheck", is_awaitable=True)
    if world == "wsgi":
        return _inline(directory, login, threads_queue, blocks=blocks)
    if awaits:
        return _native(directory, login)
    if blocks:
        return _pooled(directory, login, threads_queue)
    raise ConfigurationError(
        f"directory must have check and lookup, or acheck and alookup, got {type(directory).__name__}"
    )


def _inline(directory: Any, login: LoginConfig, queue: ComparisonQueue, *, blocks: bool) -> Inline:
    if not blocks:
        raise ConfigurationError(
            f"directory must have the blocking check and lookup where a WSGI application is wrapped, "
            f"got {type(directory).__name__}"
        )
    is_static = _is_static(directory, "lookup", is_awaitable=False)
    return Inline(directory, is_static=is_static, queue=queue, queue_seconds=login.queue_seconds)


# The two below are imported when they are needed: they bring asyncio along.
def _native(directory: Any, login: LoginConfig) -> "Native":
    from safeconduct.directories.async_adapters import Native  # noqa: PLC0415 - see above

    is_static = _is_static(directory, "alookup", is_awaitable=True)
    threads, waiting = login.hashing_threads, login.hashing_queue
    # Nothing is hashed here, so more run at once; of these too one network has a quarter besides.
    share = threads + max(1, waiting // _QUARTER)
    queue = ComparisonQueue(at_once=threads + waiting, waiting=waiting, at_once_per_network=share)
    return Native(directory, is_static=is_static, queue=queue, queue_seconds=login.queue_seconds)


def _pooled(directory: Any, login: LoginConfig, queue: ComparisonQueue) -> "Pooled":
    from safeconduct.directories.async_adapters import Pooled  # noqa: PLC0415 - see above

    is_static = _is_static(directory, "lookup", is_awaitable=False)
    threads = login.hashing_threads
    lookups = threads + login.hashing_queue
    seconds = login.queue_seconds
    return Pooled(directory, is_static=is_static, threads=threads, lookups=lookups, queue=queue, queue_seconds=seconds)


def _is_static(directory: Any, name: str, *, is_awaitable: bool) -> bool:
    is_static = getattr(directory, "static", False)
    if not isinstance(is_static, bool):
        raise ConfigurationError(f"directory.static must be True or False, got {is_static!r}")
    if not is_static and not _has(directory, name, is_awaitable=is_awaitable):
        raise ConfigurationError(f"directory must have {name}, or say static = True, got {type(directory).__name__}")
    return is_static


def _has(directory: Any, name: str, *, is_awaitable: bool) -> bool:
    method = getattr(directory, name, None)
    if method is None:
        return False
    if not callable(method):
        raise ConfigurationError(f"directory.{name} must be a method, got {type(method).__name__}")
    # A coroutine where an answer is expected would be neither None nor an account, and at the first sign-in only.
    if not is_awaitable and iscoroutinefunction(method):
        raise ConfigurationError(f"directory.{name} must be a plain function, got an async one: name it a{name}")
    return True
