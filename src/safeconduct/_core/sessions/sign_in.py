"""Sign in, refresh, renew: the verbs that give tokens; what each does is the table of ``life``."""

from collections.abc import Callable

from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.session_store import LongTerm, Opening, Reach, Renewing, StepUp
from safeconduct._core.sessions.lookup import gone
from safeconduct._core.sessions.model import MAX_FAILURES, Rights, Session, token_half
from safeconduct._core.sessions.refresh_token import SECRET_BYTES, RefreshToken, new_session_id, text_of
from safeconduct._core.sessions.rotation import Caller, Turning, known
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
        turning: Turns what is presented into tokens.
    """

    def __init__(self, turning: Turning) -> None:
        self._turning = turning
        self._standing = turning.standing
        self._store = turning.standing.store
        self._lives = turning.standing.lives
        self._reaches = turning.standing.reaches
        self._announce = turning.standing.announce
        self._refresh_tokens = turning.refresh_tokens

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, caller: Caller | None = None
    ) -> Tokens:
        """
        Begin a session for an account whose password was proven in this very request.

        Args:
            account: What the directory proved.
            username: As it was submitted; a later step-up asks with it.
            remember: Whether the user asked for a long-term credential.
            caller: Where the request comes from.

        Raises:
            BadCredentials: If the account is disabled.
            Unavailable: If the store can't be asked, or the author's hook failed.
        """
        if account.disabled:
            raise BadCredentials("the account is disabled")
        origin = caller or Caller()
        rights, lives = Rights.of(account), self._lives
        shard = self._reaches.shard_of(account.subject)
        drawn = new_session_id(shard, await self._standing.origin(shard), self._turning.draw)
        reach = self._reaches.of_subject(account.subject, text_of(drawn))
        prepared = self._turning.prepared_for(reach, account.subject, rights, account.level, origin.transport)
        first = self._refresh_tokens.first(drawn, self._turning.draw(SECRET_BYTES)) if remember else None
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
        reply = await self._standing.transition(reach, lambda: self._store.open(reach, opening))
        if known(reply).subject != account.subject:
            # 64 random bits met 64 others: nobody gets another's session for that.
            raise Unavailable("the new session's id is taken")
        for session_id in reply.crowded_out:
            self._announce(SessionEnded(subject=account.subject, session_id=session_id, reason="too_many"))
        try:
            tokens = await self._turning.made(reach, reply, prepared, first)
        except Unavailable:
            # Nobody has a token of it: it would only stand in its owner's list.
            await self._standing.discard(reach)
            raise
        self._announce(SignedIn(subject=account.subject, session_id=reach.session_id, level=account.level))
        return tokens

    async def refresh(self, refresh_token: str, *, extend: bool = False, caller: Caller | None = None) -> Tokens:
        """
        Rotate a refresh token and give an access token of the session's present level.

        Args:
            refresh_token: As it was presented.
            extend: Whether the user wants his long-term credential to live longer.
            caller: Where the request comes from.

        Raises:
            InvalidToken: If it is none of ours, or its session is over.
            ReusedRefreshToken: If it was rotated away; its ``session_id`` is the session that this ended, None where
                none did: then another request of the same client was faster, and no cookie may be cleared.
            BindingMismatch: If it came by another transport, or from another place and that is refused.
            TooEarly: If *extend* was asked for before half of its life; the token is as good as before.
            Unavailable: If store, directory or the author's hook can't be asked; the token is as good as before.
        """
        token = self._refresh_tokens.read(refresh_token)
        reach = self._reach_of(token)
        session = await self._standing.read(reach)
        reach = self._reaches.of_subject(session.subject, reach.session_id)
        self._turning.check_origin(session, reach, caller or Caller())
        rights = await self._standing.rights(reach, session)
        prepared = self._turning.prepared_now(reach, session, rights)
        rotation = self._turning.rotation(token, rights, extends_ms=self._lives.idle_ms if extend else None)
        reply = await self._standing.transition(reach, lambda: self._store.rotate(reach, rotation))
        self._turning.refuse_unturned(reach, session, reply)
        return await self._turning.made(reach, reply, prepared, token, is_rotated=True)

    async def renew(self, principal: Principal) -> Tokens:
        """
        Give an access token of the level ``remembered`` for one whose half of life is over.

        Raises:
            NotRenewable: If no session stands behind it, or its end can't grow.
            TooEarly: If half of its life is not over.
            RevokedToken: If the session is over, or the token was renewed before and the grace is over.
            Unavailable: If store, directory or the author's hook can't be asked.
        """
        reach, asks = self._reaches.of_principal(principal), self._reaches.presented(principal)
        if self._turning.clock() < token_half(asks.issued_ms, asks.expires_at):
            raise TooEarly("half of the token's life is not over")
        session = await self._standing.read(reach)
        rights = await self._standing.rights(reach, session)
        prepared = self._turning.prepared(reach, session, rights, "remembered")
        renewing = Renewing(
            presented=asks,
            token_id=self._turning.drawn_id(),
            grace_ms=self._lives.grace_ms,
            access_ms=self._lives.access_ms,
            rights=None if rights is None else rights.to_text(),
        )
        reply = await self._standing.transition(reach, lambda: self._store.renew(reach, renewing))
        if reply.outcome == "reuse":
            self._announce(RenewReused(subject=session.subject, session_id=reach.session_id))
            raise RevokedToken("the token was renewed before")
        if reply.outcome == "at_end":
            raise NotRenewable("the session ends with the token")
        return await self._turning.renewed(reach, reply, prepared)

    def _reach_of(self, token: RefreshToken) -> Reach:
        try:
            return self._reaches.of_unknown(token.session_id)
        except NotFound:
            # Of a time when the store had more shards.
            raise gone() from None


def _no_device(_username: str) -> bool:
    return False


class StepUps:
    """
    Take proofs within a session.

    Args:
        turning: Turns what is presented into tokens.
        passwords: Proves passwords; None where there is no directory.
    """

    def __init__(self, turning: Turning, passwords: Passwords | None) -> None:
        self._turning = turning
        self._passwords = passwords
        self._standing = turning.standing
        self._store = turning.standing.store
        self._lives = turning.standing.lives
        self._reaches = turning.standing.reaches
        self._announce = turning.standing.announce

    async def step_up(
        self,
        principal: Principal,
        password: str,
        *,
        refresh_token: str | None = None,
        caller: Caller | None = None,
        knows_device: Callable[[str], bool] = _no_device,
    ) -> Tokens:
        """
        Prove anew who the user is; the session's older access tokens end.

        Args:
            principal: Whom the access token names.
            password: As it was submitted.
            refresh_token: The refresh token that came along; it is rotated.
            caller: Where the request comes from.
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
        origin = caller or Caller()
        reach, asks = self._reaches.of_principal(principal), self._reaches.presented(principal)
        token = None if refresh_token is None else self._own_token(refresh_token, reach)
        session = await self._standing.read(reach)
        if token is not None:
            self._turning.check_origin(session, reach, origin)
        account = await self._prove(reach, session, password, network=origin.network, knows_device=knows_device)
        rights = await self._standing.rights(reach, session) or Rights.of(account)
        prepared = self._turning.prepared(reach, session, rights, account.level)
        step = StepUp(
            presented=asks,
            request_id=self._turning.drawn_id(),
            level=account.level,
            access_ms=self._lives.access_ms,
            rights=rights.to_text(),
            rotation=None if token is None else self._turning.rotation(token, rights),
        )
        reply = await self._standing.transition(reach, lambda: self._store.step_up(reach, step))
        self._turning.refuse_unturned(reach, session, reply)
        self._announce(SteppedUp(subject=session.subject, session_id=reach.session_id, level=account.level))
        return await self._turning.made(reach, reply, prepared, token, is_rotated=True)

    async def _prove(
        self, reach: Reach, session: Session, password: str, *, network: str, knows_device: Callable[[str], bool]
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
            await self._fail(reach, session)
            raise
        if account.subject != session.subject:
            # The name means somebody else by now.
            await self._fail(reach, session)
            raise BadCredentials("the user name is another subject's by now")
        return account

    async def _fail(self, reach: Reach, session: Session) -> None:
        request_id = self._turning.drawn_id()
        reply = await self._standing.transition(
            reach, lambda: self._store.fail(reach, request_id=request_id, limit=MAX_FAILURES)
        )
        if reply.outcome == "ended":
            self._announce(SessionEnded(subject=session.subject, session_id=reach.session_id, reason="failures"))

    def _own_token(self, refresh_token: str, reach: Reach) -> RefreshToken:
        token = self._turning.refresh_tokens.read(refresh_token)
        if token.session_id != reach.session_id:
            raise BindingMismatch("the refresh token is of another session than the access token")
        return token
