"""
Define the events that listeners receive: frozen values that contain no token.

A listener is a plain function that takes an event and does not block.  ``logging`` gets every event too.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of every event; *log_level* is a level of ``logging``."""

    log_level: ClassVar[int] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Event):
    """A request was refused; *error* is the name of the error's class and *reason* its reason."""

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
    """Our code raised an unexpected exception, and the request was answered 503; *error* is the name of its class."""

    log_level: ClassVar[int] = 40
    where: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported(Event):
    """The process cannot serve any request, and *reason* says in one sentence why; announced once."""

    log_level: ClassVar[int] = 50
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUserOmitted(Event):
    """A name with control characters was left out of ``REMOTE_USER``; announced once for each *issuer*."""

    log_level: ClassVar[int] = 30
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed(Event):
    """
    A hook of the application raised an exception or returned a wrong value, and was ignored.

    *error* is the name of the class of the exception that it raised, or that its value caused.
    """

    log_level: ClassVar[int] = 40
    hook: str
    error: str


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
class Revoked(Event):
    """A token, session, subject, client, key, or everything was revoked; *kind* says which."""

    kind: str
    shards: int
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUnavailable(Event):
    """The store cannot be asked; requests that need it are answered 503."""

    log_level: ClassVar[int] = 40
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationUnchecked(Event):
    """Credentials pass unchecked while the store cannot be asked (``on_outage = "serve"``); once a minute at most."""

    log_level: ClassVar[int] = 40
    view_age_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecovered(Event):
    """The store answers again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLost(Event):
    """
    The store lost data that it had acknowledged; tokens issued before that are refused until the horizon has passed.

    *witness* says what proved it: ``empty``, the store had no data; ``epoch``, this process knew another epoch of it;
    ``mark``, this process knew a later change; ``token`` or ``refresh``, a token was presented that a later state of
    the store had issued; ``restart``, its server started after all that it holds, and has no append-only file.
    """

    log_level: ClassVar[int] = 50
    shard: int
    witness: Literal["empty", "epoch", "mark", "token", "refresh", "restart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkewed(Event):
    """This process's clock differs from the store's by more than half the leeway; *skew_ms* = ours - the store's."""

    log_level: ClassVar[int] = 40
    skew_ms: int


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
class RuleWeakened(Event):
    """An option that is documented as unsafe took effect."""

    log_level: ClassVar[int] = 30
    switch: Literal["basic.allow_plain_http", "revocation.accept_eviction", "cookies.secure", "access.preflights"]


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
    """A user proved who they are, and a session began."""

    subject: str
    session_id: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedUp(Event):
    """A user proved again who they are; the older tokens of the session ended."""

    subject: str
    session_id: str
    level: str


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
class BindingChanged(Event):
    """A long-term credential was used from another network or device than at sign-in."""

    log_level: ClassVar[int] = 30
    subject: str
    session_id: str
    #: What has changed.
    changed: tuple[Literal["network", "device"], ...]
    is_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRolledBack(Event):
    """The store is older than a token that it has issued, so it lost a write that it had acknowledged."""

    log_level: ClassVar[int] = 50
    shard: int
    session_id: str
