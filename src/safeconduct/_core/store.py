"""
Define what the core asks of a store.

The core awaits these ports and nothing else.  Behind WSGI a port never suspends, so that ``run_sync`` can run the same
coroutine without an event loop; behind ASGI it may.  Instants are integer milliseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from safeconduct._core.api_keys.records import ApiKeyStore
from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation_query import BoundedView, RevocationKind, RevocationQuery, RevocationStatus, View
from safeconduct._core.session_store import SessionStore

#: The id of a try begins with this many bytes, derived from the spelling of the user name; random bytes follow.
TRY_TAG_BYTES: Final = 8
#: How long a try may be under way; if nothing was heard of it by then, it counts as failed.
UNDER_WAY_MS: Final = 10_000

#: How much longer than its tokens an entry lives, in case a clock is slow.
MARGIN_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class IssueTime:
    """The instant at which a new token counts as issued; nothing was written if *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool
    iat_ms: int


@dataclass(frozen=True, slots=True)
class EndedApiKeys:
    """The API keys whose records end with a revocation: one by its id, or all of an owner by their revocation key."""

    key_id: str = ""
    owner: bytes = b""


@dataclass(frozen=True, slots=True)
class Revocation:
    """
    One thing to revoke: by a mark (token, key), or by a cut-off at the store's clock (the other kinds).

    The entry lives until *expires_ms*; or else, from now by the store's clock, for the larger of *lives_ms* and the
    horizon, plus the leeway and a minute; with neither, for ever.
    """

    kind: RevocationKind
    key: bytes
    #: The shards to write to; client, key and everything go to all of them.
    shards: tuple[int, ...]
    expires_ms: int | None = None
    lives_ms: int | None = None
    #: How many replicas to wait for; None for as many as configured.
    min_replicas: int | None = None
    #: Keys outlive what revokes them, so that their records end in the same command; those of everything end anyway.
    api_keys: EndedApiKeys | None = None

    @property
    def is_mark(self) -> bool:
        """Whether presence alone revokes: no cut-off helps against a stolen key, whose holder chooses any ``iat``."""
        return self.kind in {"token", "key"}


@dataclass(frozen=True, slots=True)
class Written:
    """What one shard wrote of a revocation; nothing if *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool
    #: The cut-off that holds now, by the store's clock; None for a mark.
    before_ms: int | None
    #: How many replicas confirmed it in time, and how many were to do so.
    replicas: int = 0
    wanted_replicas: int = 0
    #: Whether it is on disk.
    is_durable: bool = False


UseOutcome = Literal["first", "used", "revoked"]
"""Whether a token that counts once is used for the first time."""


@dataclass(frozen=True, slots=True)
class SingleUse:
    """
    The use of a token that counts once.

    A used token is marked as a revoked one is: it counts nowhere any more, and a loss of the mark is detected alike.
    """

    #: What may have revoked the token; its shard has the mark.
    query: RevocationQuery
    #: The revocation key of the token, which must have a ``jti``.
    mark: bytes
    #: Drawn for this use, so that a command that was sent twice is one use.
    use_id: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Used:
    """The reply to ``Store.mark_used``; nothing was written if *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool
    #: The store's clock; None if that is this process's.
    now_ms: int | None
    outcome: UseOutcome
    #: How many replicas confirmed the mark in time, and how many were to do so.
    replicas: int = 0
    wanted_replicas: int = 0


@dataclass(frozen=True, slots=True)
class Counter:
    """One limit of the throttle: at most *limit* failures in any *window_ms*."""

    #: A keyed digest, never a raw name or address.
    key: bytes = field(repr=False)
    limit: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class KeptReply:
    """The reply to ``OpaqueTokenStore.keep``; nothing was written if *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a store knows of an opaque token."""

    epoch: Epoch | None
    is_empty: bool
    #: The store's clock; None if that is this process's.
    now_ms: int | None
    #: Whether the token was revoked, or the store does not have it or its session.
    is_revoked: bool
    issued_ms: int = 0
    #: A JSON object; empty if the token is not known.
    claims: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OpaqueQuery:
    """The opaque token to look up."""

    shard: int
    session_id: str
    #: The digest of the token, by which alone the store knows it.
    reference: bytes = field(repr=False)


class OpaqueTokenStore(Protocol):
    """
    The opaque tokens of all processes.

    Each method is one command on one shard.  Raises ``Unavailable``, and nothing else, where the store cannot be asked.
    """

    async def keep(self, query: RevocationQuery, claims: str, *, grace_ms: int) -> KeptReply:
        """
        Keep the claims of a token until it expires; *query* is what will be asked about it.

        An older token of the same session is kept for *grace_ms* more, in which a lost response may be requested again.
        """
        ...

    async def resolve(self, sought: OpaqueQuery) -> Resolved:
        """Return the claims of a token, and whether it still counts."""
        ...


class Store(Protocol):
    """
    What all processes share.

    Every method is one atomic command on one shard and may be repeated without harm.  It raises ``Unavailable``, and
    nothing else, if the store cannot be asked within its deadline, and ``NotSupported`` if there is none to write to.
    """

    @property
    def sessions(self) -> SessionStore | None:
        """The sessions, None if the store keeps none."""
        ...

    @property
    def opaque_tokens(self) -> OpaqueTokenStore | None:
        """The opaque tokens, None if the store keeps none."""
        ...

    @property
    def api_keys(self) -> ApiKeyStore | None:
        """The API keys, None if the store keeps none."""
        ...

    @property
    def view(self) -> View | None:
        """What the store knows without a command, None if it must be asked each time."""
        ...

    @property
    def bounded_view(self) -> BoundedView | None:
        """The answers that are kept and may be old, None where none are."""
        ...

    @property
    def epochs(self) -> Epochs:
        """What this process has seen of the store's data, one object for both worlds."""
        ...

    async def ask(self, query: RevocationQuery) -> RevocationStatus:
        """Return whether a credential was revoked, and the epoch of the store."""
        ...

    async def ask_all(self, queries: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """Answer those of *queries* that can be asked together, in few commands; ``ask`` is for the others."""
        ...

    async def begin_epoch(self, shard: int, *, reason: Literal["new", "lost"], seen: Epoch | None) -> Epoch:
        """
        Begin an epoch if there is none; with *reason* ``lost``, turn the present one into a lost one; return it.

        *seen* is the epoch that the caller knew before.  If the store's began no later, it comes from an old copy of
        the data, and everything until now may be lost.  Of several callers one wins, and all get the same result.
        """
        ...

    async def issue_time(self, query: RevocationQuery) -> IssueTime:
        """Return the ``iat_ms`` for a new token: after the epoch began and every cut-off that would revoke it."""
        ...

    async def revoke(self, shard: int, revocation: Revocation) -> Written:
        """Revoke one thing on one shard: what was issued before ends, and what is issued afterwards lives."""
        ...

    async def mark_used(self, use: SingleUse) -> Used:
        """
        Mark a token as used until it has expired, unless it was used before, or was revoked.

        The same use may be sent again, and is ``first`` again.
        """
        ...

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """
        Count a try in every counter and return 0; or count it in none and return how many ms to wait.

        Each try has an id of its own, so that a command that was sent twice counts once.  Tries under way count too; if
        they fill a counter, the wait is until the first of them must be over.
        """
        ...

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that the try failed; without this call it counts as failed after ``UNDER_WAY_MS``."""
        ...

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Remove the try from *counters*, and from *cleared* every try whose tag is that of *try_id*."""
        ...

    async def close(self) -> None:
        """Close this world's connections, on ASGI those of the running loop; a later command opens new ones."""
        ...


class StoreProvider(Protocol):
    """A store with a port for each world, as passed to ``Auth(store=…)``."""

    def blocking(self) -> Store:
        """Return the port for WSGI, whose coroutines never suspend."""
        ...

    def native(self) -> Store:
        """Return the port for ASGI, whose coroutines may suspend, on any running loop."""
        ...

    def end(self) -> None:
        """Refuse every later command with ``Unavailable``.  Idempotent, and safe from any thread."""
        ...
