"""
Authenticate access tokens: verify signed ones, and ask the store for the claims of opaque ones.

The result for a token is cached by the bytes that carried it, and looked up before anything is parsed; a refusal is
never cached.  Only the verification is cached: expiry, revocation and the requirement are checked at every request.
The claims that the store keeps for an opaque token are checked in the same way as those of a signed one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from safeconduct._core.credential_sources import CredentialSource
from safeconduct._core.decision import CachedResult, Clock, Passed, Proof
from safeconduct._core.opaque import OpaqueTokens, is_opaque_token
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import parse_session_id, revocation_query
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.store import OpaqueQuery, OpaqueTokenStore
from safeconduct._tokens.claims import Claims, read_claims
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.reader import read_object
from safeconduct._tokens.verified_cache import VerifiedCache
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.errors import MalformedToken, RevokedToken, Unavailable
from safeconduct.principal import Principal


class BearerAuthenticator:
    """
    Verify signed access tokens and cache the results; ASGI and WSGI share one.

    Args:
        owner: The object that marks every proof as one of this ``Auth``.
        verifier: Verifies tokens.
        capacity: How many results are cached.
        clock: Returns the time, in seconds since the epoch.
        shards: The number of shards of the store.
        needs_session: Whether our own tokens count only while their session is in the store.
    """

    def __init__(
        self,
        *,
        owner: object,
        verifier: TokenVerifier,
        capacity: int,
        clock: Clock,
        shards: int,
        needs_session: bool = False,
    ) -> None:
        self.owner = owner
        self.clock = clock
        self.verify = verifier.verify
        self.capacity = capacity
        #: The results for the present keys.
        self.cache: VerifiedCache[CachedResult] = VerifiedCache(capacity)
        self._key_state_now = verifier.key_state
        self._key_state = verifier.key_state()
        self._leeway_seconds = verifier.leeway_seconds
        self._shards = shards
        self._needs_session = needs_session
        #: From when until when the last check of the keys counts; cached results may be used only in between.
        self.fresh_from = self.fresh_until = float("-inf")

    def close(self) -> None:
        """Stop the use of cached results."""
        self.fresh_until = float("-inf")

    def notice_keys(self, now: float) -> None:
        """Check the keys if the last check is a second old, and clear the cache if they have changed."""
        if self.fresh_from <= now < self.fresh_until:
            return
        key_state = self._key_state_now()
        if key_state is not self._key_state:
            self._key_state = key_state
            # A new cache instead of an empty one: a thread that still verifies with the old keys writes to the old one.
            self.cache = VerifiedCache(self.capacity)
        if now < self.fresh_from - 1:
            # The clock was set back, by more than requests that came together differ: it must not prolong anything.
            for cached in tuple(self.cache.entries.values()):
                cached.note_set_back()
        self.fresh_from, self.fresh_until = now, now + 1

    def prove(self, token: str, source: CredentialSource, *, now: float) -> Passed:
        """
        Verify *token* and cache the result.

        Raises:
            InvalidToken: If anything about the token is wrong.
        """
        cache = self.cache
        claims = self.verify(token, now=now)
        return self.passed(claims, self.question(claims), source, cache)

    def passed(
        self, claims: Claims, question: RevocationQuery, source: CredentialSource, cache: VerifiedCache[CachedResult]
    ) -> Passed:
        """Return the result for *claims*, and cache it in the cache from before the verification."""
        proof = Proof(source.key, question.ends_ms, question, source.ambient)
        passed = Passed.of(principal_of(claims, source.scheme), self.clock, self.owner, proof)
        if source.is_kept:
            cache.put(source.key, CachedResult(passed, proof))
        return passed

    def question(self, claims: Claims, *, reference: bytes | None = None) -> RevocationQuery:
        """Return the revocation query of a verified token; *reference* is the digest of an opaque one."""
        return revocation_query(
            issuer=claims.issuer,
            subject=claims.subject,
            token_id=claims.token_id,
            client_id=claims.client_id,
            kid=claims.kid,
            session_id=claims.session_id,
            issued_ms=claims.issued_ms,
            ends_ms=(claims.expires_at + self._leeway_seconds[claims.issuer]) * 1000,
            is_own=claims.is_own,
            shards=self._shards,
            needs_session=self._needs_session,
            reference=reference,
            person_issuer=claims.person_issuer,
        )


@dataclass(frozen=True, slots=True)
class ResolvedClaims:
    """The claims of a valid token, and the query that asks whether it was revoked."""

    claims: Claims
    question: RevocationQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueLookup:
    """The parts that look up opaque tokens, for ASGI or for WSGI."""

    tokens: OpaqueTokens
    store: OpaqueTokenStore
    revocations: Revocations
    #: The rules for our own tokens.
    policy: IssuerPolicy
    shards: int


class OpaqueTokenResolver:
    """
    Ask the store for the claims of opaque tokens; verify signed ones.

    Args:
        bearer: Verifies signed tokens, and caches results.
        lookup: Returns what is needed to look up opaque tokens; None if there can be none.
    """

    def __init__(self, bearer: BearerAuthenticator, lookup: Callable[[], OpaqueLookup | None]) -> None:
        self._bearer = bearer
        self._lookup = lookup

    async def prove(self, token: str, source: CredentialSource, *, now: float) -> Passed | None:
        """
        Resolve an opaque *token* and cache the result; return None for any other token.

        Raises:
            InvalidToken: If anything about the token is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        cache = self._bearer.cache
        resolved = await self._resolve(token, now)
        if resolved is None:
            return None
        return self._bearer.passed(resolved.claims, resolved.question, source, cache)

    async def resolve(self, token: str, *, now: float) -> Claims | None:
        """
        Return the claims of an opaque *token* that was not revoked; None for any other token.

        Raises:
            InvalidToken: If anything about the token is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        resolved = await self._resolve(token, now)
        return None if resolved is None else resolved.claims

    async def resolve_any(self, token: str, *, now: float) -> ResolvedClaims:
        """
        Return the claims and the revocation query of any *token*; whether a signed one was revoked is not checked.

        Raises:
            InvalidToken: If anything about the token is wrong.
            Unavailable: If the store cannot be asked.
        """
        resolved = await self._resolve(token, now)
        if resolved is None:
            claims = self._bearer.verify(token, now=now)
            resolved = ResolvedClaims(claims, self._bearer.question(claims))
        return resolved

    async def verify(self, token: str, *, now: float) -> Claims:
        """
        Return the claims of any *token*; whether a signed one was revoked is not checked.

        Raises:
            InvalidToken: If anything about the token is wrong.
            Unavailable: If the store cannot be asked.
        """
        return (await self.resolve_any(token, now=now)).claims

    async def verify_not_revoked(self, token: str, revocations: Revocations | None, *, now: float) -> Claims:
        """
        Return the claims of any *token* that was not revoked; *revocations* are asked whatever the consistency.

        Raises:
            InvalidToken: If anything about the token is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        resolved = await self._resolve(token, now)
        if resolved is not None:
            return resolved.claims
        claims = self._bearer.verify(token, now=now)
        if revocations is not None:
            await revocations.check(self._bearer.question(claims), now_ms=int(now * 1000))
        return claims

    def session_of(self, token: str) -> str | None:
        """
        Return the session that an opaque *token* names; None for any other token.

        Raises:
            InvalidToken: If the token is not one of ours.
        """
        lookup = self._lookup_for(token)
        return None if lookup is None else lookup.tokens.read(token).session_id

    def _lookup_for(self, token: str) -> OpaqueLookup | None:
        return self._lookup() if is_opaque_token(token) else None

    async def _resolve(self, token: str, now: float) -> ResolvedClaims | None:
        lookup = self._lookup_for(token)
        if lookup is None:
            return None
        parsed = lookup.tokens.read(token)
        parts = parse_session_id(parsed.session_id)
        if parts is None or parts[0] >= lookup.shards:
            # The token was issued when the store had more shards.
            raise RevokedToken("an opaque token of a shard that is gone")
        query = OpaqueQuery(parts[0], parsed.session_id, parsed.digest)
        text = await lookup.revocations.resolve(lambda: lookup.store.resolve(query), query, now_ms=int(now * 1000))
        claims = read_claims(_stored_claims(text), lookup.policy, None, now)
        question = self._bearer.question(claims, reference=query.reference)
        if claims.session_id != query.session_id or question.shard != query.shard:
            raise Unavailable("the store keeps another session's claims under an opaque token")
        return ResolvedClaims(claims, question)


def _stored_claims(text: str) -> dict[str, object]:
    try:
        return read_object(text.encode())
    except MalformedToken as error:
        # The tag of the token is right, so the caller is not to blame.
        raise Unavailable("the store keeps something else under an opaque token") from error


def principal_of(claims: Claims, scheme: str) -> Principal:
    """Return the principal that *claims* describe, authenticated by *scheme*."""
    return Principal(
        subject=claims.subject,
        issuer=claims.person_issuer or claims.issuer,
        scheme=scheme,
        level=claims.level,
        scopes=claims.scopes,
        roles=claims.roles,
        session_id=claims.session_id,
        token_id=claims.token_id,
        client_id=claims.client_id,
        key_id=claims.kid,
        auth_time=claims.auth_time,
        expires_at=claims.expires_at,
        claims=claims.raw,
        actor=claims.actor,
        display_name=claims.display_name,
        remote_user=claims.remote_user,
    )
