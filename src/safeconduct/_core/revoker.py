"""Revoke tokens, sessions, subjects, clients, keys and everything, on every shard that may hold what they end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import parse_session_id, revocation_key, shard_of
from safeconduct._core.store import MARGIN_MS, Revocation, RevocationKind, Written
from safeconduct.errors import NotFound, Unavailable
from safeconduct.events import Revoked


@dataclass(frozen=True, slots=True)
class RevocationReceipt:
    """The result of a revocation."""

    #: The latest cut-off of all shards, by the store's clock; None for a token and for a key.
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


class Revoker:
    """
    Revoke credentials.

    Args:
        revocations: Writes to the store.
        absolute_lifetime_ms: How long a session may live without a new sign-in.
    """

    def __init__(self, revocations: Revocations, *, absolute_lifetime_ms: int) -> None:
        self._revocations = revocations
        self._absolute_lifetime_ms = absolute_lifetime_ms

    async def revoke_token(
        self, issuer: str, token_id: str, *, subject: str | None, expires_ms: int
    ) -> RevocationReceipt:
        """Revoke one token, which expires at *expires_ms*; on all shards if its *subject* is not known."""
        shards = self._all_shards() if subject is None else (self._shard_of(issuer, subject),)
        return await self._revoke("token", issuer, token_id, shards=shards, expires_ms=self._entry_end_ms(expires_ms))

    async def revoke_session(self, issuer: str, session_id: str, *, ends_ms: int) -> RevocationReceipt:
        """
        Revoke the tokens of one of our own sessions, which ends at *ends_ms*.

        Raises:
            NotFound: If *session_id* is not the id of a session.
        """
        parsed = parse_session_id(session_id)
        if parsed is None or parsed[0] >= self._revocations.shards:
            raise NotFound("not the id of a session")
        return await self._revoke(
            "session", issuer, session_id, shards=(parsed[0],), expires_ms=self._entry_end_ms(ends_ms)
        )

    async def revoke_subject(self, issuer: str, subject: str) -> RevocationReceipt:
        """Revoke everything that was issued to one subject until now."""
        shards = (self._shard_of(issuer, subject),)
        return await self._revoke("subject", issuer, subject, shards=shards, lives_ms=self._absolute_lifetime_ms)

    async def revoke_client(self, issuer: str, client_id: str) -> RevocationReceipt:
        """Revoke everything that was issued to one client until now."""
        return await self._revoke(
            "client", issuer, client_id, shards=self._all_shards(), lives_ms=self._absolute_lifetime_ms
        )

    async def revoke_key(self, issuer: str, kid: str) -> RevocationReceipt:
        """Revoke everything that one key has signed or ever will."""
        return await self._revoke("key", issuer, kid, shards=self._all_shards())

    async def revoke_everything(self, issuer: str) -> RevocationReceipt:
        """Revoke everything that one issuer issued until now."""
        return await self._revoke("everything", issuer, shards=self._all_shards(), lives_ms=self._absolute_lifetime_ms)

    def _shard_of(self, issuer: str, subject: str) -> int:
        return shard_of(issuer, subject, self._revocations.shards)

    def _all_shards(self) -> tuple[int, ...]:
        return tuple(range(self._revocations.shards))

    def _entry_end_ms(self, ends_ms: int) -> int:
        return ends_ms + self._revocations.leeway_ms + MARGIN_MS

    async def _revoke(
        self,
        kind: RevocationKind,
        issuer: str,
        *parts: str,
        shards: tuple[int, ...],
        expires_ms: int | None = None,
        lives_ms: int | None = None,
    ) -> RevocationReceipt:
        revocation = Revocation(kind, revocation_key(kind, issuer, *parts), shards, expires_ms, lives_ms)
        written: dict[int, Written] = {}
        error: Unavailable | None = None
        for shard in shards:
            try:
                written[shard] = await self._revocations.write(shard, revocation)
            except Unavailable as unavailable:
                error = unavailable
        if error is not None and not written:
            raise error
        receipt = RevocationReceipt.of(revocation, written)
        self._revocations.announce(Revoked(kind=kind, shards=len(receipt.shards), replicas=receipt.replicas))
        return receipt
