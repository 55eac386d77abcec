"""
Define how sessions are stored: each transition is one command on one shard, and may be sent twice without harm.

What becomes of a refresh token that is presented, by the store's clock; the first line that fits applies:

===========================================================  ==========  ============================================
what the record says                                         outcome     what follows
===========================================================  ==========  ============================================
none, past its end, or ended by any cut-off                  gone        nothing
the live token                                               rotated     the next token becomes the live one
the token before it, within the grace                        retry       the salt is returned, for the same successor
later than the live one: the store was set back              gone        the data is lost, ``is_rolled_back``
earlier, within the grace of the last rotation               stale       nothing
anything else                                                reuse       the session is ended and cut off
===========================================================  ==========  ============================================

What becomes of an access token that is presented for renewal: the newest one is ``renewed``; the one before it, within
the grace, is ``repeated`` with the same token; one ahead of the record is ``gone``, with ``is_rolled_back``; any other
is ``reuse``, which ends nothing.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from safeconduct._core.epochs import Epoch
from safeconduct._core.session_pages import Cursor, RevocationKeyOf
from safeconduct._core.sessions.model import Session, Transport
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.principal import Level

Outcome = Literal[
    "opened", "rotated", "retry", "early", "stale", "reuse", "gone",
    "renewed", "repeated", "at_end", "stepped", "failed", "ended", "used", "read",
]  # fmt: skip


class ForeignSession(Unavailable):
    """Only another process knows the session, so this one cannot say what became of it."""


@dataclass(frozen=True, slots=True)
class SessionRef:
    """A session that a command is about, and the revocation keys that may have ended it."""

    shard: int
    session_id: str
    #: The revocation key of the session itself.
    session: bytes
    #: That of its subject, which also names the subject's index.
    owner: bytes
    #: Those of its client and of everything.
    others: tuple[bytes, ...]

    @property
    def cuts(self) -> tuple[bytes, ...]:
        """Every revocation key whose cut-off ends the session, its own first."""
        return (self.session, self.owner, *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTerm:
    """The first refresh token of a session that has none that is still valid."""

    digest: bytes = field(repr=False)
    idle_ms: int
    #: Above that of any token before it, so that none of those is ever taken for a later one.
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A new session; with *person_issuer*, of a person who was handed over."""

    subject: str
    username: str = field(repr=False)
    level: Level
    rights: str = field(repr=False)
    transport: Transport
    device: str
    network: str
    #: How long the session may last, and an access token of it.
    lifetime_ms: int
    access_ms: int
    #: How many sessions its owner may have, including this one.
    max_per_subject: int
    long_term: LongTerm | None = None
    person_issuer: str = ""
    #: The new token is not issued before this instant; so in every command that issues one.
    earliest_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A refresh token that was presented, and its successor if it is the live one."""

    position: int
    digest: bytes = field(repr=False)
    next_digest: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    grace_ms: int
    access_ms: int
    #: The rights as they were looked up; None if they cannot change.
    rights: str | None = field(default=None, repr=False)
    #: The new life of the refresh token, if its owner extends it.
    extends_ms: int | None = None
    earliest_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The access token that was presented."""

    issued_ms: int
    #: Seconds since the epoch.
    expires_at: int
    renewals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewing:
    """An access token that is presented for renewal."""

    presented: Presented
    #: The ``jti`` of the new token.
    token_id: str
    grace_ms: int
    access_ms: int
    rights: str | None = field(default=None, repr=False)
    earliest_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """A user who was proven again within a session, with an id drawn for this request."""

    presented: Presented
    request_id: str
    level: Level
    access_ms: int
    rights: str | None = field(default=None, repr=False)
    #: The refresh token that came along.
    rotation: Rotation | None = None
    #: The refresh token that was asked for; without effect if the session has one.
    long_term: LongTerm | None = None
    #: The life of a session with a refresh token, from its beginning.
    lifetime_ms: int = 0
    earliest_ms: int = 0


@dataclass(frozen=True, slots=True)
class SessionReply:
    """The outcome of a command; if *epoch* is None, nothing was written."""

    epoch: Epoch | None
    is_empty: bool
    outcome: Outcome
    now_ms: int
    #: The ``iat_ms`` of the token that may be issued now.
    iat_ms: int = 0
    #: The session as it is after the command, None if it is over.
    session: Session | None = None
    #: Whether the store had lost a write that it had acknowledged.
    is_rolled_back: bool = False
    #: The sessions that a new one ended, since their owner had as many as allowed.
    crowded_out: tuple[str, ...] = ()
    replicas: int = 0

    def live_session(self) -> Session:
        """
        Return the session as it is after the command.

        Raises:
            RevokedToken: If it is over.
        """
        if self.session is None:
            raise RevokedToken("the session is over")
        return self.session


@dataclass(frozen=True, slots=True)
class SessionsReply:
    """A page of the sessions of a subject that are not over, those used last first."""

    epoch: Epoch | None
    is_empty: bool
    sessions: tuple[tuple[str, Session], ...] = ()
    #: Where the next page begins; None on the last page.
    cursor: Cursor | None = None


class SessionStore(Protocol):
    """
    The sessions of all processes.

    Each command raises ``Unavailable``, and nothing else, if the store cannot be asked within its deadline.
    """

    @property
    def instance(self) -> bytes | None:
        """What the ids of its sessions have after the shard, if only one process knows them."""
        ...

    @property
    def min_replicas(self) -> int:
        """How many replicas must have the end of a session."""
        ...

    async def open(self, ref: SessionRef, opening: Opening) -> SessionReply:
        """
        Keep a new session, which begins after every cut-off: ``opened``.

        If its owner has as many sessions as allowed, others of theirs end: those without a refresh token before the
        rest, the longest idle first.
        """
        ...

    async def read(self, ref: SessionRef) -> SessionReply:
        """Return a session: ``read`` or ``gone``.  Nothing is decided by it."""
        ...

    async def rotate(self, ref: SessionRef, rotation: Rotation) -> SessionReply:
        """Rotate a refresh token; ``early`` if it is to be extended before half of its life."""
        ...

    async def renew(self, ref: SessionRef, renewing: Renewing) -> SessionReply:
        """Renew an access token; ``at_end`` if its end cannot grow."""
        ...

    async def step_up(self, ref: SessionRef, step: StepUp) -> SessionReply:
        """
        Raise the level and cut off the session's older tokens: ``stepped``, or an outcome of ``rotate``.

        With *long_term*, a session without a valid refresh token gets one, and lives as long as those with one.
        """
        ...

    async def fail(self, ref: SessionRef, *, request_id: str, limit: int) -> SessionReply:
        """Count a failed step-up: ``failed``, or ``ended`` with the last that is allowed."""
        ...

    async def touch(self, ref: SessionRef, *, every_ms: int) -> SessionReply:
        """Return whether a session is over, ``used`` or ``gone``, and note its use if *every_ms* have passed."""
        ...

    async def end(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End a session and cut it off: ``ended``, or ``gone`` if there was none; its tokens live for *lives_ms*."""
        ...

    async def end_all(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End every session of the owner and cut off their tokens: ``ended``."""
        ...

    async def confirm(self, ref: SessionRef) -> SessionReply:
        """Wait for the replicas again; those that confirm have every earlier change too."""
        ...

    async def sessions_of(self, ref: SessionRef, key_of: RevocationKeyOf, after: Cursor | None = None) -> SessionsReply:
        """Return a page of the owner's sessions; *key_of* returns the revocation key of each."""
        ...
