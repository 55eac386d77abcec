"""A blocking directory, asked in a bounded pool of threads."""

from contextlib import AbstractAsyncContextManager

from safeconduct._core.ports import Account, Directory
from safeconduct.directories.answers import checked, looked_up, translated
from safeconduct.directories.loop_turns import LoopTurns
from safeconduct.directories.pool import Pool


class Pooled:
    """
    The port for ASGI and a directory that blocks.

    Look-ups have threads of their own: a storm of sign-ins must not refuse those who are signed in.

    Args:
        directory: Says who the users are.
        is_static: Whether *directory* has no ``lookup``.
        threads: How many passwords are hashed at once.
        queue: How many more may wait; one more is ``Unavailable``.
    """

    def __init__(self, directory: Directory, *, is_static: bool, threads: int, queue: int) -> None:
        self._directory = directory
        self._is_static = is_static
        self._checks = Pool("safeconduct-check", threads=threads, queue=queue)
        self._lookups = Pool("safeconduct-lookup", threads=threads, queue=queue)
        self._turns = LoopTurns()

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``."""
        return self._is_static

    async def check(self, username: str, password: str) -> Account | None:
        """Check a password in a thread."""
        return await self._checks.run(lambda: self._check(username, password))

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up in a thread."""
        return await self._lookups.run(lambda: self._look_up(subject))

    def alone(self, key: bytes) -> AbstractAsyncContextManager[None]:
        """Let one task at a time in among those with the same *key*."""
        return self._turns.alone(key)

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
