"""
Describe a session: what can happen to it, what level its tokens have then, and when they end.

=============================  =====================  =============================  ================================
event                          level of the token     refresh token                  what changes
=============================  =====================  =============================  ================================
sign-in                        as proven              only if asked for              a new session
renew, past half of the life   remembered             untouched                      demoted, one renewal more
refresh                        ``level(now)``         rotated, expiry kept           nothing
refresh with ``extend``,       ``level(now)``         rotated, expiry = min(now +    nothing
past half of its life                                 idle lifetime, absolute end)
step-up                        as proven              rotated if presented           proof, its instant, no longer
                                                                                     demoted; older tokens end
5 failed step-ups              none                   none                           over
account gone or disabled       none                   none                           over
sign-out, cut-off, reuse       none                   none                           over
no renewal in time, the end    none                   none                           over
=============================  =====================  =============================  ================================

``level(now)`` is the level that was proven, as long as the session is not demoted and the proof is younger than the
explicit lifetime, else ``remembered``.  A token above ``remembered`` ends with that lifetime.  So a level never rises
without proof, and a refresh token is worth an explicit sign-in for one explicit lifetime and no longer.
"""

import json
from dataclasses import dataclass, field
from typing import Literal, Self

from safeconduct._core.directory import Account
from safeconduct.principal import Level, rank

Transport = Literal["header", "cookie"]
"""How a session's tokens travel; it stays what it was at sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """
    The refresh tokens of a session, of which one is live.

    *digest* is that of the live token's secret, *previous* that of the token before it.  *salt* made the live token out
    of the one before, and is kept only as long as that one may come again.
    """

    position: int
    digest: bytes = field(repr=False)
    previous: bytes = field(default=b"", repr=False)
    salt: bytes = field(default=b"", repr=False)
    #: Until when the token before the live one may still be exchanged for the live one.
    grace_ms: int = 0
    #: When its life began, at sign-in or by ``extend``; rotation does not prolong it.
    begun_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The access token that the last renewal made, so that a repeated request gets the same."""

    token_id: str
    iat_ms: int
    #: Seconds since the epoch.
    expires_at: int
    #: Until when a repeated request gets it.
    grace_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login, as a store keeps it.  Instants are milliseconds by the store's clock."""

    subject: str
    #: What was proven at the last sign-in or step-up, at *auth_ms*.
    proof_level: Level
    auth_ms: int
    is_demoted: bool = False
    created_ms: int
    #: The ``iat_ms`` of the newest token: a cut-off that is not before it has ended the session.
    issued_ms: int
    used_ms: int
    #: The absolute end.
    ends_ms: int
    #: When its last credential has expired, at the latest the absolute end and the leeway.
    over_ms: int
    #: Roles, scopes and the user's name as they were last looked up, see ``Rights``.
    rights: str = field(repr=False)
    #: The user name that was submitted, for a later step-up.
    username: str = field(repr=False)
    transport: Transport
    device: str
    network: str
    csrf_generation: int = 0
    #: How many step-ups failed since the last one that succeeded.
    failures: int = 0
    #: The id of the last step-up, failed or not, so that a command that is sent twice counts once.
    last_request: str = ""
    renewals: int = 0
    renewal: Renewal | None = None
    #: None if no refresh token was asked for.
    chain: Chain | None = None
    #: The issuer of a person who was handed over; empty for our own, who alone are in our directory.
    person_issuer: str = ""

    @property
    def auth_time(self) -> int | None:
        """When its owner was proven here, in seconds; None if another issuer proved them."""
        return None if self.person_issuer else self.auth_ms // 1000


#: This many wrong passwords in a row end the session: the access token that came along may be stolen.
MAX_FAILURES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long sessions and tokens live, in milliseconds, and how many sessions a user may have."""

    access_ms: int
    #: The life of a session without a refresh token.
    short_absolute_ms: int
    #: The life of any other session.
    absolute_ms: int
    #: The life of a refresh token.
    idle_ms: int
    #: How long the level that was proven lasts.
    explicit_ms: int
    #: How long a request whose answer was lost may be repeated.
    grace_ms: int
    max_per_subject: int


def level_at(session: Session, now_ms: int, lives: Lifetimes) -> Level:
    """Return the level of the session at *now_ms*."""
    # A token counts in seconds: a proof that ends within this second cannot be written into one.
    is_recent = now_ms // 1000 < _proof_end(session, lives)
    return session.proof_level if is_recent and not session.is_demoted else "remembered"


def token_end(session: Session, iat_ms: int, lives: Lifetimes, *, level: Level) -> int:
    """Return the ``exp`` of a token of *level* that is issued at *iat_ms*, in seconds."""
    end = min(iat_ms // 1000 + lives.access_ms // 1000, session.ends_ms // 1000)
    return min(end, _proof_end(session, lives)) if rank(level) > rank("remembered") else end


def token_half(issued_ms: int, expires_at: int) -> int:
    """Return the second from which a token may be renewed: half of its life is over."""
    issued_at = issued_ms // 1000
    return issued_at + (expires_at - issued_at + 1) // 2


def renew_after(session: Session, issued_ms: int, expires_at: int) -> int | None:
    """Return the second from which a token may be renewed, None if its end cannot grow."""
    return token_half(issued_ms, expires_at) if expires_at < session.ends_ms // 1000 else None


def chain_half_ms(chain: Chain) -> int:
    """Return the instant from which a refresh token may be extended: half of its life is over."""
    return chain.begun_ms + (chain.expires_ms - chain.begun_ms) // 2


def extension_window(session: Session) -> tuple[int | None, int | None]:
    """Return the seconds between which the refresh token may be extended; None and None if its end cannot grow."""
    chain = session.chain
    if chain is None or chain.expires_ms >= session.ends_ms:
        return None, None
    return -(-chain_half_ms(chain) // 1000), chain.expires_ms // 1000


def _proof_end(session: Session, lives: Lifetimes) -> int:
    return (session.auth_ms + lives.explicit_ms) // 1000


@dataclass(frozen=True, slots=True)
class Rights:
    """A user's roles, scopes and display name, as the directory last returned them."""

    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    display_name: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the rights of *account*, sorted."""
        return cls(tuple(sorted(set(account.roles))), tuple(sorted(set(account.scopes))), account.display_name)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what ``to_text`` wrote."""
        roles, scopes, *name = json.loads(text)
        return cls(tuple(roles), tuple(scopes), *name)

    def to_text(self) -> str:
        """Return them as a store keeps them."""
        name = [] if self.display_name is None else [self.display_name]
        return json.dumps([self.roles, self.scopes, *name], separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class CurrentAccount:
    """What the directory says of a user now."""

    #: None if it cannot be asked again; then those of the session remain.
    rights: Rights | None = None
    #: New tokens are not issued before this instant.
    earliest_ms: int = 0

    @property
    def rights_text(self) -> str | None:
        """The rights as a store keeps them."""
        return None if self.rights is None else self.rights.to_text()
