"""Where the parts of the sessions are put together, for one world."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account, People
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import SessionStore
from safeconduct._core.sessions.active import ActiveSession, ActiveSessions, SessionPage, SessionStatus
from safeconduct._core.sessions.issuing import AddClaims, OpaqueTokenWriter, TokenMaker
from safeconduct._core.sessions.lookup import SessionKeys, SessionLookup
from safeconduct._core.sessions.model import Lifetimes
from safeconduct._core.sessions.refresh_token import RefreshTokens
from safeconduct._core.sessions.rotation import Binding, RequestOrigin, TokenRotation
from safeconduct._core.sessions.sign_in import Logins, StepUps
from safeconduct._core.sessions.stateless import StatelessActiveSessions, StatelessLogins, StatelessStepUps
from safeconduct._core.sessions.stateless_token import SealedSessions, StatelessRotation
from safeconduct._core.sessions.tokens import Tokens
from safeconduct._http.set_cookie import MAX_COOKIE_BYTES
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct.config import Config
from safeconduct.events import Event
from safeconduct.principal import Principal


@dataclass(frozen=True, slots=True)
class StoredSessions:
    """The verbs on sessions, by what they are about."""

    #: ``sign_in``, ``refresh``, ``renew``.
    logins: Logins
    #: ``step_up``.
    step_ups: StepUps
    #: ``list``, ``sign_out``, ``sign_out_with``, ``sign_out_everywhere``, ``end``, ``touch``.
    open_sessions: ActiveSessions


def stored_sessions(  # noqa: PLR0913 - every part of an ``Auth`` meets here
    config: Config,
    *,
    store: SessionStore,
    revocations: Revocations,
    issuer: TokenIssuer,
    keys: Callable[[], DerivedKeys],
    people: People | None,
    passwords: Passwords | None,
    keeping: OpaqueTokenWriter | None = None,
    add_claims: AddClaims | None,
    clock: Clock,
    announce: Callable[[Event], None],
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> StoredSessions:
    """
    Put the parts together.

    Args:
        config: Names the issuer and says how long things live.
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
        issuer: Makes access tokens.
        keys: Returns the derived keys as they are now.
        people: The directory; None where there is none.
        passwords: Proves passwords; None where there is no directory.
        keeping: Keeps what opaque tokens say; None where there are none.
        add_claims: The author's hook.
        clock: The time in seconds since the epoch.
        announce: Tells the listeners.
        draw: Draws random bytes.

    Raises:
        ConfigurationError: If the configuration names no issuer.
    """
    session_keys = SessionKeys.of(config)
    lives, refresh_tokens = Lifetimes.of(config), RefreshTokens(keys)
    session_lookup = SessionLookup(
        store,
        revocations,
        session_keys=session_keys,
        people=people,
        lives=lives,
        announce=announce,
    )
    minting = TokenMaker(
        issuer,
        session_keys.issuer,
        refresh_tokens,
        lives,
        add_claims=add_claims,
        signs=keeping is None or not keeping.keeps_every,
        longest_cookie=MAX_COOKIE_BYTES - len(config.cookies.access) if keeping is None else None,
        announce=announce,
    )
    token_rotation = TokenRotation(
        session_lookup, minting, keeping, refresh_tokens, binding=Binding.of(config.sessions), clock=clock, draw=draw
    )
    return StoredSessions(
        Logins(token_rotation),
        StepUps(token_rotation, passwords),
        ActiveSessions(session_lookup, refresh_tokens, clock=clock),
    )


@dataclass(frozen=True, slots=True)
class StatelessSessions:
    """The verbs on sessions, by what they are about, under the names that ``StoredSessions`` gives them."""

    #: ``sign_in``, ``refresh``, ``renew``.
    logins: StatelessLogins
    #: ``step_up``.
    step_ups: StatelessStepUps
    #: ``list``, ``sign_out``, ``sign_out_with``, ``sign_out_everywhere``, ``end``, ``touch``, ``prospects``.
    open_sessions: StatelessActiveSessions


def stateless_sessions(  # noqa: PLR0913 - every part of an ``Auth`` meets here
    config: Config,
    *,
    issuer: TokenIssuer,
    keys: Callable[[], DerivedKeys],
    people: People | None,
    passwords: Passwords | None,
    add_claims: AddClaims | None,
    clock: Clock,
    announce: Callable[[Event], None],
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> StatelessSessions:
    """
    Put the parts together.

    Args:
        config: Names the issuer and says how long things live.
        issuer: Makes access tokens.
        keys: Returns the derived keys as they are now.
        people: The directory; None where there is none.
        passwords: Proves passwords; None where there is no directory.
        add_claims: The author's hook.
        clock: The time in seconds since the epoch.
        announce: Tells the listeners.
        draw: Draws random bytes.

    Raises:
        ConfigurationError: If the configuration names no issuer.
    """
    lives, session_keys = Lifetimes.of(config), SessionKeys.of(config)
    token_rotation = StatelessRotation(
        sealed=SealedSessions(keys, session_keys.issuer, leeway_ms=config.tokens.leeway_seconds * 1000),
        minting=TokenMaker(
            issuer,
            session_keys.issuer,
            RefreshTokens(keys),
            lives,
            add_claims=add_claims,
            longest_cookie=MAX_COOKIE_BYTES - len(config.cookies.access),
            announce=announce,
        ),
        lives=lives,
        people=people,
        binding=Binding.of(config.sessions),
        longest_cookie=MAX_COOKIE_BYTES - len(config.cookies.refresh),
        clock=clock,
        draw=draw,
        announce=announce,
    )  # fmt: skip
    return StatelessSessions(
        StatelessLogins(token_rotation, session_keys),
        StatelessStepUps(token_rotation, session_keys, passwords),
        StatelessActiveSessions(session_keys),
    )


class LoginVerbs(Protocol):
    """Give tokens; see ``Logins``."""

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, origin: RequestOrigin | None = None
    ) -> Tokens:
        """Begin a session for an account whose password was proven in this very request."""
        ...

    async def refresh(self, refresh_token: str, *, extend: bool = False, origin: RequestOrigin | None = None) -> Tokens:
        """Give an access token of the session's present level."""
        ...

    async def renew(self, principal: Principal) -> Tokens:
        """Give an access token of the level ``remembered`` for one whose half of life is over."""
        ...


class StepUpVerbs(Protocol):
    """Take proofs within a session; see ``StepUps``."""

    async def step_up(
        self,
        principal: Principal,
        password: str,
        *,
        refresh_token: str | None = None,
        origin: RequestOrigin | None = None,
        knows_device: Callable[[str], bool] = ...,
    ) -> Tokens:
        """Prove anew who the user is."""
        ...


class ActiveSessionVerbs(Protocol):
    """List and end sessions; see ``ActiveSessions``."""

    async def sign_out(self, principal: Principal) -> None:
        """End the session behind an access token; nothing happens where there is none."""
        ...

    async def sign_out_with(self, refresh_token: str) -> str | None:
        """End the session of a refresh token, and return its id; None where no session can be ended."""
        ...

    async def sign_out_of(self, session_id: str) -> None:
        """End a session whose id is proven to be the caller's."""
        ...

    async def sign_out_everywhere(self, subject: str) -> None:
        """End every session of *subject* and whatever was issued to him until now."""
        ...

    async def list(self, subject: str, *, current: str | None = None) -> tuple[ActiveSession, ...]:
        """Return the sessions of *subject*, the one used last first."""
        ...

    async def page(self, subject: str, *, current: str | None = None, cursor: str | None = None) -> SessionPage:
        """Return at most a hundred sessions of *subject*."""
        ...

    async def end(self, session_id: str, *, subject: str | None = None) -> None:
        """End one session."""
        ...

    async def touch(self, principal: Principal) -> None:
        """Return if the session behind an access token stands, and note its use."""
        ...

    async def prospects(self, principal: Principal) -> SessionStatus:
        """Say what may become of the session behind an access token."""
        ...


class SessionVerbs(Protocol):
    """All of them, by what they are about: ``StoredSessions`` and ``StatelessSessions`` are such."""

    @property
    def logins(self) -> LoginVerbs:
        """``sign_in``, ``refresh``, ``renew``."""
        ...

    @property
    def step_ups(self) -> StepUpVerbs:
        """``step_up``."""
        ...

    @property
    def open_sessions(self) -> ActiveSessionVerbs:
        """``list``, ``sign_out``, ``sign_out_with``, ``sign_out_everywhere``, ``end``, ``touch``, ``prospects``."""
        ...
