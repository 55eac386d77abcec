"""Step up: the user proves anew who he is, within his session."""

from collections.abc import Callable

from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.session.binding import Caller
from safeconduct._core.session.life import MAX_FAILURES
from safeconduct._core.session.record import Session
from safeconduct._core.session.refresh_token import RefreshToken
from safeconduct._core.session.rights import Rights
from safeconduct._core.session.tokens import Tokens
from safeconduct._core.session.turning import Turning
from safeconduct._core.session_ports import Reach, StepUp
from safeconduct.errors import BadCredentials, BindingMismatch, NotSupported
from safeconduct.events import SessionEnded, SteppedUp
from safeconduct.principal import Principal


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
