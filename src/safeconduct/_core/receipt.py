"""Define the receipt of a revocation, and the error for one that too few replicas have confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from safeconduct._core.store import Revocation, Written
from safeconduct.errors import Unavailable


@dataclass(frozen=True, slots=True)
class RevocationReceipt:
    """The result of a revocation."""

    #: The latest cut-off of all shards, by the store's clock; None for a token, a key and a sign-out.
    before_ms: int | None
    #: The shards that wrote it.
    shards: tuple[int, ...]
    #: How many replicas of the worst shard confirmed it in time.
    replicas: int = 0
    #: The shards that could not be asked, where nothing was revoked.  Revoking again is harmless.
    missed: tuple[int, ...] = ()
    #: Whether every shard that wrote it has it on disk, and not only in memory.
    durability: Literal["durable", "stored"] = "stored"

    @classmethod
    def of(cls, revocation: Revocation, written: Mapping[int, Written]) -> "RevocationReceipt":
        """Sum up what the shards that could be asked wrote."""
        cuts_ms = [one.before_ms for one in written.values() if one.before_ms is not None]
        return cls(
            before_ms=max(cuts_ms, default=None),
            shards=tuple(written),
            replicas=min(one.replicas for one in written.values()),
            missed=tuple(shard for shard in revocation.shards if shard not in written),
            durability="durable" if all(one.is_durable for one in written.values()) else "stored",
        )

    def require(self, wanted: int) -> None:
        """
        Return if *wanted* replicas of every shard confirmed it; 0 demands nothing.

        Raises:
            TooFewReplicas: If a shard could not be asked, or fewer confirmed it.
        """
        if wanted and (self.missed or self.replicas < wanted):
            raise TooFewReplicas(self, wanted=wanted)


class TooFewReplicas(Unavailable):
    """
    A revocation is written, but fewer replicas than demanded confirmed it in time.

    It is in effect, and is not undone; a failover now could lose it.  Revoking again is harmless, and waits again.
    """

    def __init__(self, receipt: RevocationReceipt, *, wanted: int) -> None:
        """Keep the *receipt*, which says what is stored where, and how many replicas were *wanted*."""
        super().__init__(f"written, but only {receipt.replicas} of {wanted} replicas have it yet")
        self.receipt = receipt
        self.wanted = wanted
