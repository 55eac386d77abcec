"""
Implement the verbs on sessions that no store keeps (``store = "none"``).

=====================  ======================================================================================
verb                   what it does here
=====================  ======================================================================================
sign in                as with a store; the refresh token is the session itself, sealed
refresh                an access token of ``level(now)``; the refresh token stays as it is
refresh with extend    ``NotSupported``: nothing could end a session that is extended again and again
renew                  ``NotRenewable``: the short life of an access token is all that ends it
step up                as with a store; a new refresh token with the same end if one came along, and one that
                       lasts as long as that of a sign-in if it is asked for
sign out               nothing: the caller discards their tokens, and a copy of them remains valid
the others             ``NotSupported``
=====================  ======================================================================================

A refresh token is not rotated, and only its end ends it: a thief of one has the session until then.  Therefore that end
is never more than seven days away.

A step-up without a refresh token knows neither the session's end nor the user name that was submitted: its access token
ends as that of a sign-in does, and the password is asked for under the subject's own name.  Only the throttle counts
wrong passwords, since there is no session to end after five.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NoReturn

from safeconduct._core.directory import Account
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.context import SessionContext
from safeconduct._core.sessions.listing import ActiveSession, SessionPage
from safeconduct._core.sessions.model import CurrentAccount, Rights
from safeconduct._core.sessions.sealed_session import seal, session_in, unseal
from safeconduct._core.sessions.verbs import RefreshToken, SessionStatus, Tokens, knows_no_device
from safeconduct._core.tagged_token import new_session_id, text_of
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.sealed_refresh import SealedRefresh
from safeconduct.errors import BindingMismatch, NotRenewable, NotSupported
from safeconduct.events import SignedIn, SteppedUp
from safeconduct.principal import Principal

LONGEST_LIFE_MS: Final = 7 * 86_400_000
"""A session that nothing can end ends by itself, after a week at the latest."""


class StatelessSessions:
    """
    Implement ``SessionVerbs``, which says what each verb takes and raises.

    Args:
        context: Settings and collaborators of the verbs.
        longest_cookie: How long a refresh token may be that travels in a cookie.
    """

    def __init__(self, context: SessionContext, *, longest_cookie: int) -> None:
        self._context = context
        self._longest_cookie = longest_cookie

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, origin: RequestOrigin | None = None
    ) -> Tokens:
        """Begin a session that its owner carries."""
        self._context.require_usable(account)
        context, now_ms = self._context, max(self._context.now_ms(), account.earliest_ms)
        shard = context.session_keys.shard_of(account.subject)
        session_id = text_of(new_session_id(shard, None, context.draw))
        sealed = self._new_session(
            session_id,
            account,
            Rights.of(account),
            username=username,
            auth_ms=now_ms,
            expires_at=self._end_of_new(now_ms, is_remembered=remember),
            origin=origin or RequestOrigin(),
        )
        tokens = await self._make_tokens(sealed, now_ms, self._context.derived_keys() if remember else None)
        context.announce(SignedIn(subject=account.subject, session_id=session_id, level=account.level))
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
        """Return an access token of the session's present level; the refresh token stays as it is."""
        del password, knows_device
        if extend:
            raise NotSupported("without a store no session is extended")
        sealed = self._read(refresh_token, self._context.derived_keys(), origin or RequestOrigin())
        account = await self._context.look_up(sealed.subject, since_ms=sealed.auth_ms)
        rights = account.rights
        if rights is not None:
            sealed = replace(
                sealed, roles=rights.roles, scopes=rights.scopes, display_name=rights.display_name or ""
            )  # fmt: skip
        return await self._make_tokens(sealed, self._now_ms(account), None)

    async def renew(self, principal: Principal) -> NoReturn:
        """Refuse."""
        del principal
        raise NotRenewable("without a store no access token is renewed")

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
        """Prove again who the user is; the session's older tokens remain valid until their end."""
        context, origin = self._context, origin or RequestOrigin()
        session_id = context.session_keys.of_principal(principal).session_id
        keys = context.derived_keys() if remember or refresh_token is not None else None
        own = None if refresh_token is None or keys is None else self._read_own(refresh_token, keys, principal, origin)
        username = principal.subject if own is None else own.username
        account = await context.prove(
            principal.subject, username, password, network=origin.network, knows_device=knows_device
        )
        current = await context.look_up(account.subject, since_ms=_proven_ms(principal))
        now_ms = self._now_ms(current)
        sealed = self._new_session(
            session_id,
            account,
            current.rights or Rights.of(account),
            username=username,
            auth_ms=now_ms,
            expires_at=self._end_of_new(now_ms, is_remembered=remember) if own is None else own.expires_at,
            origin=origin,
        )
        tokens = await self._make_tokens(sealed, now_ms, keys)
        context.announce(SteppedUp(subject=account.subject, session_id=session_id, level=account.level))
        return tokens

    async def sign_out(self, principal: Principal) -> None:
        """Do nothing: the caller discards their tokens, and a copy remains valid until its end."""

    async def sign_out_with(self, refresh_token: str) -> str | None:
        """Do nothing, whatever the token is: no session was ended."""

    def session_of(self, refresh_token: str) -> str:
        """Return the id of the session that a refresh token carries."""
        return self._unsealed(refresh_token, self._context.derived_keys()).session_id

    async def sign_out_of(self, session_id: str) -> None:
        """Do nothing, as ``sign_out``."""

    async def sign_out_everywhere(self, subject: str, *, issuer: str | None = None) -> None:
        """Refuse."""
        del subject, issuer
        raise NotSupported("without a store no session is ended")

    async def list(
        self, subject: str, *, current: str | None = None, issuer: str | None = None
    ) -> tuple[ActiveSession, ...]:
        """Refuse."""
        del subject, current, issuer
        raise NotSupported("without a store nobody knows which sessions there are")

    async def page(
        self, subject: str, *, current: str | None = None, cursor: str | None = None, issuer: str | None = None
    ) -> SessionPage:
        """Refuse."""
        del subject, current, cursor, issuer
        raise NotSupported("without a store nobody knows which sessions there are")

    async def end(self, session_id: str, *, subject: str | None = None, issuer: str | None = None) -> None:
        """Refuse."""
        del session_id, subject, issuer
        raise NotSupported("without a store no session is ended")

    async def touch(self, principal: Principal) -> None:
        """Return if the access token has a session, which lasts as long as its tokens; no use is noted."""
        self._context.session_keys.of_principal(principal)

    async def status(self, principal: Principal) -> SessionStatus:
        """Return that nothing may be done: only its holder knows whether there is a refresh token."""
        self._context.session_keys.of_principal(principal)
        return SessionStatus(
            is_kept=False, is_remembered=False, renew_after=None, extend_after=None, extend_before=None
        )

    def _now_ms(self, account: CurrentAccount) -> int:
        """Return when a token of *account* is issued that is issued now."""
        return max(self._context.now_ms(), account.earliest_ms)

    def _end_of_new(self, now_ms: int, *, is_remembered: bool) -> int:
        """Return the end of a session that begins now: its refresh token is never extended."""
        lives = self._context.lives
        life_ms = min(lives.idle_ms, lives.absolute_ms) if is_remembered else lives.short_absolute_ms
        return (now_ms + min(life_ms, LONGEST_LIFE_MS)) // 1000

    def _new_session(
        self,
        session_id: str,
        account: Account,
        rights: Rights,
        *,
        username: str,
        auth_ms: int,
        expires_at: int,
        origin: RequestOrigin,
    ) -> SealedRefresh:
        """Return the session of a user who was just proven."""
        return SealedRefresh(
            issuer=self._context.session_keys.issuer,
            subject=account.subject,
            session_id=session_id,
            auth_ms=auth_ms,
            level=account.level,
            expires_at=expires_at,
            username=username,
            transport=origin.transport,
            device=origin.label,
            network=origin.network,
            roles=rights.roles,
            scopes=rights.scopes,
            display_name=rights.display_name or "",
        )

    def _read_own(
        self, refresh_token: str, keys: DerivedKeys, principal: Principal, origin: RequestOrigin
    ) -> SealedRefresh:
        sealed = self._read(refresh_token, keys, origin)
        if (sealed.session_id, sealed.subject) != (principal.session_id, principal.subject):
            raise BindingMismatch("the refresh token is of another session than the access token")
        return sealed

    def _read(self, refresh_token: str, keys: DerivedKeys, origin: RequestOrigin) -> SealedRefresh:
        """Read a refresh token that is valid and may come from *origin*."""
        context, sealed = self._context, self._unsealed(refresh_token, keys)
        context.binding.check(session_in(sealed), sealed.session_id, origin, announce=context.announce)
        return sealed

    def _unsealed(self, refresh_token: str, keys: DerivedKeys) -> SealedRefresh:
        context = self._context
        issuer, now_ms = context.session_keys.issuer, context.now_ms()
        return unseal(refresh_token, keys, issuer=issuer, now_ms=now_ms, leeway_ms=context.leeway_ms)

    async def _make_tokens(self, sealed: SealedRefresh, now_ms: int, keys: DerivedKeys | None) -> Tokens:
        """Make an access token of the session's present level, and with *keys* a refresh token."""
        context, session = self._context, session_in(sealed)
        prepared = context.prepare(sealed.session_id, session)
        tokens = await context.token_maker.make(sealed.session_id, session, prepared, iat_ms=now_ms)
        # No token here is renewed, however much of the session is left.
        return replace(
            tokens, renew_after=None, refresh_token=None if keys is None else self._refresh_token(sealed, keys)
        )

    def _refresh_token(self, sealed: SealedRefresh, keys: DerivedKeys) -> RefreshToken:
        value = seal(sealed, keys)
        if sealed.transport == "cookie" and len(value) > self._longest_cookie:
            raise NotSupported("the refresh token is too long for a cookie")
        return RefreshToken(value=value, expires_at=sealed.expires_at, extend_after=None, extend_before=None)


def _proven_ms(principal: Principal) -> int:
    """Return when the user of an access token was proven, as far as the token says so."""
    issued_ms, auth_time = principal.claims.get("iat_ms", 0), principal.auth_time
    return int(issued_ms) if auth_time is None else min(int(issued_ms), auth_time * 1000)
