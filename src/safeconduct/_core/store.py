"""
What the core asks of a store.

The core awaits these and nothing else.  Behind WSGI every port answers at once, so that ``run_sync`` can run the same
coroutine to its end without a loop; behind ASGI a port may suspend.  Instants are integer milliseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from safeconduct._core.epochs import Epoch
from safeconduct._core.session_store import SessionStore

#: A try's id begins with so many bytes that its account's spelling decides, and goes on with random ones.
TRY_TAG_BYTES: Final = 8
#: How long a try of which nothing was heard may still be under way; then it has failed.
UNDER_WAY_MS: Final = 10_000

#: How much longer than its tokens an entry lives, in case a clock is slow.
MARGIN_MS: Final = 60_000
#: The last instant of the year 9999: no larger number is sent to a server, whatever a token claims.
END_OF_TIME_MS: Final = 253_402_300_799_999


def clamped_ms(instant_ms: int) -> int:
    """Limit an instant that another party wrote to what every store can compute with."""
    return max(0, min(instant_ms, END_OF_TIME_MS))


RevocationKind = Literal["token", "session", "subject", "client", "key", "everything"]


@dataclass(frozen=True, slots=True)
class RevocationQuery:
    """
    What is asked of the store about one proven credential, in one command on one shard.

    *marks* are revoked if present (token, key).  *cuts* are revoked if their ``before_ms`` is at or after *issued_ms*
    (session, subject, client, everything).  Every member is ``kind ‖ digest``, never a raw claim.
    """

    shard: int
    marks: tuple[bytes, ...]
    cuts: tuple[bytes, ...]
    issued_ms: int
    #: When the credential ends by itself, leeway included.  A store that has already forgotten entries of that age
    #: says ``is_revoked``: its clock may have run ahead of ours when it forgot.
    ends_ms: int
    #: The process whose own session is behind the credential, for a store that knows only its own process's; else None.
    instance: bytes | None = None
    #: The session that the store must have: its id, empty where the credential has none; None where nothing is asked.
    #: Where something is, the store is asked whatever the consistency.
    kept: str | None = None
    #: The digest of the opaque token, which the store must have too.
    reference: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """What the store says to a ``RevocationQuery``."""

    #: None where the store has no epoch: it is new, or has lost its data.
    epoch: Epoch | None
    #: Whether the shard holds anything of ours; decides between ``new`` and ``lost`` where there is no epoch.
    is_empty: bool
    is_revoked: bool
    #: The store's own clock; None where that is this process's.
    now_ms: int | None


@dataclass(frozen=True, slots=True)
class IssueTime:
    """The instant that a new token bears; nothing was written where *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool
    iat_ms: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """
    One thing to end: a mark (token, key) or a cut-off at the store's clock (session, subject, client, everything).

    How long the entry lives: until *expires_ms*; else, with *lives_ms*, from the store's now for the larger of that and
    the horizon, and the leeway and a minute; with neither, without end.
    """

    kind: RevocationKind
    member: bytes
    #: The shards to write to; client, key and everything go to all of them.
    shards: tuple[int, ...]
    expires_ms: int | None = None
    lives_ms: int | None = None

    @property
    def is_mark(self) -> bool:
        """Whether presence alone revokes: whoever holds a key writes his own ``iat``."""
        return self.kind in {"token", "key"}


@dataclass(frozen=True, slots=True)
class Written:
    """What one shard made of a revocation; nothing was written where *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool
    #: The cut-off that now holds, by the store's clock; None for a mark.
    before_ms: int | None
    replicas: int = 0
    #: Whether it is on disk.
    is_durable: bool = False


@dataclass(frozen=True, slots=True)
class Counter:
    """One bound of the throttle: at most *limit* failures in any *window_ms*."""

    #: A keyed digest, never a raw name or address.
    key: bytes = field(repr=False)
    limit: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class KeptReply:
    """Whether a token is kept now; nothing was written where *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a store knows of a reference."""

    epoch: Epoch | None
    is_empty: bool
    #: The store's own clock; None where that is this process's.
    now_ms: int | None
    #: Whether the token was ended, or its record or its session's is not there.
    is_revoked: bool
    issued_ms: int = 0
    #: A JSON object; empty where the reference is not known.
    claims: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OpaqueQuery:
    """Which opaque token is looked for."""

    shard: int
    session_id: str
    #: The store knows a token by this alone.
    reference: bytes = field(repr=False)


class OpaqueTokenStore(Protocol):
    """
    The opaque tokens of all processes.

    Each method is one command on one shard.  Raises ``Unavailable``, and nothing else, where the store cannot be asked.
    """

    async def keep(self, question: RevocationQuery, claims: str, *, grace_ms: int) -> KeptReply:
        """
        Keep what a token says until it ends by itself; *question* is what will be asked about it.

        An older token of the same session is there for *grace_ms* more, in which a lost answer may be asked for again.
        """
        ...

    async def resolve(self, sought: OpaqueQuery) -> Resolved:
        """Tell what a token says, and whether it still counts."""
        ...


class View(Protocol):
    """The answers that a store has at hand, so that a warm request sends no command."""

    #: Another object whenever ``holds`` may answer otherwise: what held at one version need not be looked up again.
    version: object

    def holds(self, question: RevocationQuery) -> bool:
        """Say whether the credential counts for certain; where that is not so, ``ask`` decides."""
        ...


class Store(Protocol):
    """
    The shared memory of all processes.

    Every method is one atomic command on one shard and may be repeated without harm.  Raises ``Unavailable``, and
    nothing else, where the store cannot be asked within its deadline; ``NotSupported`` where there is none to write to.
    """

    @property
    def sessions(self) -> SessionStore | None:
        """The sessions, None where the store keeps none."""
        ...

    @property
    def opaque_tokens(self) -> OpaqueTokenStore | None:
        """The opaque tokens, None where the store keeps none."""
        ...

    @property
    def view(self) -> View | None:
        """The answers at hand, None where the store has to be asked each time."""
        ...

    @property
    def known_epochs(self) -> Mapping[int, Epoch]:
        """The epochs that earlier processes knew, by shard; empty where none were written down."""
        ...

    async def ask(self, question: RevocationQuery) -> RevocationStatus:
        """Say whether a credential was ended, and in which epoch the store is."""
        ...

    async def ask_all(self, questions: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Answer in few commands those of *questions* that can be asked together; the rest is for ``ask``."""
        ...

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """
        Begin an epoch where there is none; with *reason* ``lost``, turn what is there into a lost one; return it.

        *seen* is the epoch that the caller knew before.  One that began no later than that came out of an old copy of
        the data, so that the loss reaches up to now.  Of several callers one wins, and all get the same answer.
        """
        ...

    async def issue_time(self, question: RevocationQuery) -> IssueTime:
        """Find the ``iat_ms`` of a new token: after every cut-off that would meet it and after the epoch began."""
        ...

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """End one thing on one shard: whatever was stamped there before ends, whatever is stamped after lives."""
        ...

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """
        Count a try in every counter and return 0, or count none and return after how many ms to come back.

        *try_id* is drawn anew for each try, so that a command that was sent twice counts once.  Tries under way count
        too, and where they fill a counter the answer says when the first of them must be over.
        """
        ...

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that the try is over and failed; where this is not called, ``UNDER_WAY_MS`` says so."""
        ...

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Take the try out of *counters*, and out of *cleared* every try whose tag is that of *try_id*."""
        ...

    async def close(self) -> None:
        """Let go of this world's connections, on ASGI those of the running loop; a later question opens new ones."""
        ...


class StoreProvider(Protocol):
    """What an author may pass as ``Auth(store=…)``: one store with a port for each world."""

    def blocking(self) -> Store:
        """Give the port for WSGI: its coroutines never suspend."""
        ...

    def native(self) -> Store:
        """Give the port for ASGI: its coroutines may suspend, on whichever loop runs."""
        ...

    def end(self) -> None:
        """Answer no more: every later question is ``Unavailable``.  Idempotent, and safe from any thread."""
        ...


class Unasked:
    """The view where there is no store: whatever was proven counts."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = object()

    def holds(self, question: RevocationQuery) -> bool:
        """Know of nothing that was revoked."""
        del question
        return True
