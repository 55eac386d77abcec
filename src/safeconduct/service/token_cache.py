"""
Cache an access token and renew it ahead of its expiry, for any number of threads, tasks and event loops.

One of those who need a new token fetches it, and the others wait for that one.  As long as the token at hand is valid
nobody waits: one caller renews it, and the others go on with it; if that fails, so does the one who tried.
"""

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Final, Protocol, Self, cast

from safeconduct.directories.locks import renew_in_children
from safeconduct.service.errors import TokenEndpointUnavailable, TokenRequestFailed

_RENEW_SECONDS: Final = 60
_RENEW_SHARE: Final = 5
# A request needs time to arrive, and clocks differ.
_LAST_SECONDS: Final = 5
_LAST_SHARE: Final = 10
_PAUSE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, and how long it is used."""

    value: str = field(repr=False)
    #: From when on a new one is fetched.
    renew_at: float
    #: Until when this one is sent.
    usable_until: float

    @classmethod
    def lasting(cls, value: str, *, issued_at: float, lifetime_seconds: float) -> Self:
        """Return the token that was issued at *issued_at* for so many seconds."""
        end = issued_at + lifetime_seconds
        return cls(
            value,
            end - min(_RENEW_SECONDS, lifetime_seconds / _RENEW_SHARE),
            end - min(_LAST_SECONDS, lifetime_seconds / _LAST_SHARE),
        )

    @property
    def field(self) -> str:
        """Return the value of the ``Authorization`` header."""
        return f"Bearer {self.value}"


class TokenSource(Protocol):
    """Fetch a new token, blocking or awaitable."""

    def fetch(self) -> AccessToken:
        """Return a new token, or raise ``TokenRequestFailed``."""
        ...

    async def afetch(self) -> AccessToken:
        """Return a new token, or raise ``TokenRequestFailed``."""
        ...


class _Fetch:
    """A fetch that is under way; its result is None if it was given up."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        #: The event loop that it needs in order to end.
        self.loop = loop
        self.token: AccessToken | None = None
        self.error: TokenRequestFailed | None = None
        self.result: Future[AccessToken | None] = Future()
        # From now on no waiting task can cancel it for the others.
        self.result.set_running_or_notify_cancel()


@dataclass(frozen=True, slots=True)
class _Mine:
    """The caller fetches; *spare* is the token that is still valid."""

    fetch: _Fetch
    spare: AccessToken | None


class TokenCache:
    """
    Return the token of *source*, fetched no more often than needed.

    Args:
        source: Fetches tokens.
        clock: Returns the time in seconds since the epoch.
        patience_seconds: How long a caller waits for the fetch of another one.
    """

    def __init__(self, source: TokenSource, clock: Callable[[], float], patience_seconds: float) -> None:
        self._source = source
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._token: AccessToken | None = None
        self._retry_at = float("-inf")
        self.drop_inherited()
        renew_in_children(self)

    def drop_inherited(self) -> None:
        """Forget the lock and the fetch of the parent process."""
        self._lock = threading.Lock()
        self._fetch: _Fetch | None = None

    def get(self) -> AccessToken:
        """
        Return a valid token; blocking.

        Raises:
            TokenRequestFailed: If there is none and none could be fetched.
        """
        while True:
            found = self._next(is_blocking=True)
            if isinstance(found, AccessToken):
                return found
            if isinstance(found, _Mine):
                with self._ending(found.fetch):
                    found.fetch.token = self._source.fetch()
                return self._outcome(found)
            with self._waiting(found):
                token = found.result.result(self._patience_seconds)
            if token is not None:
                return token

    async def aget(self) -> AccessToken:
        """
        Return a valid token; awaitable.

        Raises:
            TokenRequestFailed: If there is none and none could be fetched.
        """
        while True:
            found = self._next(is_blocking=False)
            if isinstance(found, AccessToken):
                return found
            if isinstance(found, _Mine):
                with self._ending(found.fetch):
                    found.fetch.token = await self._source.afetch()
                return self._outcome(found)
            with self._waiting(found):
                async with asyncio.timeout(self._patience_seconds):
                    token = await asyncio.wrap_future(found.result)
            if token is not None:
                return token

    def reject(self, token: AccessToken) -> None:
        """Drop *token*, which a server refused, unless another one has taken its place."""
        with self._lock:
            if self._token is token:
                self._token = None

    def _next(self, *, is_blocking: bool) -> AccessToken | _Fetch | _Mine:
        """Return the token to use, the fetch to wait for, or the one to make."""
        loop = _running_loop()
        with self._lock:
            now = self._clock()
            token, fetch = self._token, self._fetch
            spare = token if token is not None and now < token.usable_until else None
            if spare is not None and (fetch is not None or now < max(spare.renew_at, self._retry_at)):
                return spare
            # A blocking call in the thread of an event loop must not wait for a task of that loop.
            if fetch is not None and not (is_blocking and loop is not None and fetch.loop is loop):
                return fetch
            mine = _Mine(_Fetch(None if is_blocking else loop), spare)
            self._fetch = mine.fetch
            return mine

    @contextmanager
    def _ending(self, fetch: _Fetch) -> Generator[None]:
        """End *fetch* however it ends, so that no other caller waits for it in vain."""
        try:
            yield
        except TokenRequestFailed as error:
            fetch.error = error
        finally:
            with self._lock:
                self._forget(fetch)
                if fetch.token is not None:
                    self._token, self._retry_at = fetch.token, float("-inf")
                else:
                    self._retry_at = self._clock() + _PAUSE_SECONDS
            if fetch.error is None:
                fetch.result.set_result(fetch.token)
            else:
                fetch.result.set_exception(fetch.error)

    def _outcome(self, mine: _Mine) -> AccessToken:
        """Return the new token, or the one that is still valid although no new one could be fetched."""
        error, spare = mine.fetch.error, mine.spare
        if error is None:
            return cast("AccessToken", mine.fetch.token)
        if spare is not None and self._clock() < spare.usable_until:
            return spare
        raise error

    @contextmanager
    def _waiting(self, fetch: _Fetch) -> Generator[None]:
        """Give up waiting for *fetch* with a typed error, so that the next caller fetches."""
        try:
            yield
        except TimeoutError:
            with self._lock:
                self._forget(fetch)
            raise TokenEndpointUnavailable("timeout") from None
        except TokenRequestFailed as error:
            raise copy(error) from None

    def _forget(self, fetch: _Fetch) -> None:
        if self._fetch is fetch:
            self._fetch = None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
