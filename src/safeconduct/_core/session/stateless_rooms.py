"""Where the parts of the sessions that no store keeps are put together, for one world."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from safeconduct._core.decision import Clock
from safeconduct._core.directory import People
from safeconduct._core.passwords import Passwords
from safeconduct._core.session.binding import Binding
from safeconduct._core.session.life import Lifetimes
from safeconduct._core.session.minting import AddClaims, Minting
from safeconduct._core.session.reaches import Reaches
from safeconduct._core.session.refresh_token import DerivedKeys, RefreshTokens
from safeconduct._core.session.sealed import SealedSessions
from safeconduct._core.session.stateless import StatelessLogins, StatelessOpenSessions, StatelessStepUps
from safeconduct._core.session.stateless_turning import StatelessTurning
from safeconduct._http.set_cookie import MAX_COOKIE_BYTES
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct.config import Config
from safeconduct.events import Event


@dataclass(frozen=True, slots=True)
class StatelessRooms:
    """The verbs on sessions, by what they are about, under the names that ``SessionRooms`` gives them."""

    #: ``sign_in``, ``refresh``, ``renew``.
    logins: StatelessLogins
    #: ``step_up``.
    step_ups: StatelessStepUps
    #: ``list``, ``sign_out``, ``sign_out_with``, ``sign_out_everywhere``, ``end``, ``touch``, ``prospects``.
    open_sessions: StatelessOpenSessions


def stateless_rooms(  # noqa: PLR0913 - every part of an ``Auth`` meets here
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
) -> StatelessRooms:
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
    lives, reaches = Lifetimes.of(config), Reaches.of(config)
    turning = StatelessTurning(
        sealed=SealedSessions(keys, reaches.issuer, leeway_ms=config.tokens.leeway_seconds * 1000),
        minting=Minting(
            issuer,
            reaches.issuer,
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
    return StatelessRooms(
        StatelessLogins(turning, reaches), StatelessStepUps(turning, reaches, passwords), StatelessOpenSessions(reaches)
    )
