"""Revoke tokens, sessions, subjects, clients, keys and everything, on every shard that may hold what they end."""

from typing import Final

from safeconduct._core.api_keys.wire_form import parse_key_id
from safeconduct._core.receipt import RevocationReceipt
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import client_mark, parse_session_id, revocation_key, shard_of
from safeconduct._core.revocation_query import RevocationKind
from safeconduct._core.store import MARGIN_MS, EndedApiKeys, Revocation, Written
from safeconduct.errors import NotFound, Unavailable
from safeconduct.events import Revoked

#: Much longer than a process takes an API key for proven without asking the store.
_KEY_MARK_MS: Final = 3_600_000


class Revoker:
    """
    Revoke credentials.

    Args:
        revocations: Writes to the store.
        absolute_lifetime_ms: How long a session may live without a new sign-in.
        min_replicas: How many replicas must confirm what is written; None for as many as the store waits for anyway.
    """

    def __init__(self, revocations: Revocations, *, absolute_lifetime_ms: int, min_replicas: int | None = None) -> None:
        self._revocations = revocations
        self._min_replicas = min_replicas
        self._absolute_lifetime_ms = absolute_lifetime_ms

    async def revoke_token(
        self, issuer: str, token_id: str, *, subject: str | None, expires_ms: int
    ) -> RevocationReceipt:
        """
        Revoke one token, which expires at *expires_ms*; on all shards if its *subject* is not known.

        A token whose id is that of an API key is one: its record says when it expires, and ends too.
        """
        shards = self._all_shards() if subject is None else (self._shard_of(issuer, subject),)
        is_api_key = parse_key_id(token_id) is not None
        return await self._revoke(
            "token",
            issuer,
            token_id,
            shards=shards,
            expires_ms=self._entry_end_ms(expires_ms),
            api_keys=EndedApiKeys(key_id=token_id) if is_api_key else None,
        )

    async def revoke_api_key(self, issuer: str, key_id: str, *, shard: int) -> RevocationReceipt:
        """Revoke one API key; the record ends, and its mark tells processes that have proven the key."""
        ended = EndedApiKeys(key_id=key_id)
        return await self._revoke("token", issuer, key_id, shards=(shard,), lives_ms=_KEY_MARK_MS, api_keys=ended)

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
        ended = EndedApiKeys(owner=revocation_key("api_keys", issuer, subject))
        return await self._revoke(
            "subject", issuer, subject, shards=shards, lives_ms=self._absolute_lifetime_ms, api_keys=ended
        )

    async def revoke_client(self, issuer: str, client_id: str) -> RevocationReceipt:
        """Revoke everything that was issued to one client until now, and whatever it signs itself, now and later."""
        # The wait for replicas after the cut-off covers what was written before it.
        mark = Revocation("key", client_mark(issuer, client_id), self._all_shards(), min_replicas=0)
        return await self._revoke(
            "client", issuer, client_id, shards=self._all_shards(), lives_ms=self._absolute_lifetime_ms, before=(mark,)
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
        before: tuple[Revocation, ...] = (),
        api_keys: EndedApiKeys | None = None,
    ) -> RevocationReceipt:
        key = revocation_key(kind, issuer, *parts)
        revocation = Revocation(kind, key, shards, expires_ms, lives_ms, self._min_replicas, api_keys)
        written: dict[int, Written] = {}
        error: Unavailable | None = None
        for shard in shards:
            try:
                for each in before:
                    await self._revocations.write(shard, each)
                written[shard] = await self._revocations.write(shard, revocation)
            except Unavailable as unavailable:
                error = unavailable
        if error is not None and not written:
            raise error
        receipt = RevocationReceipt.of(revocation, written)
        self._revocations.announce(Revoked(kind=kind, shards=len(receipt.shards), replicas=receipt.replicas))
        configured = max(one.wanted_replicas for one in written.values())
        receipt.require(configured if self._min_replicas is None else self._min_replicas)
        return receipt
