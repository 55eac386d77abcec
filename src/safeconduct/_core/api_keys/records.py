"""
Define what a store keeps of an API key, and what the core asks of a store that keeps them.

All keys of an owner are on the owner's shard.  Each command is one command on that shard, may be sent twice without
harm, and raises ``Unavailable``, and nothing else, if the store cannot be asked within its deadline.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_query import ApiKeyRef, RevocationQuery, RevocationStatus

NOTED_EVERY_MS: Final = 60_000
"""How often the use of a key is noted at most."""

MOST_KEYS: Final = 1000
"""How many keys an owner may have."""

Creation = Literal["created", "taken", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApiKey:
    """What a store keeps of an API key."""

    key_id: str
    #: SHA-256 of the secret.
    digest: bytes = field(repr=False)
    #: The revocation key of the owner's API keys, which the issuer is a part of.
    owner: bytes
    subject: str
    name: str
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    #: By the store's clock, and after every cut-off by then; 0 before it is stored.
    created_ms: int = 0
    expires_ms: int = 0
    #: None before the first use.
    last_used_ms: int | None = None

    def has_secret_of(self, shown: ApiKeyRef) -> bool:
        """Return whether the key that was shown has the secret of this one, in constant time."""
        return hmac.compare_digest(self.digest, shown.digest)


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do, and until when that need not be asked again."""

    scopes: frozenset[str]
    roles: frozenset[str]
    display_name: str
    from_seconds: float
    until_seconds: float

    def hold_at(self, now: float) -> bool:
        """Return whether they need not be asked again at *now*."""
        return self.from_seconds <= now < self.until_seconds


@dataclass(frozen=True, slots=True)
class CreationReply:
    """The reply to ``create``; nothing was written if *epoch* is None."""

    epoch: Epoch | None
    is_empty: bool
    #: ``taken`` if another key has the id; ``full`` if the owner has as many as allowed.
    outcome: Creation = "created"
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class ApiKeyReply:
    """The reply to ``use``: whether the key counts, and what is kept of it, whatever secret was shown."""

    status: RevocationStatus
    record: StoredApiKey | None = None

    @property
    def epoch(self) -> Epoch | None:
        """The epoch of the store."""
        return self.status.epoch

    @property
    def is_empty(self) -> bool:
        """Whether the shard has no data of ours."""
        return self.status.is_empty


@dataclass(frozen=True, slots=True)
class ApiKeysReply:
    """The keys of an owner that count, in no order."""

    epoch: Epoch | None
    is_empty: bool
    records: tuple[StoredApiKey, ...] = ()


class ApiKeyStore(Protocol):
    """The API keys of all processes."""

    async def create(self, query: RevocationQuery, record: StoredApiKey, *, lifetime_ms: int) -> CreationReply:
        """Keep a new key for *lifetime_ms*, later than every cut-off; *query* says where, and what may end it."""
        ...

    async def use(self, query: RevocationQuery) -> ApiKeyReply:
        """Return a key, and note its use if the secret is right and ``NOTED_EVERY_MS`` have passed."""
        ...

    async def list(self, shard: int, cuts: Sequence[bytes]) -> ApiKeysReply:
        """Return the keys of an owner; *cuts* are the revocation keys that may end them, the owner's first."""
        ...
