"""The opaque tokens in one process's memory: what each says, until it ends by itself."""

import heapq
from typing import Protocol

from safeconduct._core.members import session_place
from safeconduct._core.ports import Answer, Epoch, Question
from safeconduct._core.reference_ports import KeptReply, Resolved, Sought
from safeconduct.stores.lifetimes import MARGIN_MS
from safeconduct.stores.memory_sessions import Ground as SessionGround


class Ground(SessionGround, Protocol):
    """What the tokens stand on: the store's lock and clock, and its answer to the usual question."""

    async def ask(self, question: Question) -> Answer:
        """Look a credential up."""
        ...


class MemoryReferences:
    """
    The port to this process's opaque tokens.

    Args:
        ground: The store that they belong to.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.forget()

    def forget(self) -> None:
        """Drop all of them: a forked child knows nothing of its parent's."""
        self._kept: dict[bytes, tuple[Question, str]] = {}
        self._ends: list[tuple[int, bytes]] = []

    def has(self, reference: bytes) -> bool:
        """Say whether a token is kept; takes no lock."""
        return reference in self._kept

    async def keep(self, question: Question, claims: str) -> KeptReply:
        """Keep what a token says, and forget those that have ended."""
        reference = question.reference or b""
        with self._ground.alone() as now_ms:
            while self._ends and self._ends[0][0] + MARGIN_MS <= now_ms:
                self._kept.pop(heapq.heappop(self._ends)[1], None)
            if question.ends_ms + MARGIN_MS > now_ms:
                self._kept[reference] = (question, claims)
                heapq.heappush(self._ends, (question.ends_ms, reference))
        return KeptReply(self._ground.epoch, is_empty=False)

    async def resolve(self, sought: Sought) -> Resolved:
        """Tell what a token says, and whether it still counts."""
        place = session_place(sought.session_id)
        self._ground.refuse_foreign(b"" if place is None else place[1])
        kept = self._kept.get(sought.reference)
        epoch: Epoch = self._ground.epoch
        if kept is None:
            return Resolved(epoch, is_empty=False, now_ms=None, is_revoked=True)
        question, claims = kept
        answer = await self._ground.ask(question)
        return Resolved(epoch, False, None, answer.is_revoked, question.issued_ms, claims)  # noqa: FBT003 - a field's value
