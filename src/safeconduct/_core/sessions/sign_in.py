"""Sign in, refresh, renew: the verbs that give tokens; what each does is the table of ``life``."""

from collections.abc import Callable

from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.session_store import LongTerm, Opening, Renewing, SessionRef, StepUp
from safeconduct._core.sessions.lookup import session_ended
from safeconduct._core.sessions.model import MAX_FAILURES, Rights, Session, token_half
from safeconduct._core.sessions.refresh_token import SECRET_BYTES, ParsedRefreshToken, new_session_id, text_of
from safeconduct._core.sessions.rotation import RequestOrigin, TokenRotation, known
from safeconduct._core.sessions.tokens import Tokens
from safeconduct.errors import (
    BadCredentials,
    BindingMismatch,
    NotFound,
    NotRenewable,
    NotSupported,
    RevokedToken,
    TooEarly,
    Unavailable,
)
from safeconduct.events import RenewReused, SessionEnded, SignedIn, SteppedUp
from safeconduct.principal import Principal


class Logins:
    """
    Give tokens.

    Args:
        token_rotation: Turns what is presented into tokens.
    """

    def __init__(self, token_rotation: TokenRotation) -> None:
        self._token_rotation = token_rotation
        self._session_lookup = token_rotation.session_lookup
        self._store = token_rotation.session_lookup.store
        self._lives = token_rotation.session_lookup.lives
        self._session_keys = token_rotation.session_lookup.session_keys
        self._announce = token_rotation.session_lookup.announce
        self._refresh_tokens = token_rotation.refresh_tokens

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, origin: RequestOrigin | None = None
    ) -> Tokens:
        """
        Begin a session for an account whose password was proven in this very request.

        Args:
            account: What the directory proved.
            username: As it was submitted; a later step-up asks with it.
            remember: Whether the user asked for a long-term credential.
            origin: Where the request comes from.

        Raises:
            BadCredentials: If the account is disabled.
            Unavailable: If the store can't be asked, or the author's hook failed.
        """
        if account.disabled:
            raise BadCredentials("the account is disabled")
        origin = origin or RequestOrigin()
        rights, lives = Rights.of(account), self._lives
        shard = self._session_keys.shard_of(account.subject)
        drawn = new_session_id(shard, await self._session_lookup.origin(shard), self._token_rotation.draw)
        ref = self._session_keys.of_subject(account.subject, text_of(drawn))
        prepared = self._token_rotation.prepared_for(ref, account.subject, rights, account.level, origin.transport)
        first = self._refresh_tokens.first(drawn, self._token_rotation.draw(SECRET_BYTES)) if remember else None
        opening = Opening(
            subject=account.subject,
            username=username,
            level=account.level,
            rights=rights.to_text(),
            transport=origin.transport,
            device=origin.label,
            network=origin.network,
            lifetime_ms=lives.absolute_ms if remember else lives.short_absolute_ms,
            access_ms=lives.access_ms,
            max_per_subject=lives.max_per_subject,
            long_term=None if first is None else LongTerm(digest=first.digest, idle_ms=lives.idle_ms),
        )
        reply = await self._session_lookup.transition(ref, lambda: self._store.open(ref, opening))
        if known(reply).subject != account.subject:
            # 64 random bits met 64 others: nobody gets another's session for that.
            raise Unavailable("the new session's id is taken")
        for session_id in reply.crowded_out:
            self._announce(SessionEnded(subject=account.subject, session_id=session_id, reason="too_many"))
        try:
            tokens = await self._token_rotation.made(ref, reply, prepared, first)
        except Unavailable:
            # Nobody has a token of it: it would only stand in its owner's list.
            await self._session_lookup.discard(ref)
            raise
        self._announce(SignedIn(subject=account.subject, session_id=ref.session_id, level=account.level))
        return tokens

    async def refresh(self, refresh_token: str, *, extend: bool = False, origin: RequestOrigin | None = None) -> Tokens:
        """
        Rotate a refresh token and give an access token of the session's present level.

        Args:
            refresh_token: As it was presented.
            extend: Whether the user wants his long-term credential to live longer.
            origin: Where the request comes from.

        Raises:
            InvalidToken: If it is none of ours, or its session is over.
            ReusedRefreshToken: If it was rotated away; its ``session_id`` is the session that this ended, None where
                none did: then another request of the same client was faster, and no cookie may be cleared.
            BindingMismatch: If it came by another transport, or from another place and that is refused.
            TooEarly: If *extend* was asked for before half of its life; the token is as good as before.
            Unavailable: If store, directory or the author's hook can't be asked; the token is as good as before.
        """
        token = self._refresh_tokens.read(refresh_token)
        ref = self._ref_of(token)
        session = await self._session_lookup.read(ref)
        ref = self._session_keys.of_subject(session.subject, ref.session_id)
        self._token_rotation.check_origin(session, ref, origin or RequestOrigin())
        rights = await self._session_lookup.rights(ref, session)
        prepared = self._token_rotation.prepared_now(ref, session, rights)
        rotation = self._token_rotation.rotation(token, rights, extends_ms=self._lives.idle_ms if extend else None)
        reply = await self._session_lookup.transition(ref, lambda: self._store.rotate(ref, rotation))
        self._token_rotation.refuse_unturned(ref, session, reply)
        return await self._token_rotation.made(ref, reply, prepared, token, is_rotated=True)

    async def renew(self, principal: Principal) -> Tokens:
        """
        Give an access token of the level ``remembered`` for one whose half of life is over.

        Raises:
            NotRenewable: If no session stands behind it, or its end can't grow.
            TooEarly: If half of its life is not over.
            RevokedToken: If the session is over, or the token was renewed before and the grace is over.
            Unavailable: If store, directory or the author's hook can't be asked.
        """
        ref, asks = self._session_keys.of_principal(principal), self._session_keys.presented(principal)
        if self._token_rotation.clock() < token_half(asks.issued_ms, asks.expires_at):
            raise TooEarly("half of the token's life is not over")
        session = await self._session_lookup.read(ref)
        rights = await self._session_lookup.rights(ref, session)
        prepared = self._token_rotation.prepared(ref, session, rights, "remembered")
        renewing = Renewing(
            presented=asks,
            token_id=self._token_rotation.drawn_id(),
            grace_ms=self._lives.grace_ms,
            access_ms=self._lives.access_ms,
            rights=None if rights is None else rights.to_text(),
        )
        reply = await self._session_lookup.transition(ref, lambda: self._store.renew(ref, renewing))
        if reply.outcome == "reuse":
            self._announce(RenewReused(subject=session.subject, session_id=ref.session_id))
            raise RevokedToken("the token was renewed before")
        if reply.outcome == "at_end":
            raise NotRenewable("the session ends with the token")
        return await self._token_rotation.renewed(ref, reply, prepared)

    def _ref_of(self, token: ParsedRefreshToken) -> SessionRef:
        try:
            return self._session_keys.of_unknown(token.session_id)
        except NotFound:
            # Of a time when the store had more shards.
            raise session_ended() from None


def _no_device(_username: str) -> bool:
    return False


class StepUps:
    """
    Take proofs within a session.

    Args:
        token_rotation: Turns what is presented into tokens.
        passwords: Proves passwords; None where there is no directory.
    """

    def __init__(self, token_rotation: TokenRotation, passwords: Passwords | None) -> None:
        self._token_rotation = token_rotation
        self._passwords = passwords
        self._session_lookup = token_rotation.session_lookup
        self._store = token_rotation.session_lookup.store
        self._lives = token_rotation.session_lookup.lives
        self._session_keys = token_rotation.session_lookup.session_keys
        self._announce = token_rotation.session_lookup.announce

    async def step_up(
        self,
        principal: Principal,
        password: str,
        *,
        refresh_token: str | None = None,
        origin: RequestOrigin | None = None,
        knows_device: Callable[[str], bool] = _no_device,
    ) -> Tokens:
        """
        Prove anew who the user is; the session's older access tokens end.

        Args:
            principal: Whom the access token names.
            password: As it was submitted.
            refresh_token: The refresh token that came along; it is rotated.
            origin: Where the request comes from.
            knows_device: Says whether the caller holds a device cookie of an account, by its submitted name.

        Raises:
            NotRenewable: If no session stands behind the access token.
            BadCredentials: If the password is wrong; the last of five in a row ends the session.
            TooManyAttempts: If a bound of the throttle is reached.
            InvalidToken: If the session is over, or the refresh token is not one of its own.
            ReusedRefreshToken: As ``refresh``.
            NotSupported: If there is no directory.
            Unavailable: If store, directory or the author's hook can't be asked.
        """
        origin = origin or RequestOrigin()
        ref, asks = self._session_keys.of_principal(principal), self._session_keys.presented(principal)
        token = None if refresh_token is None else self._own_token(refresh_token, ref)
        session = await self._session_lookup.read(ref)
        if token is not None:
            self._token_rotation.check_origin(session, ref, origin)
        account = await self._prove(ref, session, password, network=origin.network, knows_device=knows_device)
        rights = await self._session_lookup.rights(ref, session) or Rights.of(account)
        prepared = self._token_rotation.prepared(ref, session, rights, account.level)
        step = StepUp(
            presented=asks,
            request_id=self._token_rotation.drawn_id(),
            level=account.level,
            access_ms=self._lives.access_ms,
            rights=rights.to_text(),
            rotation=None if token is None else self._token_rotation.rotation(token, rights),
        )
        reply = await self._session_lookup.transition(ref, lambda: self._store.step_up(ref, step))
        self._token_rotation.refuse_unturned(ref, session, reply)
        self._announce(SteppedUp(subject=session.subject, session_id=ref.session_id, level=account.level))
        return await self._token_rotation.made(ref, reply, prepared, token, is_rotated=True)

    async def _prove(
        self, ref: SessionRef, session: Session, password: str, *, network: str, knows_device: Callable[[str], bool]
    ) -> Account:
        if self._passwords is None:
            raise NotSupported("there is no directory to prove a password with")
        try:
            account = await self._passwords.prove(
                session.username,
                password,
                network=network,
                scheme="step-up",
                has_device=knows_device(session.username),
            )
        except BadCredentials:
            await self._fail(ref, session)
            raise
        if account.subject != session.subject:
            # The name means somebody else by now.
            await self._fail(ref, session)
            raise BadCredentials("the user name is another subject's by now")
        return account

    async def _fail(self, ref: SessionRef, session: Session) -> None:
        request_id = self._token_rotation.drawn_id()
        reply = await self._session_lookup.transition(
            ref, lambda: self._store.fail(ref, request_id=request_id, limit=MAX_FAILURES)
        )
        if reply.outcome == "ended":
            self._announce(SessionEnded(subject=session.subject, session_id=ref.session_id, reason="failures"))

    def _own_token(self, refresh_token: str, ref: SessionRef) -> ParsedRefreshToken:
        token = self._token_rotation.refresh_tokens.read(refresh_token)
        if token.session_id != ref.session_id:
            raise BindingMismatch("the refresh token is of another session than the access token")
        return token
