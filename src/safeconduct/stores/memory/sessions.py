"""
The sessions in one process's memory.

They share the lock, the cut-offs and the clock of the process's revocations.  Sessions are frozen: a transition
replaces one by another, so that what was handed out does not change.
"""

from contextlib import AbstractContextManager
from dataclasses import replace

from safeconduct._core.revocation_keys import parse_session_id
from safeconduct._core.session_pages import Cursor, RevocationKeyOf, page_of
from safeconduct._core.session_store import (
    Opening,
    Outcome,
    Renewing,
    Rotation,
    SessionRef,
    SessionReply,
    SessionsReply,
    StepUp,
)
from safeconduct._core.sessions.model import Session
from safeconduct._core.store import MARGIN_MS, Revocation
from safeconduct.stores.memory.revocations import MemoryRevocations
from safeconduct.stores.memory.session_index import SessionIndex
from safeconduct.stores.memory.state_machine import (
    RotationResult,
    issued,
    lengthened,
    opened,
    renewed,
    rotate_chain,
    stepped,
    with_rights,
    without_salt,
)


class MemorySessions:
    """
    Keep this process's sessions.

    Args:
        revocations: The revocations of the same process.
    """

    def __init__(self, revocations: MemoryRevocations) -> None:
        self._revocations = revocations
        self.forget()

    def forget(self) -> None:
        """Drop all of them, in a forked child: they are its parent's."""
        self._index = SessionIndex()

    @property
    def instance(self) -> bytes | None:
        """What the ids of this process's sessions begin with, after their shard."""
        return self._revocations.instance

    @property
    def min_replicas(self) -> int:
        """0, because there are none."""
        return 0

    def keeps(self, session_id: str) -> bool:
        """Return whether a session is here; it may be over, but then none of its tokens is valid any more."""
        return self._index.get(session_id) is not None

    async def open(self, ref: SessionRef, opening: Opening) -> SessionReply:
        """Begin a session."""
        with self._revocations.locked() as now_ms:
            known = self._index.get(ref.session_id)
            if known is not None:
                return self._reply("opened", now_ms, known, known.issued_ms)
            iat_ms = self._revocations.issue_time(ref.cuts, now_ms, opening.earliest_ms)
            session = self._issued(opened(opening, iat_ms), iat_ms, now_ms, opening.access_ms)
            crowded_out = self._evict(ref, opening.max_per_subject, now_ms)
            if self._index.add(ref.session_id, session, ref.owner, key=ref.session, now_ms=now_ms):
                self._revocations.on_change()
            return replace(self._reply("opened", now_ms, session, iat_ms), crowded_out=crowded_out)

    async def read(self, ref: SessionRef) -> SessionReply:
        """Return what is known of a session."""
        with self._locked_for(ref) as now_ms:
            session = self._alive(ref, now_ms)
            return self._reply("gone" if session is None else "read", now_ms, session)

    async def rotate(self, ref: SessionRef, rotation: Rotation) -> SessionReply:
        """Rotate a refresh token."""
        with self._locked_for(ref) as now_ms:
            session = self._alive(ref, now_ms)
            if session is None:
                return self._reply("gone", now_ms)
            rotated = _rotate(session, rotation, now_ms)
            if rotated.outcome not in {"rotated", "retry"}:
                return self._refused(ref, session, rotated, now_ms)
            iat_ms = self._revocations.issue_time(ref.cuts, now_ms, rotation.earliest_ms)
            session = with_rights(replace(session, chain=rotated.chain), rotation.rights)
            session = self._issued(session, iat_ms, now_ms, rotation.access_ms)
            self._index.put(ref.session_id, session)
            return self._reply(rotated.outcome, now_ms, session, iat_ms)

    async def renew(self, ref: SessionRef, renewing: Renewing) -> SessionReply:
        """Renew an access token."""
        asks = renewing.presented
        with self._locked_for(ref) as now_ms:
            session = self._alive(ref, now_ms)
            if session is None or self._revocations.latest_cut_ms(ref.cuts) >= asks.issued_ms:
                return self._reply("gone", now_ms)
            last = session.renewal
            if last is not None and asks.renewals == session.renewals - 1 and now_ms < last.grace_ms:
                return self._reply("repeated", now_ms, session, last.iat_ms)
            if asks.renewals < session.renewals:
                return self._reply("reuse", now_ms, session)
            if asks.renewals > session.renewals:
                return self._rolled_back(ref, session, now_ms)
            if session.ends_ms // 1000 <= asks.expires_at:
                return self._reply("at_end", now_ms, session)
            iat_ms = self._revocations.issue_time(ref.cuts, now_ms, renewing.earliest_ms)
            session = self._issued(renewed(session, renewing, iat_ms, now_ms), iat_ms, now_ms, renewing.access_ms)
            self._index.put(ref.session_id, session)
            return self._reply("renewed", now_ms, session, iat_ms)

    async def step_up(self, ref: SessionRef, step: StepUp) -> SessionReply:
        """Note a proof that was given within a session, and cut off the session's older tokens."""
        with self._locked_for(ref) as now_ms:
            session = self._alive(ref, now_ms)
            if session is not None and session.last_request == step.request_id:
                return self._reply("stepped", now_ms, session, session.issued_ms)
            if session is None or self._revocations.latest_cut_ms(ref.cuts) >= step.presented.issued_ms:
                return self._reply("gone", now_ms)
            if step.rotation is not None:
                rotated = _rotate(session, step.rotation, now_ms)
                if rotated.outcome not in {"rotated", "retry"}:
                    return self._refused(ref, session, rotated, now_ms)
                session = replace(session, chain=rotated.chain)
            session = lengthened(session, step, now_ms)
            self._cut(ref, session.ends_ms, now_ms)
            iat_ms = self._revocations.issue_time(ref.cuts, now_ms, step.earliest_ms)
            session = self._issued(stepped(session, step, iat_ms, now_ms), iat_ms, now_ms, step.access_ms)
            self._index.put(ref.session_id, session)
            return self._reply("stepped", now_ms, session, iat_ms)

    async def fail(self, ref: SessionRef, *, request_id: str, limit: int) -> SessionReply:
        """Count a failed proof."""
        with self._locked_for(ref) as now_ms:
            session = self._alive(ref, now_ms)
            if session is None or session.last_request == request_id:
                return self._reply("gone" if session is None else "failed", now_ms, session)
            session = replace(session, failures=session.failures + 1, last_request=request_id)
            if session.failures >= limit:
                self._drop(ref, session.ends_ms, now_ms)
                return self._reply("ended", now_ms)
            self._index.put(ref.session_id, session)
            return self._reply("failed", now_ms, session)

    async def touch(self, ref: SessionRef, *, every_ms: int) -> SessionReply:
        """Return whether a session is alive, and note its use."""
        with self._locked_for(ref) as now_ms:
            session = self._alive(ref, now_ms)
            if session is None:
                return self._reply("gone", now_ms)
            if now_ms >= session.used_ms + every_ms:
                session = replace(session, used_ms=now_ms)
            self._index.put(ref.session_id, session)
            return self._reply("used", now_ms, session)

    async def end(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End a session and cut it off."""
        with self._locked_for(ref) as now_ms:
            outcome: Outcome = "gone" if self._alive(ref, now_ms) is None else "ended"
            known = self._index.get(ref.session_id)
            self._drop(ref, now_ms + lives_ms if known is None else known.ends_ms, now_ms)
            return self._reply(outcome, now_ms)

    async def end_all(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End every session of the owner and cut off everything issued to them."""
        with self._revocations.locked() as now_ms:
            self._revocations.revoke(Revocation("subject", ref.owner, (ref.shard,), lives_ms=lives_ms), now_ms)
            for session_id in self._index.owned_by(ref.owner):
                self._index.remove(session_id)
            return self._reply("ended", now_ms)

    async def confirm(self, ref: SessionRef) -> SessionReply:
        """Return at once, because there are no replicas."""
        del ref
        return self._reply("gone", self._revocations.now_ms())

    async def sessions_of(self, ref: SessionRef, key_of: RevocationKeyOf, after: Cursor | None = None) -> SessionsReply:
        """Return a page of the owner's sessions."""
        with self._revocations.locked() as now_ms:
            session_ids, cursor = page_of(self._index.ends_of(ref.owner), after)
            refs = [replace(ref, session_id=each_id, session=key_of(each_id)) for each_id in session_ids]
            found = [(one.session_id, self._alive(one, now_ms)) for one in refs]
        alive = [(each_id, session) for each_id, session in found if session is not None]
        alive.sort(key=lambda pair: pair[1].used_ms, reverse=True)
        return SessionsReply(self._revocations.epoch, is_empty=False, sessions=tuple(alive), cursor=cursor)

    def _locked_for(self, ref: SessionRef) -> AbstractContextManager[int]:
        parsed = parse_session_id(ref.session_id)
        self._revocations.refuse_foreign(b"" if parsed is None else parsed[1])
        return self._revocations.locked()

    def _evict(self, ref: SessionRef, most: int, now_ms: int) -> tuple[str, ...]:
        if self._index.count(ref.owner) < most:
            return ()
        ranked: list[tuple[bool, int, SessionRef]] = []
        for name in self._index.owned_by(ref.owner):
            other = replace(ref, session_id=name, session=self._index.revocation_key(name))
            session = self._alive(other, now_ms)
            if session is None:
                self._index.remove(name)
            else:
                ranked.append((session.chain is not None, session.used_ms, other))
        ranked.sort(key=lambda each: (*each[:2], each[2].session_id))
        ended = [other for _, _, other in ranked[: max(0, len(ranked) - most + 1)]]
        for other in ended:
            # Its tokens expire within the longest lifetime of any token.
            self._revocations.revoke(Revocation("session", other.session, (other.shard,), lives_ms=0), now_ms)
            self._index.remove(other.session_id)
        return tuple(other.session_id for other in ended)

    def _alive(self, ref: SessionRef, now_ms: int) -> Session | None:
        session = self._index.get(ref.session_id)
        if session is None or now_ms >= min(session.ends_ms, session.over_ms):
            return None
        if self._revocations.latest_cut_ms(ref.cuts) >= session.issued_ms:
            return None
        unsalted = without_salt(session, now_ms)
        if unsalted is not session:
            self._index.replace(ref.session_id, unsalted)
        return unsalted

    def _issued(self, session: Session, iat_ms: int, now_ms: int, access_ms: int) -> Session:
        return issued(session, iat_ms, now_ms=now_ms, access_ms=access_ms, leeway_ms=self._revocations.leeway_ms)

    def _refused(self, ref: SessionRef, session: Session, rotated: RotationResult, now_ms: int) -> SessionReply:
        if rotated.is_rolled_back:
            return self._rolled_back(ref, session, now_ms)
        if rotated.outcome != "reuse":
            return self._reply(rotated.outcome, now_ms, session)
        self._drop(ref, session.ends_ms, now_ms)
        return self._reply("reuse", now_ms)

    def _rolled_back(self, ref: SessionRef, session: Session, now_ms: int) -> SessionReply:
        # A process's own memory is never set back, so that only this session is in doubt, not the others.
        self._drop(ref, session.ends_ms, now_ms)
        return replace(self._reply("gone", now_ms), is_rolled_back=True)

    def _cut(self, ref: SessionRef, ends_ms: int, now_ms: int) -> None:
        expires_ms = ends_ms + self._revocations.leeway_ms + MARGIN_MS
        self._revocations.revoke(Revocation("session", ref.session, (ref.shard,), expires_ms), now_ms)

    def _drop(self, ref: SessionRef, ends_ms: int, now_ms: int) -> None:
        self._cut(ref, ends_ms, now_ms)
        self._index.remove(ref.session_id)

    def _reply(self, outcome: Outcome, now_ms: int, session: Session | None = None, iat_ms: int = 0) -> SessionReply:
        return SessionReply(self._revocations.epoch, False, outcome, now_ms, iat_ms, session)  # noqa: FBT003 - a field's value


def _rotate(session: Session, rotation: Rotation, now_ms: int) -> RotationResult:
    return rotate_chain(session.chain, rotation, now_ms=now_ms, ends_ms=session.ends_ms)
