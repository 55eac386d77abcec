"""An awaitable directory, awaited."""

from contextlib import AbstractAsyncContextManager

from safeconduct._core.ports import Account, AsyncDirectory
from safeconduct.directories.answers import checked, looked_up, translated
from safeconduct.directories.loop_turns import LoopTurns
from safeconduct.directories.places import Places
from safeconduct.errors import Unavailable


class Native:
    """
    The port for ASGI and a directory that never blocks the loop.

    Args:
        directory: Says who the users are.
        is_static: Whether *directory* has no ``alookup``.
        checked_at_once: How many passwords may be under way at once, wherever the directory hashes them; one more is
            ``Unavailable``.
    """

    def __init__(self, directory: AsyncDirectory, *, is_static: bool, checked_at_once: int) -> None:
        self._directory = directory
        self._is_static = is_static
        self._places = Places(checked_at_once)
        self._turns = LoopTurns()
        self._is_closed = False

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``alookup``."""
        return self._is_static

    async def check(self, username: str, password: str) -> Account | None:
        """Check a password within the bound."""
        self._refuse_if_closed()
        with self._places.taken():
            with translated():
                answer = await self._directory.acheck(username, password)
            return checked(answer)

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up."""
        self._refuse_if_closed()
        with translated():
            answer = await self._directory.alookup(subject)
        return looked_up(answer, subject)

    def alone(self, key: bytes) -> AbstractAsyncContextManager[None]:
        """Let one task at a time in among those with the same *key*."""
        return self._turns.alone(key)

    def close(self) -> None:
        """Answer no more."""
        self._is_closed = True

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the directory is closed")
