"""Define the events about the store and the revocations in it."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from safeconduct.events.requests import Event


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
class CertificatesUnreadable(Event):
    """The certificates or the key that ``store.url`` names cannot be read; those read before stay in use."""

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

    *witness* says what proved it: ``empty``, the store had no data, or no revocations; ``epoch``, this process knew
    another epoch of it; ``mark``, this process knew a later change; ``token`` or ``refresh``, a token was presented
    that a later state of the store had issued; ``restart``, its server started after all that it holds, and has no
    append-only file.
    """

    log_level: ClassVar[int] = 50
    shard: int
    witness: Literal["empty", "epoch", "mark", "token", "refresh", "restart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationsRestored(Event):
    """*revocations* that a shard of the store had lost, and that this process knew, were written to it again."""

    log_level: ClassVar[int] = 30
    shard: int
    revocations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewStale(Event):
    """
    The local view of *shards* shards is older than ``revocation.staleness_seconds``, and requests ask the store.

    *age_seconds* is how old it is; before the first load, how long that has taken.
    """

    log_level: ClassVar[int] = 30
    age_seconds: float
    shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewCurrent(Event):
    """A local view that was stale is current again; *age_seconds* is how old it had become."""

    age_seconds: float
    shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkewed(Event):
    """This process's clock differs from the store's by more than half the leeway; *skew_ms* = ours - the store's."""

    log_level: ClassVar[int] = 40
    skew_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRolledBack(Event):
    """The store is older than a token that it has issued, so it lost a write that it had acknowledged."""

    log_level: ClassVar[int] = 50
    shard: int
    session_id: str
