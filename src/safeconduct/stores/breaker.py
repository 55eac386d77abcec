"""A circuit breaker: a server that does not answer is not waited for by every request."""

import threading
from collections.abc import Callable

from safeconduct.errors import Unavailable
from safeconduct.events import Event, StoreRecovered, StoreUnavailable

#: So many failures in a row open it; fewer would make an incident of one lost packet.
FAILURES = 3
#: So long nobody but one probe asks.  A server that is up again is in use within this.
OPEN_SECONDS = 0.5


class Breaker:
    """
    Let requests through while a server answers, and one in a while when it does not.

    A probe holds no lease: one that never comes back is followed by another after ``OPEN_SECONDS``.

    Args:
        monotonic: A clock that never goes back, in seconds.
        announce: Tells the listeners when it opens and when it closes.
    """

    def __init__(self, *, monotonic: Callable[[], float], announce: Callable[[Event], None]) -> None:
        self._monotonic = monotonic
        self._announce = announce
        self.begin()

    def begin(self) -> None:
        """Forget everything: in a new process, or a forked one."""
        self._failures = 0
        #: How often the server answered; two threads that count at once may count one.
        self.answers = 0
        self._next_probe_at = 0.0
        self._lock = threading.Lock()

    def admit(self) -> None:
        """
        Return if the server may be asked.

        Raises:
            Unavailable: If it may not.
        """
        if self._failures < FAILURES:
            return
        with self._lock:
            now = self._monotonic()
            if now < self._next_probe_at:
                raise Unavailable("the store does not answer")
            self._next_probe_at = now + OPEN_SECONDS

    def succeeded(self) -> None:
        """Close it."""
        self.answers += 1
        if self._failures == 0:
            return
        with self._lock:
            was_open, self._failures = self._failures >= FAILURES, 0
        if was_open:
            self._announce(StoreRecovered())

    def failed(self, reason: str) -> None:
        """Count a failure and open it at the last that is allowed."""
        with self._lock:
            self._failures += 1
            opens = self._failures == FAILURES
            self._next_probe_at = self._monotonic() + OPEN_SECONDS
        if opens:
            self._announce(StoreUnavailable(reason=reason))
