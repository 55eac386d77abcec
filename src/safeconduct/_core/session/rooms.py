"""Where the parts of the sessions are put together, for one world."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from safeconduct._core.decision import Clock
from safeconduct._core.directory import People
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation import Revocations
from safeconduct._core.session.binding import Binding
from safeconduct._core.session.keeping import Keeping
from safeconduct._core.session.life import Lifetimes
from safeconduct._core.session.logins import Logins
from safeconduct._core.session.minting import AddClaims, Minting
from safeconduct._core.session.open_sessions import OpenSessions
from safeconduct._core.session.reaches import Reaches
from safeconduct._core.session.refresh_token import DerivedKeys, RefreshTokens
from safeconduct._core.session.standing import Standing
from safeconduct._core.session.step_ups import StepUps
from safeconduct._core.session.turning import Turning
from safeconduct._core.session_ports import SessionStore
from safeconduct._http.set_cookie import MAX_COOKIE_BYTES
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct.config import Config
from safeconduct.events import Event


@dataclass(frozen=True, slots=True)
class SessionRooms:
    """The verbs on sessions, by what they are about."""

    #: ``sign_in``, ``refresh``, ``renew``.
    logins: Logins
    #: ``step_up``.
    step_ups: StepUps
    #: ``list``, ``sign_out``, ``sign_out_with``, ``sign_out_everywhere``, ``end``, ``touch``.
    open_sessions: OpenSessions


def session_rooms(  # noqa: PLR0913 - every part of an ``Auth`` meets here
    config: Config,
    *,
    store: SessionStore,
    revocations: Revocations,
    issuer: TokenIssuer,
    keys: Callable[[], DerivedKeys],
    people: People | None,
    passwords: Passwords | None,
    keeping: Keeping | None = None,
    add_claims: AddClaims | None,
    clock: Clock,
    announce: Callable[[Event], None],
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> SessionRooms:
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
    reaches = Reaches.of(config)
    lives, refresh_tokens = Lifetimes.of(config), RefreshTokens(keys)
    standing = Standing(
        store,
        revocations,
        reaches=reaches,
        people=people,
        lives=lives,
        announce=announce,
    )
    minting = Minting(
        issuer,
        reaches.issuer,
        refresh_tokens,
        lives,
        add_claims=add_claims,
        signs=keeping is None or not keeping.keeps_every,
        longest_cookie=MAX_COOKIE_BYTES - len(config.cookies.access) if keeping is None else None,
        announce=announce,
    )
    turning = Turning(
        standing, minting, keeping, refresh_tokens, binding=Binding.of(config.sessions), clock=clock, draw=draw
    )
    return SessionRooms(
        Logins(turning), StepUps(turning, passwords), OpenSessions(standing, refresh_tokens, clock=clock)
    )
