"""
What happened, one frozen value per thing, without token material.

A listener is a plain function that takes an event and does not block; the standard ``logging`` hears every one.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; *log_level* is a level of ``logging``."""

    log_level: ClassVar[int] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Event):
    """A request was refused; *error* is the class of the error and *reason* its evidence for the log."""

    status: int
    error: str
    reason: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused(RequestRefused):
    """A credential was refused."""

    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Event):
    """Something of ours raised what it must not; the request was answered 503.  *error* is the class of it."""

    log_level: ClassVar[int] = 40
    where: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed(Event):
    """An author's hook raised; what it was to do was left out.  *error* is the class of what it raised."""

    log_level: ClassVar[int] = 40
    hook: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """A wrong password came; *account* is a keyed digest of the submitted name."""

    log_level: ClassVar[int] = 30
    account: str
    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Event):
    """A try was refused before any password was looked at."""

    log_level: ClassVar[int] = 30
    account: str
    retry_after_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked(Event):
    """Something was ended from now on."""

    kind: str
    shards: int
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUnavailable(Event):
    """The store could not be asked; requests that need it are answered 503."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecovered(Event):
    """The store answers again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLost(Event):
    """
    The store lost data that it had acknowledged; tokens issued before that are refused until the horizon has passed.

    *witness* says what proved it: ``empty``, it had nothing; ``epoch``, this process knew another life of it; ``mark``,
    this process knew a later change; ``token`` or ``refresh``, a token came that a later state of it had issued;
    ``restart``, its server began after all that it holds, and has no append-only file.
    """

    log_level: ClassVar[int] = 50
    shard: int
    witness: Literal["empty", "epoch", "mark", "token", "refresh", "restart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkewed(Event):
    """This process's clock is more than half the leeway from the store's; *skew_ms* = ours - the store's."""

    log_level: ClassVar[int] = 40
    skew_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysReloaded(Event):
    """The key folder changed and the new set is in use."""

    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysUnreadable(Event):
    """The key folder or one key of it could not be read; what was there before stays in use."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySkipped(Event):
    """One key of a set was refused and the rest of the set is in use."""

    log_level: ClassVar[int] = 30
    kid: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExposed(Event):
    """Every user of the machine may read a file with private keys; it is used all the same."""

    log_level: ClassVar[int] = 30
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWeakened(Event):
    """A configuration switch that is unsafe by name took effect."""

    log_level: ClassVar[int] = 30
    switch: Literal["basic.allow_plain_http", "revocation.accept_eviction", "cookies.secure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersUnreadable(Event):
    """The users file could not be read; what was there before stays in use."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """Somebody proved who he is, and a session began."""

    subject: str
    session_id: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedUp(Event):
    """Somebody proved anew who he is; the older tokens of the session ended."""

    subject: str
    session_id: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A session ended before its time; *reason* says in one word why."""

    #: None where the session had no record any more.
    subject: str | None
    session_id: str
    reason: Literal["signed_out", "ended", "reused", "account", "failures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectSignedOut(Event):
    """Every session of a subject ended."""

    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReused(Event):
    """A refresh token came that had been rotated away; its session ended, since one of its two holders is a thief."""

    log_level: ClassVar[int] = 40
    subject: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewReused(Event):
    """An access token that had been renewed before asked to be renewed again; it was refused, and its session lives."""

    log_level: ClassVar[int] = 30
    subject: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingChanged(Event):
    """A long-term credential came from another network or device than at sign-in."""

    log_level: ClassVar[int] = 30
    subject: str
    session_id: str
    is_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRolledBack(Event):
    """The store is behind a token that only a later state of it can have made: it lost an acknowledged write."""

    log_level: ClassVar[int] = 50
    shard: int
    session_id: str
