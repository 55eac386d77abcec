"""A blocking directory, asked in a bounded pool of threads."""

from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager
from functools import partial

from safeconduct._core.directory import Account, Directory, Place
from safeconduct.directories.answers import checked, looked_up, translated
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.directories.loop_turns import LoopTurns
from safeconduct.directories.places import Places
from safeconduct.directories.pool import Pool


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

    def turn(self, key: Hashable, network: str) -> AbstractAsyncContextManager[Place]:
        """Let one task at a time in among those with the same *key*."""
        return self._turns.turn(key, network)

    async def check(self, username: str, password: str, place: Place) -> Account | None:
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
