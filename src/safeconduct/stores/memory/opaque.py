"""The opaque tokens in one process's memory: the claims of each, until it expires."""

import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from safeconduct._core.revocation_keys import parse_session_id
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus
from safeconduct._core.store import MARGIN_MS, KeptReply, OpaqueQuery, Resolved
from safeconduct.stores.memory.revocations import MemoryRevocations

#: How many tokens there may be at once.
LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class _Kept:
    query: RevocationQuery
    claims: str = field(repr=False)
    #: When it is dropped before its end, because another token has replaced it.
    dropped_ms: int | None = None


class MemoryOpaqueTokens:
    """
    Keep this process's opaque tokens.

    Args:
        revocations: The revocations of the same process.
        ask: Asks the store about the credential behind a token.
    """

    def __init__(
        self, revocations: MemoryRevocations, ask: Callable[[RevocationQuery], Awaitable[RevocationStatus]]
    ) -> None:
        self._revocations = revocations
        self._ask = ask
        self.forget()

    def forget(self) -> None:
        """Drop all of them, in a forked child: they are its parent's."""
        #: The oldest first.
        self._kept: dict[bytes, _Kept] = {}
        #: The newest token of each session.
        self._newest: dict[str, bytes] = {}
        #: When each token is dropped that another one has replaced.
        self._replaced: list[tuple[int, bytes]] = []

    def keeps(self, reference: bytes) -> bool:
        """Return whether a token is kept; takes no lock."""
        kept = self._kept.get(reference)
        return kept is not None and (kept.dropped_ms is None or self._revocations.now_ms() < kept.dropped_ms)

    def keeps_until_written(self, reference: bytes) -> bool:
        """Return whether a token is kept until something is written; takes no lock."""
        kept = self._kept.get(reference)
        return kept is not None and kept.dropped_ms is None

    async def keep(self, query: RevocationQuery, claims: str, *, grace_ms: int) -> KeptReply:
        """Keep the claims of a token, and forget those that have expired."""
        reference = query.reference or b""
        with self._revocations.locked() as now_ms:
            self._evict(now_ms)
            if not _is_over(query, now_ms):
                self._kept[reference] = _Kept(query, claims)
                self._become_newest(query, reference, now_ms + grace_ms)
        return KeptReply(self._revocations.epoch, is_empty=False)

    async def resolve(self, sought: OpaqueQuery) -> Resolved:
        """Return the claims of a token, and whether it still counts."""
        parsed = parse_session_id(sought.session_id)
        self._revocations.refuse_foreign(b"" if parsed is None else parsed[1])
        with self._revocations.locked():
            kept, epoch = self._kept.get(sought.reference), self._revocations.epoch
        if kept is None:
            return Resolved(epoch, is_empty=False, now_ms=None, is_revoked=True)
        status = await self._ask(kept.query)
        return Resolved(epoch, False, None, status.is_revoked, kept.query.issued_ms, kept.claims)  # noqa: FBT003 - a field's value

    def _become_newest(self, query: RevocationQuery, reference: bytes, dropped_ms: int) -> None:
        session_id = query.required_session or ""
        before = self._newest.get(session_id)
        if before is not None and before != reference and before in self._kept:
            # Two concurrent requests may arrive here in the other order.
            if self._kept[before].query.issued_ms > query.issued_ms:
                self._replace(reference, dropped_ms)
                return
            self._replace(before, dropped_ms)
        self._newest[session_id] = reference

    def _replace(self, reference: bytes, dropped_ms: int) -> None:
        self._kept[reference] = replace(self._kept[reference], dropped_ms=dropped_ms)
        heapq.heappush(self._replaced, (dropped_ms, reference))
        self._revocations.on_change()

    def _forget(self, reference: bytes) -> None:
        kept = self._kept.pop(reference, None)
        if kept is not None and self._newest.get(kept.query.required_session or "") == reference:
            del self._newest[kept.query.required_session or ""]

    def _evict(self, now_ms: int) -> None:
        while self._replaced and self._replaced[0][0] <= now_ms:
            self._forget(heapq.heappop(self._replaced)[1])
        # One that lives longer may keep expired ones behind it for a while; those are refused because they expired.
        while self._kept:
            oldest = next(iter(self._kept))
            is_over = _is_over(self._kept[oldest].query, now_ms)
            # A client that refreshes without end could fill the memory within one token's lifetime.
            if not is_over and len(self._kept) < LIMIT:
                return
            self._forget(oldest)
            if not is_over:
                self._revocations.on_change()


def _is_over(query: RevocationQuery, now_ms: int) -> bool:
    return query.ends_ms + MARGIN_MS <= now_ms
