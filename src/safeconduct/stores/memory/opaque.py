"""The opaque tokens in one process's memory: what each says, until it ends by itself."""

import heapq
from dataclasses import dataclass, field, replace
from typing import Protocol

from safeconduct._core.revocation_keys import session_place
from safeconduct._core.store import KeptReply, OpaqueQuery, Resolved, RevocationQuery, RevocationStatus
from safeconduct.stores.expiry import MARGIN_MS
from safeconduct.stores.memory.sessions import SessionGround

#: How many tokens there may be at once.
LIMIT = 1_000_000


class OpaqueGround(SessionGround, Protocol):
    """What the tokens stand on: the store's lock and clock, and its answer to the usual question."""

    async def ask(self, question: RevocationQuery) -> RevocationStatus:
        """Look a credential up."""
        ...

    def now_ms(self) -> int:
        """Say what time it is."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    question: RevocationQuery
    claims: str = field(repr=False)
    #: When it goes although its end has not come: another token took its place.
    gone_ms: int | None = None


class MemoryOpaqueTokens:
    """
    The port to this process's opaque tokens.

    Args:
        ground: The store that they belong to.
    """

    def __init__(self, ground: OpaqueGround) -> None:
        self._ground = ground
        self.forget()

    def forget(self) -> None:
        """Drop all of them: a forked child knows nothing of its parent's."""
        #: The oldest first.
        self._kept: dict[bytes, _Kept] = {}
        #: The newest token of each session.
        self._newest: dict[str, bytes] = {}
        #: When which token goes whose place another took.
        self._replaced: list[tuple[int, bytes]] = []

    def keeps(self, reference: bytes) -> bool:
        """Say whether a token is kept; takes no lock."""
        kept = self._kept.get(reference)
        return kept is not None and (kept.gone_ms is None or self._ground.now_ms() < kept.gone_ms)

    def keeps_on(self, reference: bytes) -> bool:
        """Say whether a token is kept until something is written; takes no lock."""
        kept = self._kept.get(reference)
        return kept is not None and kept.gone_ms is None

    async def keep(self, question: RevocationQuery, claims: str, *, grace_ms: int) -> KeptReply:
        """Keep what a token says, and forget those that have ended."""
        reference = question.reference or b""
        with self._ground.alone() as now_ms:
            self._evict(now_ms)
            if not _is_over(question, now_ms):
                self._kept[reference] = _Kept(question, claims)
                self._take_the_place(question, reference, now_ms + grace_ms)
        return KeptReply(self._ground.epoch, is_empty=False)

    async def resolve(self, sought: OpaqueQuery) -> Resolved:
        """Tell what a token says, and whether it still counts."""
        place = session_place(sought.session_id)
        self._ground.refuse_foreign(b"" if place is None else place[1])
        with self._ground.alone():
            kept, epoch = self._kept.get(sought.reference), self._ground.epoch
        if kept is None:
            return Resolved(epoch, is_empty=False, now_ms=None, is_revoked=True)
        answer = await self._ground.ask(kept.question)
        return Resolved(epoch, False, None, answer.is_revoked, kept.question.issued_ms, kept.claims)  # noqa: FBT003 - a field's value

    def _take_the_place(self, question: RevocationQuery, reference: bytes, gone_ms: int) -> None:
        session_id = question.kept or ""
        before = self._newest.get(session_id)
        if before is not None and before != reference and before in self._kept:
            # Two requests at once may come here in the other order.
            if self._kept[before].question.issued_ms > question.issued_ms:
                self._replace(reference, gone_ms)
                return
            self._replace(before, gone_ms)
        self._newest[session_id] = reference

    def _replace(self, reference: bytes, gone_ms: int) -> None:
        self._kept[reference] = replace(self._kept[reference], gone_ms=gone_ms)
        heapq.heappush(self._replaced, (gone_ms, reference))
        # Whoever was certain of it looks again from now on.
        self._ground.look_anew()

    def _forget(self, reference: bytes) -> None:
        kept = self._kept.pop(reference, None)
        if kept is not None and self._newest.get(kept.question.kept or "") == reference:
            del self._newest[kept.question.kept or ""]

    def _evict(self, now_ms: int) -> None:
        while self._replaced and self._replaced[0][0] <= now_ms:
            self._forget(heapq.heappop(self._replaced)[1])
        # One that lives longer may keep others behind it for a while: whoever presents those is refused by their end.
        while self._kept:
            oldest = next(iter(self._kept))
            is_over = _is_over(self._kept[oldest].question, now_ms)
            # Whoever refreshes without end could fill the memory within one token's life.
            if not is_over and len(self._kept) < LIMIT:
                return
            self._forget(oldest)
            if not is_over:
                self._ground.look_anew()


def _is_over(question: RevocationQuery, now_ms: int) -> bool:
    return question.ends_ms + MARGIN_MS <= now_ms
