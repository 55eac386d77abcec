"""The opaque tokens in one process's memory: what each says, until it ends by itself."""

from typing import Protocol

from safeconduct._core.members import session_place
from safeconduct._core.ports import Answer, Question
from safeconduct._core.reference_ports import KeptReply, Resolved, Sought
from safeconduct.stores.lifetimes import MARGIN_MS
from safeconduct.stores.memory_sessions import Ground as SessionGround

#: How many tokens there may be at once.
LIMIT = 1_000_000


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
        #: The oldest first.
        self._kept: dict[bytes, tuple[Question, str]] = {}

    def keeps(self, reference: bytes) -> bool:
        """Say whether a token is kept; takes no lock."""
        return reference in self._kept

    async def keep(self, question: Question, claims: str) -> KeptReply:
        """Keep what a token says, and forget those that have ended."""
        reference = question.reference or b""
        with self._ground.alone() as now_ms:
            self._make_room(now_ms)
            if not _is_over(question, now_ms):
                self._kept[reference] = (question, claims)
        return KeptReply(self._ground.epoch, is_empty=False)

    async def resolve(self, sought: Sought) -> Resolved:
        """Tell what a token says, and whether it still counts."""
        place = session_place(sought.session_id)
        self._ground.refuse_foreign(b"" if place is None else place[1])
        with self._ground.alone():
            kept, epoch = self._kept.get(sought.reference), self._ground.epoch
        if kept is None:
            return Resolved(epoch, is_empty=False, now_ms=None, is_revoked=True)
        question, claims = kept
        answer = await self._ground.ask(question)
        return Resolved(epoch, False, None, answer.is_revoked, question.issued_ms, claims)  # noqa: FBT003 - a field's value

    def _make_room(self, now_ms: int) -> None:
        # One that lives longer may keep others behind it for a while: whoever presents those is refused by their end.
        while self._kept:
            oldest = next(iter(self._kept))
            is_over = _is_over(self._kept[oldest][0], now_ms)
            # Whoever refreshes without end could fill the memory within one token's life.
            if not is_over and len(self._kept) < LIMIT:
                return
            del self._kept[oldest]
            if not is_over:
                self._ground.look_anew()


def _is_over(question: Question, now_ms: int) -> bool:
    return question.ends_ms + MARGIN_MS <= now_ms
