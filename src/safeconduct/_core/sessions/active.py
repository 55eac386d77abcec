"""The sessions that are open: list them, end one, end all, note a use."""

from dataclasses import dataclass
from typing import Final

from safeconduct._core.decision import Clock
from safeconduct._core.session_store import ForeignSession, SessionRef
from safeconduct._core.sessions.lookup import SessionKeys, SessionLookup, session_ended
from safeconduct._core.sessions.model import Session, chain_half_ms, level_at, renew_after
from safeconduct._core.sessions.paging import Cursor
from safeconduct._core.sessions.refresh_token import RefreshTokens
from safeconduct.errors import NotFound, NotRenewable, RevokedToken
from safeconduct.events import SubjectSignedOut
from safeconduct.principal import Level, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """What its holder may do later, and when.  Instants are seconds since the epoch."""

    #: Whether a store keeps it, so that it can be listed and ended.
    is_kept: bool
    #: Whether there is a long-term credential.
    is_remembered: bool
    #: From when on the access token may be renewed, None where its end can't grow.
    renew_after: int | None
    #: From when on the long-term credential may be extended, None where there is none or its end can't grow.
    extend_after: int | None
    #: Until when.
    extend_before: int | None


def prospects(session: Session, *, issued_ms: int, expires_at: int) -> SessionStatus:
    """Say what may become of *session*, for the holder of its access token of *issued_ms*."""
    chain = session.chain
    grows = chain is not None and chain.expires_ms < session.ends_ms
    return SessionStatus(
        is_kept=True,
        is_remembered=chain is not None,
        renew_after=renew_after(session, issued_ms, expires_at),
        extend_after=-(-chain_half_ms(chain) // 1000) if chain is not None and grows else None,
        extend_before=chain.expires_ms // 1000 if chain is not None and grows else None,
    )


#: A use is noted once a minute: whoever looks at the list sees no finer, and most requests write nothing.
_NOTED_EVERY_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSession:
    """One login as its owner sees it.  Instants are seconds since the epoch."""

    session_id: str
    device: str
    network: str
    created_at: int
    last_used_at: int
    #: When it is over if nothing happens.
    expires_at: int
    level: Level
    #: Whether it has a long-term credential.
    is_remembered: bool
    #: Whether it is the one that asks.
    is_current: bool


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some of a user's logins, and what the next page is asked for with; None where this is the last."""

    sessions: tuple[ActiveSession, ...]
    cursor: str | None


class ActiveSessions:
    """
    List and end sessions.

    Args:
        session_lookup: Asks for sessions and ends them.
        refresh_tokens: Reads refresh tokens.
        clock: The time in seconds since the epoch.
    """

    def __init__(self, session_lookup: SessionLookup, refresh_tokens: RefreshTokens, *, clock: Clock) -> None:
        self._session_lookup = session_lookup
        self._store = session_lookup.store
        self._session_keys: SessionKeys = session_lookup.session_keys
        self._refresh_tokens = refresh_tokens
        self._clock = clock

    async def sign_out(self, principal: Principal) -> None:
        """
        End the session behind an access token; nothing happens where there is none.

        Raises:
            Unavailable: If the store can't be asked.
        """
        try:
            ref = self._session_keys.of_principal(principal)
        except NotRenewable:
            return
        await self._session_lookup.end(ref, principal.subject, "signed_out")

    async def sign_out_with(self, refresh_token: str) -> str | None:
        """
        End the session of a refresh token, also of one that was rotated away, and return the session's id.

        Raises:
            InvalidToken: If it is none of ours, or its session is over.
            Unavailable: If the store can't be asked.
        """
        token = self._refresh_tokens.read(refresh_token)
        try:
            subject, ref = await self._found(token.session_id)
        except NotFound:
            raise session_ended() from None
        await self._session_lookup.end(ref, subject, "signed_out")
        return token.session_id

    async def sign_out_of(self, session_id: str) -> None:
        """
        End a session whose id is proven to be the caller's; nothing happens where it is over.

        Raises:
            Unavailable: If the store can't be asked.
        """
        try:
            subject, ref = await self._found(session_id)
        except NotFound:
            return
        await self._session_lookup.end(ref, subject, "signed_out")

    async def sign_out_everywhere(self, subject: str) -> None:
        """
        End every session of *subject* and whatever was issued to him until now.

        Raises:
            Unavailable: If the store can't be asked.
        """
        ref, lives_ms = self._session_keys.of_subject(subject), self._session_lookup.lives.absolute_ms
        await self._session_lookup.consult(ref.shard, lambda: self._store.end_all(ref, lives_ms=lives_ms))
        self._session_lookup.announce(SubjectSignedOut(subject=subject))

    async def list(self, subject: str, *, current: str | None = None) -> tuple[ActiveSession, ...]:
        """
        Return the sessions of *subject*, the one used last first.

        Args:
            subject: Whose.
            current: The id of the session that asks.

        Raises:
            Unavailable: If the store can't be asked.
        """
        page = await self.page(subject, current=current)
        found = list(page.sessions)
        while page.cursor is not None:
            page = await self.page(subject, current=current, cursor=page.cursor)
            found.extend(page.sessions)
        return tuple(sorted(found, key=lambda session: session.last_used_at, reverse=True))

    async def page(self, subject: str, *, current: str | None = None, cursor: str | None = None) -> SessionPage:
        """
        Return at most a hundred sessions of *subject*, those that last longest first, of these the one used last.

        Args:
            subject: Whose.
            current: The id of the session that asks.
            cursor: That of the page before; None for the first.

        Raises:
            InvalidRequest: If *cursor* is none of ours.
            Unavailable: If the store can't be asked.
        """
        after = None if cursor is None else Cursor.from_text(cursor)
        ref = self._session_keys.of_subject(subject)
        reply = await self._session_lookup.consult(
            ref.shard, lambda: self._store.sessions_of(ref, self._session_keys.member, after)
        )  # fmt: skip
        return SessionPage(
            tuple(self._seen(session_id, session, current) for session_id, session in reply.sessions),
            None if reply.cursor is None else reply.cursor.to_text(),
        )

    async def end(self, session_id: str, *, subject: str | None = None) -> None:
        """
        End one session.

        Args:
            session_id: Which.
            subject: Who wants it, whose it must be; None for the application itself.

        Raises:
            NotFound: If there is none, or it is another person's.
            Unavailable: If the store can't be asked.
        """
        try:
            owner, ref = await self._found(session_id)
        except ForeignSession:
            # An id proves nothing: anybody may have made it up, and a failure of ours would be a lie (sessions.md).
            raise NotFound("no session of this process") from None
        if subject is not None and owner != subject:
            raise NotFound("a session of another person")
        await self._session_lookup.end(ref, owner, "ended")

    async def touch(self, principal: Principal) -> None:
        """
        Return if the session behind an access token stands, and note its use.

        Raises:
            RevokedToken: If it is over.
            NotRenewable: If there is none.
            Unavailable: If the store can't be asked.
        """
        ref = self._session_keys.of_principal(principal)
        await self._session_lookup.transition(ref, lambda: self._store.touch(ref, every_ms=_NOTED_EVERY_MS))

    async def prospects(self, principal: Principal) -> SessionStatus:
        """
        Say what may become of the session behind an access token.

        Raises:
            RevokedToken: If it is over.
            NotRenewable: If there is none.
            Unavailable: If the store can't be asked.
        """
        asks = self._session_keys.presented(principal)
        session = await self._session_lookup.read(self._session_keys.of_principal(principal))
        return prospects(session, issued_ms=asks.issued_ms, expires_at=asks.expires_at)

    async def _found(self, session_id: str) -> tuple[str, SessionRef]:
        ref = self._session_keys.of_unknown(session_id)
        try:
            session = await self._session_lookup.read(ref)
        except RevokedToken:
            raise NotFound("no such session") from None
        return session.subject, self._session_keys.of_subject(session.subject, session_id)

    def _seen(self, session_id: str, session: Session, current: str | None) -> ActiveSession:
        return ActiveSession(
            session_id=session_id,
            device=session.device,
            network=session.network,
            created_at=session.created_ms // 1000,
            last_used_at=session.used_ms // 1000,
            expires_at=min(session.over_ms, session.ends_ms) // 1000,
            level=level_at(session, int(self._clock() * 1000), self._session_lookup.lives),
            is_remembered=session.chain is not None,
            is_current=session_id == current,
        )
