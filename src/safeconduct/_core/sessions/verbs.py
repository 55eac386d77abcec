"""
Define the verbs on sessions and the values that they return.

``StoredSessions`` has the verbs with a store, ``StatelessSessions`` without one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, Self

from safeconduct._core.directory import Account
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.listing import ActiveSession, SessionPage
from safeconduct._core.sessions.model import Session, Transport, extension_window, renew_after
from safeconduct._tokens.issuer import Grant
from safeconduct.principal import Level, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token.  Instants are seconds since the epoch."""

    value: str = field(repr=False)
    expires_at: int
    #: From when it may be extended; None if its end cannot grow.
    extend_after: int | None
    #: Until when it may be extended; None if its end cannot grow.
    extend_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An access token and, if there is a new one, a refresh token.  Instants are seconds since the epoch."""

    access_token: str = field(repr=False)
    #: What the access token says.
    grant: Grant = field(repr=False)
    session_id: str
    level: Level
    issued_at: int
    expires_at: int
    #: From when it may be renewed; None if its end cannot grow.
    renew_after: int | None
    #: The generation of the session's CSRF tokens, as the access token's ``cg`` has it.
    csrf_generation: int
    #: How the session's tokens travel.
    transport: Transport
    #: None if none was asked for, or if the caller keeps the one that they have.
    refresh_token: RefreshToken | None = None
    #: The name under which a user has just signed in, by code; None for tokens that come from anything else.
    username: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """What may be done with a session, and when.  Instants are seconds since the epoch."""

    #: Whether a store keeps the session, so that it can be listed and ended.
    is_kept: bool
    #: Whether there is a refresh token.
    is_remembered: bool
    #: From when the access token may be renewed; None if its end cannot grow.
    renew_after: int | None
    #: From when the refresh token may be extended; None if there is none or its end cannot grow.
    extend_after: int | None
    #: Until when the refresh token may be extended; None likewise.
    extend_before: int | None

    @classmethod
    def of(cls, session: Session, *, issued_ms: int, expires_at: int) -> Self:
        """Return the status of *session* for the holder of its access token from *issued_ms* to *expires_at*."""
        extend_after, extend_before = extension_window(session)
        return cls(
            is_kept=True,
            is_remembered=session.chain is not None,
            renew_after=renew_after(session, issued_ms, expires_at),
            extend_after=extend_after,
            extend_before=extend_before,
        )


class SessionVerbs(Protocol):
    """
    Everything that can be done with sessions.

    Each verb raises ``Unavailable`` if the store, the directory or the author's hook cannot be asked; the tokens that
    were presented then remain valid.
    """

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, origin: RequestOrigin | None = None
    ) -> Tokens:
        """
        Begin a session for an account whose password was proven in this very request.

        Args:
            account: The account that the directory returned.
            username: The name that was submitted; a later step-up asks the directory with it.
            remember: Whether the user asked for a refresh token.
            origin: Where the request comes from.

        Raises:
            BadCredentials: If the account is disabled.
        """
        ...

    async def refresh(
        self,
        refresh_token: str,
        *,
        extend: bool = False,
        password: str | None = None,
        origin: RequestOrigin | None = None,
        knows_device: Callable[[str], bool] = ...,
    ) -> Tokens:
        """
        Return an access token of the session's present level; if there is a store, the refresh token is rotated.

        Args:
            refresh_token: As it was presented.
            extend: Whether the user wants the refresh token to live longer.
            password: With *extend*, the user's password, if it came along.
            origin: Where the request comes from.
            knows_device: As for ``step_up``.

        Raises:
            InvalidToken: If the token is not one of ours, its session is over, or the account is gone, disabled or cut
                off.
            BadCredentials: If *password* is wrong, or missing where extending needs it; the token remains valid.
            ReusedRefreshToken: If it was rotated away.  Its ``session_id`` is the session that was ended for it; None
                if another request of the same client was faster: then no cookie may be cleared.
            BindingMismatch: If the transport differs from the one at sign-in, or the network or the device does and
                that is refused.
            TooEarly: If *extend* was asked for before half of the refresh token's life; it remains valid.
            NotSupported: If *extend* was asked for and there is no store.
        """
        ...

    async def renew(self, principal: Principal) -> Tokens:
        """
        Return an access token of the level ``remembered`` for one that is past half of its life.

        Raises:
            NotRenewable: If it has no session, its end cannot grow, or there is no store.
            TooEarly: If half of its life is not over.
            RevokedToken: If the session is over, or the token was renewed before and the grace is over.
        """
        ...

    async def step_up(
        self,
        principal: Principal,
        password: str,
        *,
        refresh_token: str | None = None,
        remember: bool = False,
        origin: RequestOrigin | None = None,
        knows_device: Callable[[str], bool] = ...,
    ) -> Tokens:
        """
        Prove again who the user is; if there is a store, the session's older access tokens end.

        Args:
            principal: The principal of the access token.
            password: As it was submitted.
            refresh_token: The refresh token that came along; it is rotated, or replaced if there is no store.
            remember: Whether the user asks for a refresh token; without effect if the session has one.
            origin: Where the request comes from.
            knows_device: Says whether the caller holds the device cookie of a submitted user name.

        Raises:
            NotRenewable: If the access token has no session.
            BadCredentials: If the password is wrong; if there is a store, the last of five in a row ends the session.
            TooManyAttempts: If a limit of the throttle is reached.
            InvalidToken: If the session is over, or the refresh token is not one of its own.
            ReusedRefreshToken: As for ``refresh``.
            NotSupported: If there is no directory.
        """
        ...

    async def sign_out(self, principal: Principal) -> None:
        """End the session of an access token, if it has one."""
        ...

    async def sign_out_with(self, refresh_token: str) -> str | None:
        """
        End the session of a refresh token, rotated away or not, and return its id; None if no session can be ended.

        Raises:
            InvalidToken: If the token is not one of ours, or its session is over.
        """
        ...

    def session_of(self, refresh_token: str) -> str:
        """
        Return the id of the session of a refresh token, which may be over.

        Raises:
            InvalidToken: If the token is not one of ours.
        """
        ...

    async def sign_out_of(self, session_id: str) -> None:
        """End a session that was proven to be the caller's, if it is not over."""
        ...

    async def sign_out_everywhere(self, subject: str, *, issuer: str | None = None) -> None:
        """
        End every session of *subject* and revoke everything that was issued to them until now.

        *issuer* is that of a person who was handed over, here and below; None for our own.

        Raises:
            NotSupported: If there is no store.
        """
        ...

    async def list(
        self, subject: str, *, current: str | None = None, issuer: str | None = None
    ) -> tuple[ActiveSession, ...]:
        """
        Return the sessions of *subject*, the one used last first; *current* is the one that asks.

        Raises:
            NotSupported: If there is no store.
        """
        ...

    async def page(
        self, subject: str, *, current: str | None = None, cursor: str | None = None, issuer: str | None = None
    ) -> SessionPage:
        """
        Return at most a hundred sessions of *subject*, those that last longest first.

        Args:
            subject: The owner of the sessions.
            current: The id of the session that asks.
            cursor: The cursor of the page before; None for the first page.
            issuer: The issuer of a person who was handed over; None for our own.

        Raises:
            InvalidRequest: If *cursor* is not one of ours.
            NotSupported: If there is no store.
        """
        ...

    async def end(self, session_id: str, *, subject: str | None = None, issuer: str | None = None) -> None:
        """
        End one session, which must belong to *subject* unless the application itself asks (None).

        Raises:
            NotFound: If there is none, or it is another person's.
            NotSupported: If there is no store.
        """
        ...

    async def touch(self, principal: Principal) -> None:
        """
        Return if the session of an access token is not over, and note its use.

        Raises:
            RevokedToken: If it is over.
            NotRenewable: If the access token has none.
        """
        ...

    async def status(self, principal: Principal) -> SessionStatus:
        """
        Return what may be done with the session of an access token.

        Raises:
            RevokedToken: If it is over.
            NotRenewable: If the access token has none.
        """
        ...


def knows_no_device(_username: str) -> bool:
    """Return that the caller holds no device cookie."""
    return False
