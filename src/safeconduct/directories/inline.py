"""A blocking directory, asked in the request's own thread."""

from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager

from safeconduct._core.directory import Account, Directory, Place
from safeconduct.directories.answers import checked, looked_up, translated
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.turns import ThreadTurns
from safeconduct.errors import Unavailable


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

    def turn(self, key: Hashable, network: str) -> AbstractAsyncContextManager[Place]:
        """Let one thread at a time in among those with the same *key*."""
        return self._turns.turn(key, network)

    async def check(self, username: str, password: str, place: Place) -> Account | None:
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
