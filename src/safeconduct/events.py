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
class Unsupported(Event):
    """The process cannot serve any request, and *reason* says in one sentence why; told once."""

    log_level: ClassVar[int] = 50
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUserOmitted(Event):
    """A name with control characters was left out of ``REMOTE_USER``; told once for each *issuer*."""

    log_level: ClassVar[int] = 30
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed(Event):
    """
    An author's hook raised, or returned what cannot be; what it was to do was left out.

    *error* is the class of what it raised, or of what is wrong with its answer.
    """

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
    """
    Tries were refused before any password was looked at.

    Told once in a quarter of an hour for an account or a network; *refused* counts this try and those that were not
    told since the last one.
    """

    log_level: ClassVar[int] = 30
    account: str
    retry_after_seconds: int
    refused: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPeer(Event):
    """
    Somebody signs in from a peer without an address, and `proxies.trusted` does not name it; told once.

    Name the proxy in front of the application, `"unix"` for one that comes by a Unix socket: until then the throttle
    can't tell its clients apart.
    """

    log_level: ClassVar[int] = 30


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
    """A key source or one file of it could not be read; what it held before stays in use, but what was removed."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysGone(Event):
    """No key of an issuer is left at *source*; every token of it is refused until there is one."""

    log_level: ClassVar[int] = 50
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRecovered(Event):
    """Everything at a key source can be read again, and there are keys."""

    source: str


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
    switch: Literal["basic.allow_plain_http", "revocation.accept_eviction", "cookies.secure", "access.preflights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersUnreadable(Event):
    """The users file could not be read; what was there before stays in use."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersRecovered(Event):
    """The users file can be read again."""


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
    reason: Literal["signed_out", "ended", "reused", "account", "failures", "too_many"]


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
    #: What of it did: ``network``, ``device``.
    changed: tuple[Literal["network", "device"], ...]
    is_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRolledBack(Event):
    """The store is behind a token that only a later state of it can have made: it lost an acknowledged write."""

    log_level: ClassVar[int] = 50
    shard: int
    session_id: str
