"""
Define the events that listeners receive: frozen values that contain no token.

A listener is a plain function that takes an event and does not block.  ``logging`` gets every event too.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from safeconduct.events.records import to_mapping
from safeconduct.events.requests import (
    ClientRefused,
    ClientTokenIssued,
    ClientTokenReused,
    Event,
    Fault,
    HookFailed,
    RemoteUserOmitted,
    RequestRefused,
    RequirementUnchecked,
    RuleWeakened,
    TokenRefused,
    Unsupported,
)
from safeconduct.events.store import (
    CertificatesUnreadable,
    ClockSkewed,
    RevocationsRestored,
    RevocationUnchecked,
    Revoked,
    StoreLost,
    StoreRecovered,
    StoreRolledBack,
    StoreUnavailable,
    ViewCurrent,
    ViewStale,
)

__all__ = [
    "ApiKeyCreated",
    "BindingChanged",
    "CertificatesUnreadable",
    "ClientRefused",
    "ClientTokenIssued",
    "ClientTokenReused",
    "ClockSkewed",
    "Event",
    "Fault",
    "HandOverReused",
    "HookFailed",
    "KeyExposed",
    "KeySkipped",
    "KeysGone",
    "KeysRecovered",
    "KeysReloaded",
    "KeysUnreadable",
    "RefreshReused",
    "RemoteUserOmitted",
    "RenewReused",
    "RequestRefused",
    "RequirementUnchecked",
    "RevocationUnchecked",
    "RevocationsRestored",
    "Revoked",
    "RuleWeakened",
    "SessionEnded",
    "SignInFailed",
    "SignedIn",
    "SteppedUp",
    "StoreLost",
    "StoreRecovered",
    "StoreRolledBack",
    "StoreUnavailable",
    "SubjectSignedOut",
    "Throttled",
    "TokenRefused",
    "UnknownPeer",
    "Unsupported",
    "UsersRecovered",
    "UsersUnreadable",
    "ViewCurrent",
    "ViewStale",
    "to_mapping",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """A password was wrong; *account* is a keyed digest of the submitted name."""

    log_level: ClassVar[int] = 30
    account: str
    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Event):
    """
    Attempts were refused before the password was compared.

    Announced once every 15 minutes for an account or a network; *refused* counts this attempt and those since the last
    announcement.
    """

    log_level: ClassVar[int] = 30
    account: str
    retry_after_seconds: int
    refused: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPeer(Event):
    """
    A sign-in came from a peer without an address that `proxies.trusted` does not name; announced once.

    Until the proxy is named there (`"unix"` for a Unix socket), the throttle cannot tell its clients apart.
    """

    log_level: ClassVar[int] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysReloaded(Event):
    """The key folder changed and the new set is in use."""

    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysUnreadable(Event):
    """A key source, or a file of it, could not be read; its earlier keys stay in use, except removed ones."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysGone(Event):
    """No key of an issuer is left at *source*; every token of it is refused until there is one."""

    log_level: ClassVar[int] = 50
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRecovered(Event):
    """A key source can be read completely again, and has keys."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySkipped(Event):
    """One key of a set was refused; the rest of the set is in use."""

    log_level: ClassVar[int] = 30
    kid: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExposed(Event):
    """Every user of the machine may read a file with private keys; it is used nevertheless."""

    log_level: ClassVar[int] = 30
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersUnreadable(Event):
    """The users file could not be read; its earlier content stays in use."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersRecovered(Event):
    """The users file can be read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """A user proved who they are, or was handed over by another issuer, and a session began."""

    subject: str
    session_id: str
    level: str
    #: The issuer that handed the user over; None for a user of our own.
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedUp(Event):
    """A user proved again who they are; the older tokens of the session ended."""

    subject: str
    session_id: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyCreated(Event):
    """An API key was made for a user."""

    subject: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A session ended before it expired; *reason* says why."""

    #: None if the session had no record any more.
    subject: str | None
    session_id: str
    reason: Literal["signed_out", "ended", "reused", "account", "failures", "too_many"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectSignedOut(Event):
    """Every session of a subject ended."""

    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReused(Event):
    """A refresh token was used a second time; its session ended, since one of the token's two holders is a thief."""

    log_level: ClassVar[int] = 40
    subject: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewReused(Event):
    """An access token was presented for renewal a second time; it was refused, and its session goes on."""

    log_level: ClassVar[int] = 30
    subject: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverReused(Event):
    """A hand-over of a browser was used a second time and refused: it was sent twice, or somebody has copied it."""

    log_level: ClassVar[int] = 30
    issuer: str
    subject: str
    token_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingChanged(Event):
    """A long-term credential was used from another network or device than at sign-in."""

    log_level: ClassVar[int] = 30
    subject: str
    session_id: str
    #: What has changed.
    changed: tuple[Literal["network", "device"], ...]
    is_refused: bool
