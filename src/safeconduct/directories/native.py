"""An awaitable directory, awaited."""

from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager

from safeconduct._core.directory import Account, AsyncDirectory, Place
from safeconduct.directories.answers import checked, looked_up, translated
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.loop_turns import LoopTurns
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

    def turn(self, key: Hashable, network: str) -> AbstractAsyncContextManager[Place]:
        """Let one task at a time in among those with the same *key*."""
        return self._turns.turn(key, network)

    async def check(self, username: str, password: str, place: Place) -> Account | None:
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
