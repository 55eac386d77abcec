"""Announce when a local view becomes too old, and when it is current again."""

from collections.abc import Callable

from safeconduct.events import Event, ViewCurrent, ViewStale


class ViewAge:
    """
    Watch the age of a follower's shards, from its thread.

    Args:
        shards: How many shards the follower has.
        staleness_seconds: The greatest age at which they are believed.
        announce: Tells the listeners.
        monotonic: A clock that never goes back, in seconds.
    """

    __slots__ = ("_announce", "_confirmed_at", "_is_stale", "_monotonic", "_shards", "_staleness_seconds")

    def __init__(
        self,
        *,
        shards: int,
        staleness_seconds: float,
        announce: Callable[[Event], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._shards = shards
        self._staleness_seconds = staleness_seconds
        self._announce = announce
        self._monotonic = monotonic
        self.begin()

    def begin(self) -> None:
        """Begin to wait for the first load."""
        self._confirmed_at = self._monotonic()
        self._is_stale = False

    def confirmed(self, sent_at: float) -> None:
        """Note that the shards were current at *sent_at*."""
        now = self._monotonic()
        if self._is_stale and now - sent_at < self._staleness_seconds:
            self._is_stale = False
            self._announce(ViewCurrent(age_seconds=now - self._confirmed_at, shards=self._shards))
        self._confirmed_at = max(self._confirmed_at, sent_at)

    def look(self) -> None:
        """Announce it if the shards are too old by now."""
        age_seconds = self._monotonic() - self._confirmed_at
        if not self._is_stale and age_seconds >= self._staleness_seconds:
            self._is_stale = True
            self._announce(ViewStale(age_seconds=age_seconds, shards=self._shards))
