"""
Authenticate API keys: read the key, ask the store for its record, and the directory for what its owner has now.

What was proven is cached with the other tokens, by the bytes that carried it.  The store is asked about it as about
any token.  Only what the owner has is asked again from time to time, in which case the secret is not read again.
"""

from dataclasses import replace
from typing import Protocol

from safeconduct._core.api_keys.owners import KeyOwners
from safeconduct._core.api_keys.records import ApiKeyStore, KeyRights, StoredApiKey
from safeconduct._core.api_keys.wire_form import read_api_key
from safeconduct._core.credential_sources import CredentialSource
from safeconduct._core.decision import CachedResult, Clock, Passed, Proof, ProvenApiKey
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import api_key_query, revocation_key, shard_of
from safeconduct._core.revocation_query import END_OF_TIME_MS, ApiKeyRef, RevocationQuery
from safeconduct._tokens.verified_cache import VerifiedCache
from safeconduct.errors import BadSignature, ExpiredToken, RevokedToken
from safeconduct.principal import Principal

SCHEME = "api_key"
"""``Principal.scheme`` of a caller with an API key."""


class ProofCache(Protocol):
    """Keep what was proven; API keys share the cache of a ``BearerAuthenticator``."""

    @property
    def cache(self) -> VerifiedCache[CachedResult]: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def owner(self) -> object: ...


class ApiKeyAuthenticator:
    """
    Prove API keys, for one world.

    Args:
        store: The records of the keys.
        revocations: Asks the store, and judges its epoch.
        owners: Says what the owners have now.
        bearer: Caches results.
        issuer: The issuer of the owners.
    """

    def __init__(
        self,
        store: ApiKeyStore,
        revocations: Revocations,
        owners: KeyOwners,
        bearer: ProofCache,
        *,
        issuer: str,
    ) -> None:
        self._store = store
        self._revocations = revocations
        self._owners = owners
        self._bearer = bearer
        self._issuer = issuer

    async def resolve(self, key: str, *, now: float) -> Principal:
        """
        Return the principal of a *key* that did not come with a request.

        Raises:
            InvalidToken: If it is malformed or unknown, has expired or was revoked, or its owner is disabled or gone.
            Unavailable: If the store or the directory cannot be asked.
        """
        record, _ = await self._read(key, now=now)
        return self._principal(record, await self._owners.rights(record, now=now))

    async def prove(self, key: str, source: CredentialSource, *, now: float) -> Passed:
        """
        Prove a *key*, and cache the result; the store has just been asked then.

        Raises:
            InvalidToken: As ``resolve``.
            Unavailable: As ``resolve``.
        """
        cache = self._bearer.cache
        record, question = await self._read(key, now=now)
        rights = await self._owners.rights(record, now=now)
        passed, proof = self._passed(record, rights, Proof(source.key, question.ends_ms, question))
        if source.is_kept:
            cache.put(source.key, CachedResult(passed, proof))
        return passed

    async def renew_cached(self, cached: CachedResult, *, now: float) -> None:
        """
        Update a cached result with what the owner of its key has now; the store is still to be asked.

        Raises:
            ExpiredToken: If the key has expired.
            RevokedToken: If its owner is disabled or gone.
            Unavailable: If the directory cannot be asked.
        """
        proof = cached.passed.proof
        if proof is not None and proof.api_key is not None and not proof.api_key.rights.hold_at(now):
            cached.renew(*await self.renew(proof, proof.api_key.record, now=now))

    async def renew(self, proof: Proof, record: StoredApiKey, *, now: float) -> tuple[Passed, Proof]:
        """Return what the key behind *proof* may do now; raises as ``renew_cached``."""
        _refuse_expired(record, now)
        if self._revocations.view is not None:
            # Nothing asks a store in memory about the key: its use is noted here.
            await self._store.use(proof.question)
        return self._passed(record, await self._owners.rights(record, now=now), proof)

    async def _read(self, key: str, *, now: float) -> tuple[StoredApiKey, RevocationQuery]:
        parsed = read_api_key(key)
        shard, now_ms = parsed.place.shard, int(now * 1000)
        if shard >= self._revocations.shards:
            raise RevokedToken("an API key of a shard that is gone")
        shown = ApiKeyRef(parsed.key_id, parsed.digest)
        asked = api_key_query(self._issuer, shard, shown, ends_ms=END_OF_TIME_MS)
        view = self._revocations.bounded_view
        sent_at = 0.0 if view is None else view.monotonic_seconds()
        reply = await self._revocations.consult(shard, lambda: self._store.use(asked))
        record = self._checked(reply.record, shown, shard)
        question = api_key_query(
            self._issuer, shard, shown, owner=record.owner, issued_ms=record.created_ms, ends_ms=record.expires_ms
        )
        await self._revocations.check(question, now_ms=now_ms, status=reply.status)
        _refuse_expired(record, now)
        if view is not None:
            view.note_record(question.record, reply.epoch, sent_at, is_api_key=True)
        return record, question

    def _checked(self, record: StoredApiKey | None, shown: ApiKeyRef, named: int) -> StoredApiKey:
        if record is None:
            raise RevokedToken("an API key that is unknown, or was revoked")
        if not record.has_secret_of(shown):
            # A secret of 256 bits is not guessed, so no throttle counts the tries.
            raise BadSignature(reason="an API key with a wrong secret")
        # Other issuers may use the same store, and the number of shards may have been another one.
        owner = revocation_key("api_keys", self._issuer, record.subject)
        shard = shard_of(self._issuer, record.subject, self._revocations.shards)
        if record.owner != owner or named != shard:
            raise RevokedToken("an API key of another issuer, or from before the shards were another number")
        return record

    def _passed(self, record: StoredApiKey, rights: KeyRights, proof: Proof) -> tuple[Passed, Proof]:
        proof = replace(proof, api_key=ProvenApiKey(record, rights))
        return Passed.of(self._principal(record, rights), self._bearer.clock, self._bearer.owner, proof), proof

    def _principal(self, record: StoredApiKey, rights: KeyRights) -> Principal:
        return Principal(
            subject=record.subject,
            issuer=self._issuer,
            scheme=SCHEME,
            level="remembered",
            scopes=rights.scopes,
            roles=rights.roles,
            token_id=record.key_id,
            expires_at=record.expires_ms // 1000,
            display_name=rights.display_name,
            remote_user=record.subject,
        )


def _refuse_expired(record: StoredApiKey, now: float) -> None:
    if now * 1000 >= record.expires_ms:
        raise ExpiredToken(record.expires_ms // 1000)
