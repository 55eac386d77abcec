"""An index of the sessions in one process's memory: by id, by owner and by end; the longest idle is evicted."""

import heapq
from collections import OrderedDict

from safeconduct._core.sessions.model import Session

#: How many sessions there may be at once.
LIMIT = 1_000_000
_SPARE_ENDS = 1000


class SessionIndex:
    """Index sessions; the caller holds the lock."""

    __slots__ = ("_ends", "_owned", "_owners", "_sessions")

    def __init__(self) -> None:
        #: The longest idle first.
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        #: The owner of each, and the revocation key of the session.
        self._owners: dict[str, tuple[bytes, bytes]] = {}
        self._owned: dict[bytes, set[str]] = {}
        #: When to look at each session again; it may have got a later end since, or be removed.
        self._ends: list[tuple[int, str]] = []

    def __len__(self) -> int:
        """Return how many sessions are kept."""
        return len(self._sessions)

    def get(self, session_id: str) -> Session | None:
        """Return a session without counting that as a use."""
        return self._sessions.get(session_id)

    def owned_by(self, owner: bytes) -> tuple[str, ...]:
        """Return the ids of one owner's sessions."""
        return tuple(self._owned.get(owner, ()))

    def ends_of(self, owner: bytes) -> list[tuple[str, int]]:
        """Return the id of each of one owner's sessions, and when it is over."""
        return [(name, self._sessions[name].over_ms) for name in self.owned_by(owner)]

    def count(self, owner: bytes) -> int:
        """Return how many sessions one owner has."""
        return len(self._owned.get(owner, ()))

    def revocation_key(self, session_id: str) -> bytes:
        """Return the revocation key of a session that is kept."""
        return self._owners[session_id][1]

    def add(self, session_id: str, session: Session, owner: bytes, *, key: bytes, now_ms: int) -> bool:
        """
        Add a new session, after removing those that are over; at the limit the longest idle is evicted.

        Returns:
            Whether a session was evicted that was not over.
        """
        has_evicted = self._evict(now_ms)
        self._owners[session_id] = (owner, key)
        self._owned.setdefault(owner, set()).add(session_id)
        heapq.heappush(self._ends, (session.over_ms, session_id))
        self.put(session_id, session)
        return has_evicted

    def put(self, session_id: str, session: Session) -> None:
        """Replace a session that was just used."""
        self._sessions[session_id] = session
        self._sessions.move_to_end(session_id)

    def replace(self, session_id: str, session: Session) -> None:
        """Replace a session without counting that as a use."""
        self._sessions[session_id] = session

    def remove(self, session_id: str) -> None:
        """Remove a session if it is known."""
        if self._sessions.pop(session_id, None) is None:
            return
        owner, _ = self._owners.pop(session_id)
        owned = self._owned[owner]
        owned.discard(session_id)
        if not owned:
            del self._owned[owner]

    def _evict(self, now_ms: int) -> bool:
        while self._ends and self._ends[0][0] <= now_ms:
            _, session_id = heapq.heappop(self._ends)
            session = self._sessions.get(session_id)
            if session is not None and session.over_ms > now_ms:
                heapq.heappush(self._ends, (session.over_ms, session_id))
            else:
                self.remove(session_id)
        has_evicted = len(self._sessions) >= LIMIT
        while len(self._sessions) >= LIMIT:
            self.remove(next(iter(self._sessions)))
        if len(self._ends) > 2 * len(self._sessions) + _SPARE_ENDS:
            self._ends = [(session.over_ms, session_id) for session_id, session in self._sessions.items()]
            heapq.heapify(self._ends)
        return has_evicted
