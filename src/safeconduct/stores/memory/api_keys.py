"""The API keys in one process's memory."""

import heapq
from collections.abc import Sequence
from dataclasses import replace

from safeconduct._core.api_keys.records import (
    MOST_KEYS,
    NOTED_EVERY_MS,
    ApiKeyReply,
    ApiKeysReply,
    CreationReply,
    StoredApiKey,
)
from safeconduct._core.revocation_query import ApiKeyRef, RevocationQuery, RevocationStatus
from safeconduct._core.store import Revocation
from safeconduct.stores.memory.revocations import MemoryRevocations


class MemoryApiKeys:
    """
    Keep this process's API keys.

    Args:
        revocations: The revocations of the same process, whose lock writers hold.
    """

    def __init__(self, revocations: MemoryRevocations) -> None:
        self._revocations = revocations
        self.forget()

    def forget(self) -> None:
        """Drop all of them, in a forked child: they are its parent's."""
        self._records: dict[str, StoredApiKey] = {}
        #: The revocation key of everything that ends a key.
        self._everything: dict[str, bytes] = {}
        #: The ids of each owner's keys.
        self._by_owner: dict[bytes, set[str]] = {}
        self._expiries: list[tuple[int, str]] = []

    def keeps(self, shown: ApiKeyRef) -> bool:
        """Return whether a key is kept; takes no lock."""
        record = self._records.get(shown.key_id)
        return record is not None and record.has_secret_of(shown)

    async def create(self, query: RevocationQuery, record: StoredApiKey, *, lifetime_ms: int) -> CreationReply:
        """Keep a new key, and forget those that have expired."""
        key_id = record.key_id
        with self._revocations.locked() as now_ms:
            self._drop_expired(now_ms)
            epoch, known = self._revocations.epoch, self._records.get(key_id)
            shown = ApiKeyRef(key_id, record.digest)
            if known is not None and known.owner == record.owner and known.has_secret_of(shown):
                return CreationReply(epoch, is_empty=False, created_ms=known.created_ms)
            if known is not None or query.marks[0] in self._revocations.entries:
                return CreationReply(epoch, is_empty=False, outcome="taken")
            if len(self._by_owner.get(record.owner, ())) >= MOST_KEYS:
                return CreationReply(epoch, is_empty=False, outcome="full")
            created_ms = self._revocations.issue_time(query.cuts, now_ms)
            expires_ms = (created_ms + lifetime_ms) // 1000 * 1000
            self._records[key_id] = replace(record, created_ms=created_ms, expires_ms=expires_ms)
            self._everything[key_id] = query.cuts[-1]
            self._by_owner.setdefault(record.owner, set()).add(key_id)
            heapq.heappush(self._expiries, (expires_ms, key_id))
        return CreationReply(epoch, is_empty=False, created_ms=created_ms)

    async def use(self, query: RevocationQuery) -> ApiKeyReply:
        """Return a key, and note its use."""
        shown, epoch = query.api_key, self._revocations.epoch
        with self._revocations.locked() as now_ms:
            record = None if shown is None else self._records.get(shown.key_id)
            is_right = record is not None and shown is not None and record.has_secret_of(shown)
            if record is not None and is_right and abs(now_ms - (record.last_used_ms or 0)) >= NOTED_EVERY_MS:
                self._records[record.key_id] = replace(record, last_used_ms=now_ms // 1000 * 1000)
        return ApiKeyReply(RevocationStatus(epoch, is_empty=False, is_revoked=not is_right, now_ms=None), record)

    async def list(self, shard: int, cuts: Sequence[bytes]) -> ApiKeysReply:
        """Return the keys of an owner that have neither ended nor expired."""
        del shard
        with self._revocations.locked() as now_ms:
            records = [self._records[key_id] for key_id in self._by_owner.get(cuts[0], ())]
        living = tuple(each for each in records if each.expires_ms > now_ms)
        return ApiKeysReply(self._revocations.epoch, is_empty=False, records=living)

    def end(self, revocation: Revocation) -> None:
        """Drop the keys that end with a revocation; the caller holds the lock."""
        ended = revocation.api_keys
        if revocation.kind == "everything":
            of_issuer = [key_id for key_id, everything in self._everything.items() if everything == revocation.key]
            self._drop(of_issuer)
        elif ended is not None and ended.owner:
            self._drop(tuple(self._by_owner.get(ended.owner, ())))
        elif ended is not None:
            self._drop([ended.key_id])

    def _drop_expired(self, now_ms: int) -> None:
        while self._expiries and self._expiries[0][0] <= now_ms:
            self._drop([heapq.heappop(self._expiries)[1]])

    def _drop(self, key_ids: Sequence[str]) -> None:
        for key_id in key_ids:
            record = self._records.pop(key_id, None)
            self._everything.pop(key_id, None)
            owned = set[str]() if record is None else self._by_owner.get(record.owner, set())
            owned.discard(key_id)
            if record is not None and not owned:
                self._by_owner.pop(record.owner, None)
