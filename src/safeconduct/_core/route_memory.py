"""
What routes ask, remembered in a bounded number of bytes, which no flood of new paths can empty.

=============  ===========================================  ==========================================
part           who comes in                                 who goes out
=============  ===========================================  ==========================================
``_fresh``     every route, when it is asked for first      all, when they are too many
``_used``      what was asked for again                     all to ``_idle``, when they are too many
``_idle``      ``_used`` of the time before                 what was not asked for since
=============  ===========================================  ==========================================

Strangers choose paths, and long ones too: what a route costs is counted in bytes, its whole key.  There is no lock; a
race between threads costs a memory, never a wrong answer.
"""

from sys import getsizeof
from typing import Final, NamedTuple

from safeconduct._core.requirement import Requirement
from safeconduct._http.request import Route

#: Of all parts of a key together; a longer one is never remembered.
LONGEST_KEY_BYTES: Final = 1024
FRESH_BYTES: Final = 1 << 20
USED_BYTES: Final = 2 << 20
#: What an entry costs beside its key: the tuples, the places in the tables, a requirement of its own.
_ENTRY_BYTES: Final = 700


class _Entry(NamedTuple):
    requirement: Requirement
    is_closed: bool
    size_bytes: int


class RouteMemory:
    """Remembers requirements by route."""

    __slots__ = ("_fresh", "_fresh_bytes", "_idle", "_used", "_used_bytes", "closed")

    def __init__(self) -> None:
        self._fresh: dict[Route, _Entry] = {}
        self._fresh_bytes = 0
        self._used: dict[Route, _Entry] = {}
        self._used_bytes = 0
        self._idle: dict[Route, _Entry] = {}
        #: Those in use that are closed, for the short way; always this object, to be read only.
        self.closed: dict[Route, Requirement] = {}

    def get(self, route: Route) -> Requirement | None:
        """Return what *route* asks, or None."""
        entry = self._used.get(route)
        if entry is None:
            entry = self._idle.get(route) or self._fresh.get(route)
            if entry is None:
                return None
            self._use(route, entry)
        return entry.requirement

    def put(self, route: Route, requirement: Requirement, *, is_closed: bool) -> None:
        """Remember what *route* asks; *is_closed* says whether the short way may be taken there."""
        key_bytes = sum(map(getsizeof, route))
        if key_bytes > LONGEST_KEY_BYTES:
            return
        entry = _Entry(requirement, is_closed, key_bytes + _ENTRY_BYTES)
        if self._fresh_bytes + entry.size_bytes > FRESH_BYTES:
            self._fresh.clear()
            self._fresh_bytes = 0
        self._fresh[route] = entry
        self._fresh_bytes += entry.size_bytes

    def _use(self, route: Route, entry: _Entry) -> None:
        if self._used_bytes + entry.size_bytes > USED_BYTES:
            self._idle = self._used.copy()
            self._used.clear()
            self.closed.clear()
            self._used_bytes = 0
        self._used[route] = entry
        self._used_bytes += entry.size_bytes
        if entry.is_closed:
            self.closed[route] = entry.requirement
