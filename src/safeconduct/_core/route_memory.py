"""
Remember what each route requires, in a bounded number of bytes, so that no flood of new paths can empty the memory.

=============  ===========================================  ==========================================
part           what comes in                                what goes out
=============  ===========================================  ==========================================
``_fresh``     every route, on its first request             all, when there are too many
``_used``      routes that were asked for again             all, to ``_idle``, when there are too many
``_idle``      the routes that last left ``_used``          those that were not asked for since
=============  ===========================================  ==========================================

Anonymous callers choose the paths, long ones too, so the size of a route's whole key is counted in bytes.  There is no
lock: a race between threads may forget a route, but never gives a wrong answer.
"""

from sys import getsizeof
from typing import Final, NamedTuple

from safeconduct._core.requirement import Requirement
from safeconduct._http.request import Route

#: The limit for all parts of a key together; a route with a longer key is never remembered.
LONGEST_KEY_BYTES: Final = 1024
FRESH_BYTES: Final = 1 << 20
USED_BYTES: Final = 2 << 20
#: The size of an entry without its key: the tuples, the slots in the tables, a requirement of its own.
_ENTRY_BYTES: Final = 700


class _Entry(NamedTuple):
    requirement: Requirement
    is_closed: bool
    size_bytes: int


class RouteMemory:
    """Remember requirements by route."""

    __slots__ = ("_fresh", "_fresh_bytes", "_idle", "_used", "_used_bytes", "closed")

    def __init__(self) -> None:
        self._fresh: dict[Route, _Entry] = {}
        self._fresh_bytes = 0
        self._used: dict[Route, _Entry] = {}
        self._used_bytes = 0
        self._idle: dict[Route, _Entry] = {}
        #: The routes in ``_used`` that are closed, for the fast path; always the same object, to be read only.
        self.closed: dict[Route, Requirement] = {}

    def get(self, route: Route) -> Requirement | None:
        """Return what *route* requires, or None if it is not remembered."""
        entry = self._used.get(route)
        if entry is None:
            entry = self._idle.get(route) or self._fresh.get(route)
            if entry is None:
                return None
            self._use(route, entry)
        return entry.requirement

    def put(self, route: Route, requirement: Requirement, *, is_closed: bool) -> None:
        """Remember what *route* requires; *is_closed* says whether the fast path may be taken there."""
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
