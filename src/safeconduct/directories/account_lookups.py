"""Look accounts up at most once in a while, each by one look-up for all who ask at the same time."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, NamedTuple

from safeconduct._core.account_checks import earliest_ms_of
from safeconduct._core.directory import DirectoryPort
from safeconduct.directories.keyed_lock import Waiter
from safeconduct.directories.locks import renew_in_children
from safeconduct.errors import Unavailable

#: Requests that came together may read the clock in another order than they are served; a clock that went back further
#: than this must not prolong what is remembered.
_DISORDER_SECONDS: Final = 1.0

TimeLimit = Callable[[float], AbstractAsyncContextManager[object]]
"""Ends its block with a ``TimeoutError`` after so many seconds, where anything can."""


class _Known(NamedTuple):
    begun: float
    ends: float
    earliest_ms: float


class _Flight:
    """A look-up that is under way."""

    __slots__ = ("begun", "earliest_ms", "error", "is_over", "waiters")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.earliest_ms: float | None = None
        self.error: str | None = None
        self.is_over = False
        self.waiters: list[Waiter] = []

    def end(self) -> None:
        """Let all go on that wait; one that comes from now on sees that it is over."""
        self.is_over = True
        while self.waiters:
            # The loop of one that waits may be closed by now.
            with suppress(RuntimeError):
                self.waiters.pop().wake()


class CachedLookups:
    """
    Look accounts up in a directory, and remember each for a while.

    The memory has two generations: an account enters the new one, and when that is half the capacity it becomes the old
    one, and the previous old one is dropped.  Nothing is iterated or locked, so any thread may look at any time.

    Args:
        directory: The directory.
        seconds: How long an account is remembered, from the beginning of its look-up.
        capacity: How many accounts are remembered at most.
        wait_seconds: How long a request waits for a look-up.
        waiter: Makes what stops a thread or a task.
        time_limit: Ends a look-up that takes too long.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        directory: DirectoryPort,
        *,
        seconds: float,
        capacity: int,
        wait_seconds: float,
        waiter: Callable[[], Waiter],
        time_limit: TimeLimit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._seconds = seconds
        self._half = max(1, capacity // 2)
        self._wait_seconds = wait_seconds
        self._new_waiter = waiter
        self._time_limit = time_limit
        self._clock = clock
        self._young: dict[str, _Known] = {}
        self._old: dict[str, _Known] = {}
        self._flights: dict[str, _Flight] = {}
        renew_in_children(self)

    def recall(self, subject: str, now: float) -> float | None:
        """Return what is known of *subject* at *now*, None if it must be looked up."""
        known = self._young.get(subject) or self._old.get(subject)
        if known is None or not known.begun - _DISORDER_SECONDS <= now < known.ends:
            return None
        return known.earliest_ms

    async def look_up(self, subject: str, now: float) -> float:
        """
        Return what the directory says of *subject*, once for all who ask at the same time.

        Raises:
            Unavailable: If the directory cannot be asked, or takes too long.
        """
        until = self._clock() + self._wait_seconds
        while True:
            own = _Flight(now)
            flight = self._flights.setdefault(subject, own)
            if flight is own:
                return await self._lead(subject, own)
            await self._wait_for(flight, until)
            if flight.error is not None:
                raise Unavailable(flight.error)
            # One that began long ago may have missed a change; one that was cancelled has found out nothing.
            if flight.earliest_ms is not None and now < flight.begun + self._seconds:
                return flight.earliest_ms

    def drop_inherited(self) -> None:
        """Forget the look-ups that threads of the parent process began."""
        self._flights = {}

    async def _lead(self, subject: str, flight: _Flight) -> float:
        try:
            async with self._time_limit(self._wait_seconds):
                account = await self._directory.lookup(subject)
            flight.earliest_ms = earliest_ms_of(account)
        except TimeoutError:
            flight.error = "the directory took too long"
            raise Unavailable(flight.error) from None
        except Unavailable as error:
            flight.error = error.reason
            raise
        finally:
            self._flights.pop(subject, None)
            flight.end()
        self._keep(subject, _Known(flight.begun, flight.begun + self._seconds, flight.earliest_ms))
        return flight.earliest_ms

    async def _wait_for(self, flight: _Flight, until: float) -> None:
        waiter = self._new_waiter()
        flight.waiters.append(waiter)
        if not flight.is_over:
            await waiter.wait(max(0.0, until - self._clock()))
        if not flight.is_over:
            raise Unavailable("the directory takes too long")

    def _keep(self, subject: str, known: _Known) -> None:
        if len(self._young) >= self._half:
            # The old one first: a thread that looks in between finds the same accounts twice, not none.
            self._old, self._young = self._young, {}
        self._young[subject] = known
