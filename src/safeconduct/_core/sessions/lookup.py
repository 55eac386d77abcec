"""Find sessions in the store, and end them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from safeconduct._core.directory import Account
from safeconduct._core.receipt import RevocationReceipt
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import epoch_tag
from safeconduct._core.session_pages import Cursor
from safeconduct._core.session_store import SessionRef, SessionReply, SessionStore
from safeconduct._core.sessions.context import SessionContext
from safeconduct._core.sessions.listing import ActiveSession, SessionPage, active_session
from safeconduct._core.sessions.model import MAX_FAILURES, CurrentAccount, Session, level_at
from safeconduct._core.sessions.refresh_token import ParsedRefreshToken
from safeconduct.errors import BadCredentials, NotFound, NotRenewable, RevokedToken, Unavailable
from safeconduct.events import SessionEnded, StoreRolledBack

EndReason = Literal["signed_out", "ended", "reused", "account", "failures", "too_many"]


class SessionLookup:
    """
    Find sessions in the store, and end them.

    Args:
        context: Names sessions, and asks the directory.
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
    """

    def __init__(self, context: SessionContext, store: SessionStore, revocations: Revocations) -> None:
        self._context = context
        self._store = store
        self._revocations = revocations
        self.consult = revocations.consult

    async def read(self, ref: SessionRef) -> Session:
        """
        Return a session that is not over.

        Raises:
            RevokedToken: If it is over.
        """
        return (await self.consult(ref.shard, lambda: self._store.read(ref))).live_session()

    async def find(self, session_id: str) -> tuple[SessionRef, Session]:
        """
        Return the session that *session_id* names, which nothing proves.

        Raises:
            NotFound: If there is none.
        """
        keys = self._context.session_keys
        try:
            session = await self.read(keys.of_unknown(session_id))
        except RevokedToken:
            raise NotFound("no such session") from None
        return keys.of_subject(session.subject, session_id, issuer=session.person_issuer or None), session

    async def find_by_token(self, token: ParsedRefreshToken) -> tuple[SessionRef, Session]:
        """
        Return the session of a refresh token.

        Raises:
            RevokedToken: If it is over, or of a time when the store had more shards.
        """
        try:
            return await self.find(token.session_id)
        except NotFound:
            raise RevokedToken("the session is over") from None

    async def all_of(
        self, subject: str, *, current: str | None = None, issuer: str | None = None
    ) -> tuple[ActiveSession, ...]:
        """
        Return the sessions of *subject*, the one used last first; *current* is the one that asks.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        page = await self.page_of(subject, current=current, issuer=issuer)
        found = list(page.sessions)
        while page.cursor is not None:
            page = await self.page_of(subject, current=current, cursor=page.cursor, issuer=issuer)
            found.extend(page.sessions)
        return tuple(sorted(found, key=lambda session: session.last_used_at, reverse=True))

    async def page_of(
        self, subject: str, *, current: str | None = None, cursor: str | None = None, issuer: str | None = None
    ) -> SessionPage:
        """
        Return at most a hundred sessions of *subject* from *cursor* on, those that last longest first.

        Raises:
            InvalidRequest: If *cursor* is not one of ours.
            Unavailable: If the store cannot be asked.
        """
        after = None if cursor is None else Cursor.from_text(cursor)
        keys, lives = self._context.session_keys, self._context.lives
        ref = keys.of_subject(subject, issuer=issuer)
        reply = await self.consult(
            ref.shard, lambda: self._store.sessions_of(ref, keys.of_session, after)
        )  # fmt: skip
        now_ms = self._context.now_ms()
        return SessionPage(
            tuple(
                active_session(session_id, session, level=level_at(session, now_ms, lives), current=current)
                for session_id, session in reply.sessions
            ),
            None if reply.cursor is None else reply.cursor.to_text(),
        )

    async def id_prefix(self, shard: int) -> bytes:
        """Return what ids of new sessions have after the shard: its epoch's tag, or the mark of this process."""
        return self._store.instance or epoch_tag((await self._revocations.epoch(shard)).name)

    async def account_of(self, ref: SessionRef, session: Session, *, since_ms: int) -> CurrentAccount:
        """
        Ask the directory again about the owner of a session, who was proven at *since_ms*.

        Raises:
            RevokedToken: If the account is gone, disabled or cut off; the session is ended.
            Unavailable: If the directory cannot be asked.
        """
        if session.person_issuer:
            # Our directory does not know them.
            return CurrentAccount()
        try:
            return await self._context.look_up(session.subject, since_ms=since_ms)
        except RevokedToken:
            await self.end(ref, session.subject, "account")
            raise

    async def end(self, ref: SessionRef, subject: str, reason: EndReason) -> SessionReply:
        """End a session, whether the store has it or not."""
        lives_ms = self._context.lives.absolute_ms
        reply = await self.consult(ref.shard, lambda: self._store.end(ref, lives_ms=lives_ms))
        if reply.outcome == "ended":
            self._context.announce(SessionEnded(subject=subject, session_id=ref.session_id, reason=reason))
        return reply

    async def end_demanded(self, ref: SessionRef, subject: str, reason: EndReason) -> None:
        """
        End a session for a caller who relies on its end.

        Raises:
            TooFewReplicas: If fewer replicas than configured have it.
        """
        self.require_replicas(ref, await self.end(ref, subject, reason))

    async def end_all(self, ref: SessionRef) -> SessionReply:
        """End every session of the owner."""
        lives_ms = self._context.lives.absolute_ms
        return await self.consult(ref.shard, lambda: self._store.end_all(ref, lives_ms=lives_ms))

    async def end_named(
        self, session_id: str, reason: EndReason, *, subject: str | None = None, issuer: str | None = None
    ) -> None:
        """
        End the session *session_id*, of *subject* if one is given, for a caller who relies on its end.

        Raises:
            NotFound: If there is none, or it is another person's.
            TooFewReplicas: If fewer replicas than configured have its end, also if it ended before.
        """
        try:
            ref, session = await self.find(session_id)
        except NotFound:
            await self._confirm_end(session_id)
            raise
        if subject is not None and ref.owner != self._context.session_keys.of_subject(subject, issuer=issuer).owner:
            raise NotFound("a session of another person")
        await self.end_demanded(ref, session.subject, reason)

    async def _confirm_end(self, session_id: str) -> None:
        # This may be another try, after too few replicas had confirmed the first one.
        ref = self._context.session_keys.of_unknown(session_id)
        if self._store.min_replicas:
            self.require_replicas(ref, await self.consult(ref.shard, lambda: self._store.confirm(ref)))

    def require_replicas(self, ref: SessionRef, reply: SessionReply) -> None:
        """
        Return if as many replicas as configured have what *reply* is about.

        Raises:
            TooFewReplicas: If fewer do.
        """
        receipt = RevocationReceipt(before_ms=None, shards=(ref.shard,), replicas=reply.replicas)
        receipt.require(self._store.min_replicas)

    async def prove_owner(
        self, ref: SessionRef, session: Session, password: str, *, network: str, knows_device: Callable[[str], bool]
    ) -> Account:
        """
        Prove again that the owner of a session is there; the last of several wrong passwords in a row ends it.

        Raises:
            BadCredentials: If the password is wrong.
            NotRenewable: If the owner was handed over: our directory does not know them.
            RevokedToken: If it is wrong and the session is over.
            AuthError: As ``SessionContext.prove``.
        """
        context = self._context
        if session.person_issuer:
            raise NotRenewable("the person of another issuer, whose password is not known here")
        try:
            return await context.prove(
                session.subject, session.username, password, network=network, knows_device=knows_device
            )
        except BadCredentials:
            request_id = context.draw_id()
            reply = await self.transition(
                ref, lambda: self._store.fail(ref, request_id=request_id, limit=MAX_FAILURES)
            )  # fmt: skip
            if reply.outcome == "ended":
                context.announce(SessionEnded(subject=session.subject, session_id=ref.session_id, reason="failures"))
            raise

    async def discard(self, ref: SessionRef) -> None:
        """End a new session of which no one has a token, if the store can be asked."""
        with suppress(Unavailable):
            lives_ms = self._context.lives.absolute_ms
            await self.consult(ref.shard, lambda: self._store.end(ref, lives_ms=lives_ms))

    async def transition(self, ref: SessionRef, command: Callable[[], Awaitable[SessionReply]]) -> SessionReply:
        """
        Send one command about a session, and announce it if the store has lost a write.

        Raises:
            RevokedToken: If the session is over.
        """
        reply = await self.consult(ref.shard, command)
        if reply.is_rolled_back:
            self._context.announce(StoreRolledBack(shard=ref.shard, session_id=ref.session_id))
        if reply.outcome == "gone":
            raise RevokedToken("the session is over")
        return reply
