"""What opaque tokens ask of a store: keep what one says, and tell it again while it counts."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from safeconduct._core.epochs import Epoch
from safeconduct._core.store import RevocationQuery


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


@runtime_checkable
class KeepsOpaqueTokens(Protocol):
    """A store's port that keeps opaque tokens too."""

    @property
    def references(self) -> OpaqueTokenStore:
        """The port to them."""
        ...
