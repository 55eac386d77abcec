"""Implement the verbs on sessions that a store keeps; the table in ``model`` says what each of them changes."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from safeconduct._core.directory import Account
from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import (
    ForeignSession,
    LongTerm,
    Opening,
    Renewing,
    SessionRef,
    SessionReply,
    SessionStore,
    StepUp,
)
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.context import SessionContext
from safeconduct._core.sessions.listing import ActiveSession, SessionPage
from safeconduct._core.sessions.lookup import SessionLookup
from safeconduct._core.sessions.model import Rights, Session, token_half
from safeconduct._core.sessions.refresh_token import (
    SECRET_BYTES,
    FirstToken,
    ParsedRefreshToken,
    TokenRotation,
    refuse_unrotated,
)
from safeconduct._core.sessions.session_keys import presented_by
from safeconduct._core.sessions.verbs import SessionStatus, Tokens, knows_no_device
from safeconduct._core.tagged_token import new_session_id, octets_of, text_of
from safeconduct._tokens.issuer import Checked
from safeconduct.errors import BindingMismatch, NotFound, NotRenewable, RevokedToken, TooEarly, Unavailable
from safeconduct.events import RenewReused, SessionEnded, SignedIn, SteppedUp, SubjectSignedOut
from safeconduct.principal import Principal

#: A use is noted once a minute, so that most requests write nothing.
_NOTED_EVERY_MS: Final = 60_000


class StoredSessions:
    """
    Implement ``SessionVerbs``, which says what each verb takes and raises.

    Args:
        context: Settings and collaborators of the verbs.
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
    """

    def __init__(self, context: SessionContext, store: SessionStore, revocations: Revocations) -> None:
        #: Settings and collaborators of the verbs.
        self.context = self._context = context
        self._store = store
        self._lookup = SessionLookup(context, store, revocations)

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, origin: RequestOrigin | None = None
    ) -> Tokens:
        """Begin a session."""
        self._context.require_usable(account)
        context, origin, rights = self._context, origin or RequestOrigin(), Rights.of(account)
        subject = account.subject
        shard = context.session_keys.shard_of(subject)
        drawn = new_session_id(shard, await self._lookup.id_prefix(shard), context.draw)
        ref = context.session_keys.of_subject(subject, text_of(drawn))
        prepared = context.token_maker.prepare(
            ref.session_id, subject, rights, level=account.level, transport=origin.transport, now_ms=context.now_ms()
        )
        keys = context.derived_keys() if remember else None
        first = None if keys is None else ParsedRefreshToken.first(drawn, context.draw(SECRET_BYTES), keys)
        opening = self._opening(account, rights, username, origin, first)
        reply = await self._lookup.transition(ref, lambda: self._store.open(ref, opening))
        session = reply.live_session()
        if session.subject != subject:
            # The id that was drawn is taken: no one gets another person's session for that.
            raise Unavailable("the new session's id is taken")
        for session_id in reply.crowded_out:
            context.announce(SessionEnded(subject=subject, session_id=session_id, reason="too_many"))
        refresh_token = None if first is None or keys is None else first.issue(session, keys)
        try:
            tokens = await context.token_maker.make(
                ref.session_id, session, prepared, iat_ms=reply.iat_ms, refresh_token=refresh_token
            )
        except Unavailable:
            # No one has a token of it, and its owner's list would show it.
            await self._lookup.discard(ref)
            raise
        context.announce(SignedIn(subject=subject, session_id=ref.session_id, level=account.level))
        return tokens

    async def refresh(
        self,
        refresh_token: str,
        *,
        extend: bool = False,
        password: str | None = None,
        origin: RequestOrigin | None = None,
        knows_device: Callable[[str], bool] = knows_no_device,
    ) -> Tokens:
        """Rotate a refresh token and return an access token of the session's present level."""
        context, keys, origin = self._context, self._context.derived_keys(), origin or RequestOrigin()
        token = ParsedRefreshToken.from_text(refresh_token, keys)
        ref, session = await self._lookup.find_by_token(token)
        context.binding.check(session, ref.session_id, origin, announce=context.announce)
        if extend:
            await context.prove_to_extend(
                session.subject, session.username, password, network=origin.network, knows_device=knows_device
            )
        account = await self._lookup.account_of(ref, session, since_ms=session.auth_ms)
        prepared = context.prepare(ref.session_id, session, rights=account.rights)
        rotation = TokenRotation.begin(token, keys, context.draw)
        command = rotation.command(context.lives, account, extends=extend)
        reply = await self._lookup.transition(ref, lambda: self._store.rotate(ref, command))
        refuse_unrotated(reply, ref.session_id, session.subject, announce=context.announce)
        return await self._make_tokens(ref, reply, prepared, rotation)

    async def renew(self, principal: Principal) -> Tokens:
        """Return an access token of the level ``remembered`` for one that is past half of its life."""
        context = self._context
        ref, presented = context.session_keys.of_principal(principal), presented_by(principal)
        if context.clock() < token_half(presented.issued_ms, presented.expires_at):
            raise TooEarly("half of the token's life is not over")
        session = await self._lookup.read(ref)
        since_ms = min(session.auth_ms, presented.issued_ms)
        account = await self._lookup.account_of(ref, session, since_ms=since_ms)
        prepared = context.prepare(ref.session_id, session, rights=account.rights, level="remembered")
        renewing = Renewing(
            presented=presented,
            token_id=context.draw_id(),
            grace_ms=context.lives.grace_ms,
            access_ms=context.lives.access_ms,
            rights=account.rights_text,
            earliest_ms=account.earliest_ms,
        )
        reply = await self._lookup.transition(ref, lambda: self._store.renew(ref, renewing))
        if reply.outcome == "reuse":
            context.announce(RenewReused(subject=session.subject, session_id=ref.session_id))
            raise RevokedToken("the token was renewed before")
        if reply.outcome == "at_end":
            raise NotRenewable("the session ends with the token")
        renewed = reply.live_session()
        if renewed.renewal is None:
            raise Unavailable("the store renewed nothing")
        return await context.token_maker.make(
            ref.session_id, renewed, prepared, iat_ms=renewed.renewal.iat_ms, renewal=renewed.renewal
        )

    async def step_up(
        self,
        principal: Principal,
        password: str,
        *,
        refresh_token: str | None = None,
        remember: bool = False,
        origin: RequestOrigin | None = None,
        knows_device: Callable[[str], bool] = knows_no_device,
    ) -> Tokens:
        """Prove again who the user is; the session's older access tokens end."""
        context, origin = self._context, origin or RequestOrigin()
        ref, presented = context.session_keys.of_principal(principal), presented_by(principal)
        rotation = None if refresh_token is None else self._begin_rotation(refresh_token, ref)
        session = await self._lookup.read(ref)
        if rotation is not None or remember:
            context.binding.check(session, ref.session_id, origin, announce=context.announce)
        proven = await self._lookup.prove_owner(
            ref, session, password, network=origin.network, knows_device=knows_device
        )
        account = await self._lookup.account_of(ref, session, since_ms=min(session.auth_ms, presented.issued_ms))
        rights = account.rights or Rights.of(proven)
        prepared = context.prepare(ref.session_id, session, rights=rights, level=proven.level)
        first = self._first_token(ref, session) if remember and rotation is None else None
        step = StepUp(
            presented=presented,
            request_id=context.draw_id(),
            level=proven.level,
            access_ms=context.lives.access_ms,
            rights=rights.to_text(),
            rotation=None if rotation is None else rotation.command(context.lives, account),
            long_term=None if first is None else first.command(context.lives),
            lifetime_ms=context.lives.absolute_ms,
            earliest_ms=account.earliest_ms,
        )
        reply = await self._lookup.transition(ref, lambda: self._store.step_up(ref, step))
        refuse_unrotated(reply, ref.session_id, session.subject, announce=context.announce)
        context.announce(SteppedUp(subject=session.subject, session_id=ref.session_id, level=proven.level))
        return await self._make_tokens(ref, reply, prepared, rotation or first)

    async def sign_out(self, principal: Principal) -> None:
        """End the session of an access token, if it has one."""
        try:
            ref = self._context.session_keys.of_principal(principal)
        except NotRenewable:
            return
        await self._lookup.end_demanded(ref, principal.subject, "signed_out")

    async def sign_out_with(self, refresh_token: str) -> str | None:
        """End the session of a refresh token and return its id."""
        token = ParsedRefreshToken.from_text(refresh_token, self._context.derived_keys())
        try:
            await self._lookup.end_named(token.session_id, "signed_out")
        except NotFound:
            raise RevokedToken("the session is over") from None
        return token.session_id

    def session_of(self, refresh_token: str) -> str:
        """Return the id of the session of a refresh token."""
        return ParsedRefreshToken.from_text(refresh_token, self._context.derived_keys()).session_id

    async def sign_out_of(self, session_id: str) -> None:
        """End a session that was proven to be the caller's, if it is not over."""
        with suppress(NotFound):
            await self._lookup.end_named(session_id, "signed_out")

    async def sign_out_everywhere(self, subject: str, *, issuer: str | None = None) -> None:
        """End every session of *subject* and revoke everything that was issued to them until now."""
        ref = self._context.session_keys.of_subject(subject, issuer=issuer)
        reply = await self._lookup.end_all(ref)
        self._context.announce(SubjectSignedOut(subject=subject))
        self._lookup.require_replicas(ref, reply)

    async def list(
        self, subject: str, *, current: str | None = None, issuer: str | None = None
    ) -> tuple[ActiveSession, ...]:
        """Return the sessions of *subject*, the one used last first."""
        return await self._lookup.all_of(subject, current=current, issuer=issuer)

    async def page(
        self, subject: str, *, current: str | None = None, cursor: str | None = None, issuer: str | None = None
    ) -> SessionPage:
        """Return at most a hundred sessions of *subject*."""
        return await self._lookup.page_of(subject, current=current, issuer=issuer, cursor=cursor)

    async def end(self, session_id: str, *, subject: str | None = None, issuer: str | None = None) -> None:
        """End one session."""
        try:
            await self._lookup.end_named(session_id, "ended", subject=subject, issuer=issuer)
        except ForeignSession:
            # An id proves nothing: the caller may have made it up, and Unavailable would blame the store (sessions.md).
            raise NotFound("no session of this process") from None

    async def touch(self, principal: Principal) -> None:
        """Return if the session of an access token is not over, and note its use."""
        ref = self._context.session_keys.of_principal(principal)
        await self._lookup.transition(ref, lambda: self._store.touch(ref, every_ms=_NOTED_EVERY_MS))

    async def status(self, principal: Principal) -> SessionStatus:
        """Return what may be done with the session of an access token."""
        presented = presented_by(principal)
        session = await self._lookup.read(self._context.session_keys.of_principal(principal))
        return SessionStatus.of(session, issued_ms=presented.issued_ms, expires_at=presented.expires_at)

    def _opening(
        self, account: Account, rights: Rights, username: str, origin: RequestOrigin, first: ParsedRefreshToken | None
    ) -> Opening:
        lives = self._context.lives
        return Opening(
            subject=account.subject,
            username=username,
            level=account.level,
            rights=rights.to_text(),
            transport=origin.transport,
            device=origin.label,
            network=origin.network,
            lifetime_ms=lives.short_absolute_ms if first is None else lives.absolute_ms,
            access_ms=lives.access_ms,
            max_per_subject=lives.max_per_subject,
            long_term=None if first is None else LongTerm(digest=first.digest, idle_ms=lives.idle_ms),
            earliest_ms=account.earliest_ms,
        )

    async def _make_tokens(
        self, ref: SessionRef, reply: SessionReply, prepared: Checked, refresh: TokenRotation | FirstToken | None
    ) -> Tokens:
        """Make the tokens that a reply of the store allows."""
        session = reply.live_session()
        return await self._context.token_maker.make(
            ref.session_id,
            session,
            prepared,
            iat_ms=reply.iat_ms,
            refresh_token=None if refresh is None else refresh.issue(session),
        )

    def _first_token(self, ref: SessionRef, session: Session) -> FirstToken:
        context = self._context
        return FirstToken.draw(octets_of(ref.session_id), session.chain, context.derived_keys(), context.draw)

    def _begin_rotation(self, refresh_token: str, ref: SessionRef) -> TokenRotation:
        """Begin to rotate a refresh token, which must be of the session of the access token."""
        keys = self._context.derived_keys()
        token = ParsedRefreshToken.from_text(refresh_token, keys)
        if token.session_id != ref.session_id:
            raise BindingMismatch("the refresh token is of another session than the access token")
        return TokenRotation.begin(token, keys, self._context.draw)
