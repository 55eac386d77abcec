"""A blocking directory, asked in the request's own thread."""

from contextlib import AbstractAsyncContextManager

from safeconduct._core.ports import Account, Directory
from safeconduct.directories.answers import checked, looked_up, translated
from safeconduct.directories.places import Places
from safeconduct.directories.turns import ThreadTurns
from safeconduct.errors import Unavailable


class Inline:
    """
    The port for WSGI: nothing suspends.

    Args:
        directory: Says who the users are.
        is_static: Whether *directory* has no ``lookup``.
        hashed_at_once: How many passwords may be checked at once; one more is ``Unavailable``, since a thread that
            waited would be missing elsewhere.  Look-ups hash nothing and have no bound but the server's threads.
    """

    def __init__(self, directory: Directory, *, is_static: bool, hashed_at_once: int) -> None:
        self._directory = directory
        self._is_static = is_static
        self._places = Places(hashed_at_once)
        self._turns = ThreadTurns()
        self._is_closed = False

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``."""
        return self._is_static

    async def check(self, username: str, password: str) -> Account | None:
        """Check a password within the bound."""
        self._refuse_if_closed()
        with self._places.taken():
            with translated():
                answer = self._directory.check(username, password)
            return checked(answer)

    async def lookup(self, subject: str) -> Account | None:
        """Look an account up."""
        self._refuse_if_closed()
        with translated():
            answer = self._directory.lookup(subject)
        return looked_up(answer, subject)

    def alone(self, key: bytes) -> AbstractAsyncContextManager[None]:
        """Let one thread at a time in among those with the same *key*."""
        return self._turns.alone(key)

    def close(self) -> None:
        """Answer no more."""
        self._is_closed = True

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the directory is closed")
