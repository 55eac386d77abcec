"""
Define the question whether a credential was revoked, its answer, and the views that answer it without a command.

A store in memory answers everything without one.  Of a store that processes share, a process may keep a view that is
as old as the last command that the store has answered, and is believed up to a greatest age.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from safeconduct._core.epochs import Epoch
from safeconduct.errors import Unavailable

REVOCATION_KEY_BYTES: Final = 17
"""How long every revocation key is: a letter for its kind, and sixteen bytes of a digest."""

RevocationKind = Literal["token", "session", "subject", "client", "key", "everything"]
"""The things that can be revoked."""

RecordKey = tuple[int, bytes | str]
"""The shard of a record that must exist, and the digest of the opaque token, or the id of the session or API key."""


#: The last instant of the year 9999: no larger number is sent to a server, whatever a token claims.
END_OF_TIME_MS: Final = 253_402_300_799_999


def clamped_ms(instant_ms: int) -> int:
    """Limit an instant that another party wrote to what every store can compute with."""
    return max(0, min(instant_ms, END_OF_TIME_MS))


@dataclass(frozen=True, slots=True)
class ApiKeyRef:
    """An API key that was shown: its id, and the digest of its secret."""

    key_id: str
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RevocationQuery:
    """
    A question about one verified credential, which one command on one shard answers.

    A mark revokes by its presence (token, key); a cut-off revokes if its ``before_ms`` is at or after *issued_ms*
    (session, subject, client, everything).  All are revocation keys, ``kind ‖ digest``, never raw claims.
    """

    shard: int
    marks: tuple[bytes, ...]
    cuts: tuple[bytes, ...]
    issued_ms: int
    #: When the credential expires, leeway included.  A store that has already forgotten entries of that age replies
    #: ``is_revoked``, because its clock may have been ahead of ours when it forgot them.
    ends_ms: int
    #: For a store that knows the sessions of its own process only: the process that the credential's session began in.
    instance: bytes | None = None
    #: The id of the session that the store must have, empty if the credential has none; None if none is required.
    #: If one is, the store is asked whatever the consistency, but a bounded view remembers its answer for a while.
    required_session: str | None = None
    #: The digest of the opaque token that the store must have.
    reference: bytes | None = field(default=None, repr=False)
    #: The API key that the store must have.
    api_key: ApiKeyRef | None = None
    #: What a store has made of the question, to ask it again; see ``prepare``.
    prepared: object = field(default=None, init=False, compare=False, repr=False)

    def prepare(self, prepared: object) -> None:
        """Keep what a store has made of the question."""
        object.__setattr__(self, "prepared", prepared)

    @property
    def needs_record(self) -> bool:
        """Whether the store must have something, so that it is asked whatever the consistency."""
        return self.required_session is not None or self.api_key is not None

    @property
    def record(self) -> RecordKey | None:
        """The record that must exist; None if none must.  That of an opaque token stands for its session's too."""
        if self.api_key is not None:
            return (self.shard, self.api_key.key_id)
        record = self.reference or self.required_session
        return None if record is None else (self.shard, record)


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """The reply to a ``RevocationQuery``."""

    #: None if the store has no epoch: it is new, or has lost its data.
    epoch: Epoch | None
    #: Whether the shard has no data of ours; without an epoch it decides between ``new`` and ``lost``.
    is_empty: bool
    is_revoked: bool
    #: The store's clock; None if that is this process's, or does not matter for this query.
    now_ms: int | None


class UntrustedStore(Unavailable):
    """The store answers, and what it says must not be believed: it evicts revocations, or lags behind a primary."""


class View(Protocol):
    """What a store knows without a command, so that a warm request needs none."""

    @property
    def forgets_records(self) -> bool:
        """Whether what ``holds`` says of a required record may change by the time alone, without another version."""
        ...

    @property
    def version(self) -> object:
        """Another object whenever the result of ``holds`` may change; what held at one need not be looked up again."""
        ...

    def holds(self, query: RevocationQuery) -> bool:
        """Return whether the credential counts for certain; if not, ``ask`` decides."""
        ...


class BoundedView(View, Protocol):
    """
    The answers that a process keeps of a store that others use too, up to a greatest age.

    ``version`` is another object too when the view is too old, and then ``holds`` is always false.
    """

    @property
    def age_seconds(self) -> float:
        """How old the view is; infinite before it was loaded."""
        ...

    def begin(self) -> None:
        """Begin to keep the view current, unless that was done."""
        ...

    def end(self) -> None:
        """Keep the view current no more, so that the store is asked."""
        ...

    def is_lost_mark(self, query: RevocationQuery, epoch: Epoch) -> bool:
        """Say whether a revoked key signed the credential whose mark the store, which is in *epoch*, has lost."""
        ...

    def is_known_revoked(self, query: RevocationQuery) -> bool:
        """Say whether something in the view, however old it is, speaks against the credential."""
        ...

    def monotonic_seconds(self) -> float:
        """Return the time by the clock that measures the age of the view."""
        ...

    def note_record(
        self, record: RecordKey | None, epoch: Epoch | None, sent_at: float, *, is_api_key: bool = False
    ) -> None:
        """Note that the data of *epoch* had a required record, if any, by a command that was sent at *sent_at*."""
        ...


class NothingRevoked:
    """The view without a store: whatever was verified counts."""

    __slots__ = ("version",)

    forgets_records = False

    def __init__(self) -> None:
        self.version = object()

    def holds(self, query: RevocationQuery) -> bool:
        """Return True: nothing can be revoked."""
        del query
        return True
