"""
What the sessions ask of a store: each transition is one command on one shard, and may be sent twice without harm.

A refresh token that is presented, by the store's clock, the first line that fits:

===========================================================  ==========  ============================================
what the record says                                         outcome     what follows
===========================================================  ==========  ============================================
none, past its end, or ended by any cut-off                  gone        nothing
the live token                                               rotated     the next one becomes the live one
the one before, within the grace                             retry       the salt is told, so that the same one follows
later than the live one: the store was set back              gone        the data is lost, ``rolled_back``
earlier, within the grace of the last rotation               stale       nothing
anything else                                                reuse       the session is ended and cut off
===========================================================  ==========  ============================================

An access token that asks for renewal: of the newest renewal ``renewed``; of the one before, within the grace,
``repeated`` with the same token; of one ahead of the record ``gone`` and ``rolled_back``; else ``reuse``, which ends
nothing.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, Self

from safeconduct._core.epochs import Epoch
from safeconduct._core.sessions.model import Session, Transport
from safeconduct.errors import InvalidRequest, RevokedToken, Unavailable
from safeconduct.principal import Level

Outcome = Literal[
    "opened", "rotated", "retry", "early", "stale", "reuse", "gone",
    "renewed", "repeated", "at_end", "stepped", "failed", "ended", "used", "read",
]  # fmt: skip


class ForeignSession(Unavailable):
    """The session is known to another process only, so nobody here can say what became of it."""


MemberOf = Callable[[str], bytes]
"""Names what a session's cut-off is kept under, by the session's id."""


@dataclass(frozen=True, slots=True)
class SessionRef:
    """Which session a command is about, and what may have ended it."""

    shard: int
    session_id: str
    #: The member of the session itself.
    session: bytes
    #: The member of its subject, which also names the subject's index.
    owner: bytes
    #: The members of its client and of everything.
    others: tuple[bytes, ...]

    @property
    def cuts(self) -> tuple[bytes, ...]:
        """Every member whose cut-off ends the session, its own first."""
        return (self.session, self.owner, *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTerm:
    """A long-term credential that a new session begins with."""

    digest: bytes = field(repr=False)
    idle_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A new session."""

    subject: str
    username: str = field(repr=False)
    level: Level
    rights: str = field(repr=False)
    transport: Transport
    device: str
    network: str
    lifetime_ms: int
    #: How long an access token may live.
    access_ms: int
    #: How many sessions its owner may have, this one included.
    max_per_subject: int
    long_term: LongTerm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A refresh token that was presented, and what follows if it is the live one."""

    position: int
    digest: bytes = field(repr=False)
    next_digest: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    grace_ms: int
    access_ms: int
    #: The rights as they were looked up; None where they can't change.
    rights: str | None = field(default=None, repr=False)
    #: The new life of the long-term credential, if its owner wants to extend it.
    extends_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The access token that asks."""

    issued_ms: int
    #: Seconds since the epoch.
    expires_at: int
    renewals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewing:
    """A renewal that is asked for."""

    presented: Presented
    #: The ``jti`` of the new token.
    token_id: str
    grace_ms: int
    access_ms: int
    rights: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """A proof that was given within a session."""

    presented: Presented
    #: Drawn for this request.
    request_id: str
    level: Level
    access_ms: int
    rights: str | None = field(default=None, repr=False)
    #: The refresh token that was presented along with it.
    rotation: Rotation | None = None


@dataclass(frozen=True, slots=True)
class SessionReply:
    """What became of a command; nothing was written where *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool
    outcome: Outcome
    now_ms: int
    #: The ``iat_ms`` of the token that may be issued now.
    iat_ms: int = 0
    #: The session as it is after the command, None where it is over.
    session: Session | None = None
    #: Whether the store had lost a write that it had acknowledged.
    is_rolled_back: bool = False
    #: The sessions that a new one ended, since their owner had as many as allowed.
    crowded_out: tuple[str, ...] = ()

    def live_session(self) -> Session:
        """
        Return the session as it is after the command.

        Raises:
            RevokedToken: If it is over.
        """
        if self.session is None:
            raise RevokedToken("the session is over")
        return self.session


PAGE_SIZE: Final = 100
"""How many sessions a page has at most."""

_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9_-]{24})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: at a session, which may be over by now."""

    over_ms: int
    session_id: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """
        Read what ``to_text`` wrote.

        Raises:
            InvalidRequest: If it is something else.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise InvalidRequest("the cursor is none of ours")
        return cls(int(found[1]), found[2])

    def to_text(self) -> str:
        """Write it down."""
        return f"{self.over_ms}.{self.session_id}"


def page_of(ends: Iterable[tuple[str, int]], after: Cursor | None) -> tuple[list[str], Cursor | None]:
    """
    Choose the sessions of one page.

    Args:
        ends: The id of each session, and when it is over.
        after: Where the page before ended; None for the first.

    Returns:
        The ids, and where the page ends; None if it is the last.
    """
    places = sorted((-over_ms, session_id) for session_id, over_ms in ends)
    if after is not None:
        start = (-after.over_ms, after.session_id)
        places = [place for place in places if place > start]
    chosen = places[:PAGE_SIZE]
    is_last = len(places) <= PAGE_SIZE
    return [session_id for _, session_id in chosen], None if is_last else Cursor(-chosen[-1][0], chosen[-1][1])


@dataclass(frozen=True, slots=True)
class SessionsReply:
    """A page of the sessions of a subject that are not over, the ones used last first."""

    epoch: Epoch | None
    is_empty: bool
    sessions: tuple[tuple[str, Session], ...] = ()
    #: Where the next page begins; None where there is none.
    cursor: Cursor | None = None


class SessionStore(Protocol):
    """
    The sessions of all processes.

    Raises ``Unavailable``, and nothing else, where the store cannot be asked within its deadline.
    """

    @property
    def instance(self) -> bytes | None:
        """What the ids of its sessions bear after their shard, where they are known to one process only."""
        ...

    async def open(self, ref: SessionRef, opening: Opening) -> SessionReply:
        """
        Keep a new session, which begins after every cut-off: ``opened``.

        Where its owner has as many as he may, others of his end: those without a long-term credential before the rest,
        the longest idle first.
        """
        ...

    async def read(self, ref: SessionRef) -> SessionReply:
        """Say what is known of a session: ``read`` or ``gone``.  It decides nothing."""
        ...

    async def rotate(self, ref: SessionRef, rotation: Rotation) -> SessionReply:
        """Take a refresh token; ``early`` where it wants to be extended before half of its life."""
        ...

    async def renew(self, ref: SessionRef, renewing: Renewing) -> SessionReply:
        """Renew an access token; ``at_end`` where its end can't grow."""
        ...

    async def step_up(self, ref: SessionRef, step: StepUp) -> SessionReply:
        """Take a proof and cut off the session's older tokens: ``stepped``, or what ``rotate`` says."""
        ...

    async def fail(self, ref: SessionRef, *, request_id: str, limit: int) -> SessionReply:
        """Count a failed proof: ``failed``, or ``ended`` with the last that is allowed."""
        ...

    async def touch(self, ref: SessionRef, *, every_ms: int) -> SessionReply:
        """Say whether a session stands, ``used`` or ``gone``, and note its use if *every_ms* have gone by."""
        ...

    async def end(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End a session and cut it off: ``ended``, or ``gone`` where there was none; *lives_ms* bounds its tokens."""
        ...

    async def end_all(self, ref: SessionRef, *, lives_ms: int) -> SessionReply:
        """End every session of the owner and cut him off: ``ended``."""
        ...

    async def sessions_of(self, ref: SessionRef, members: MemberOf, after: Cursor | None = None) -> SessionsReply:
        """Return a page of the owner's sessions; *members* names the member of a session by its id."""
        ...
