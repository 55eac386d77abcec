"""
What the throttle tells: a bound that is reached, once for each account and network, and a proxy without a name, once.

Whoever is refused can try again as often as they like, and must not set the rate of the log.
"""

from collections.abc import Callable
from typing import Final

from safeconduct.events import Event, Throttled, UnknownPeer

_WINDOW_SECONDS: Final = 15 * 60
#: What is told of at once.  Each took failures that were counted, so that nobody fills this quickly.
_LIMIT: Final = 10_000


class ThrottleNews:
    """
    Announce what the throttle did, at a rate that nobody outside decides about.

    A refusal is told at once, unless one of the same account or of the same network was told within the last quarter of
    an hour.  What was not told is counted, and the next one that is told brings the number along.

    Args:
        announce: Tells the listeners.
        clock: The time in seconds.
    """

    def __init__(self, announce: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._announce = announce
        self._clock = clock
        #: By account or network, in the order of time: when it was told, and how many were refused in silence since.
        self._told: dict[str, list[float]] = {}
        self._knows_peers = True

    def refused(self, account: str, network: str, *, retry_after_seconds: int) -> None:
        """Count a refusal and tell of it if nobody was told of its like; both names are digests."""
        now = self._clock()
        keys = f"account {account}", f"network {network}"
        entries = [entry for entry in map(self._told.get, keys) if entry is not None]
        if any(abs(now - entry[0]) < _WINDOW_SECONDS for entry in entries):
            # In one of them, so that it is told once.
            entries[0][1] += 1
            return
        silent = int(sum(entry[1] for entry in entries))
        for key in keys:
            self._told.pop(key, None)
            self._told[key] = [now, 0]
        self._forget()
        self._announce(Throttled(account=account, retry_after_seconds=retry_after_seconds, refused=silent + 1))

    def unknown_peer(self) -> None:
        """Tell once that somebody came without an address, which a proxy that is not named keeps to itself."""
        if self._knows_peers:
            self._knows_peers = False
            self._announce(UnknownPeer())

    def _forget(self) -> None:
        # Other threads may add and forget meanwhile.
        for key in tuple(self._told)[:-_LIMIT]:
            self._told.pop(key, None)
