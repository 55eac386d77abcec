"""
Authenticate access tokens: verify signed ones, and ask the store for the claims of opaque ones.

The result for a token is cached by the bytes that carried it, and looked up before anything is parsed; a refusal is
never cached.  Only the verification is cached: expiry, revocation and the requirement are checked at every request.
The claims that the store keeps for an opaque token are checked in the same way as those of a signed one.
"""

from collections.abc import Callable
from dataclasses import replace

from safeconduct._core.client_tokens import ClientTokens, ResolvedClaims
from safeconduct._core.credential_sources import CredentialSource
from safeconduct._core.decision import CachedResult, Clock, Passed, Proof, ProvenClient
from safeconduct._core.opaque import OpaqueLookup, is_opaque_token
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import client_mark, revocation_query
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._tokens.claims import Claims, actor_names
from safeconduct._tokens.verified_cache import VerifiedCache
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.errors import RevokedToken, Unavailable, WrongIssuer, WrongTokenType
from safeconduct.principal import CLIENT_SUBJECT, Principal


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

    def passed(
        self,
        claims: Claims,
        question: RevocationQuery,
        source: CredentialSource,
        cache: VerifiedCache[CachedResult],
        client: ProvenClient | None = None,
    ) -> Passed:
        """
        Return the result for *claims*, and cache it in the cache from before the verification.

        Raises:
            WrongTokenType: If a browser sent the token of a client by itself: no client is in a browser.
        """
        if source.ambient is not None and claims.subject.startswith(CLIENT_SUBJECT):
            raise WrongTokenType("the token of a client in a cookie")
        proof = Proof(source.key, question.ends_ms, question, source.ambient, client=client)
        passed = Passed.of(principal_of(claims, source.scheme), self.clock, self.owner, proof)
        if source.is_kept:
            known = cache.get(source.key)
            if known is None:
                cache.put(source.key, CachedResult(passed, proof))
            else:
                known.renew(passed, proof)
        return passed

    def question(self, claims: Claims, *, reference: bytes | None = None) -> RevocationQuery:
        """Return the revocation query of a verified token; *reference* is the digest of an opaque one."""
        is_client = claims.is_own and claims.client_id is not None and claims.subject.startswith(CLIENT_SUBJECT)
        question = revocation_query(
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
            # A client has no session, and its entry is its allowlist.
            needs_session=self._needs_session and not is_client,
            reference=reference,
            actors=actor_names(claims.actor) if claims.is_own else (),
            person_issuer=claims.person_issuer,
        )
        if is_client and claims.client_id is not None:
            question = replace(question, marks=(*question.marks, client_mark(claims.issuer, claims.client_id)))
        return question


class AccessTokenResolver:
    """
    Resolve access tokens: opaque ones by the store, those that clients sign themselves, and those of issuers.

    Args:
        bearer: Verifies the signed tokens of issuers, and caches results.
        lookup: Returns what is needed to look up opaque tokens; None if there can be none.
        clients: Returns what verifies the tokens of clients; None if there are no clients.
    """

    def __init__(
        self,
        bearer: BearerAuthenticator,
        lookup: Callable[[], OpaqueLookup | None],
        clients: Callable[[], ClientTokens | None],
    ) -> None:
        self._bearer = bearer
        self._lookup = lookup
        self._clients = clients

    async def prove(self, token: str, source: CredentialSource, *, now: float) -> tuple[Passed, bool]:
        """
        Resolve any *token* and cache the result; also return whether the store was asked already.

        Raises:
            InvalidToken: If anything about the token is wrong, or it is known to be revoked.
            Unavailable: If the store or the clients cannot be asked.
        """
        cache = self._bearer.cache
        resolved = await self.resolve_any(token, now=now, takes_clients=source.ambient is None)
        if resolved.client is not None and resolved.is_asked:
            # It counts once.
            source = replace(source, is_kept=False)
        passed = self._bearer.passed(resolved.claims, resolved.question, source, cache, resolved.client)
        return passed, resolved.is_asked

    async def recall(self, cached: CachedResult, *, now: float) -> Passed | None:
        """
        Return what was proven before if it still may be used, else None: it is to be proven again.

        Raises:
            Unavailable: If the clients cannot be asked.
        """
        passed = cached.passed
        proof = passed.proof
        if proof is None or proof.client is None or now < cached.expires_at:
            return passed
        clients = self._clients()
        client = None if clients is None else await clients.renew(proof.client)
        if client is None:
            return None
        proof = replace(proof, client=client)
        passed = replace(passed, proof=proof)
        cached.renew(passed, proof)
        return passed

    async def renew_client(self, client: ProvenClient) -> ProvenClient:
        """
        Return a client that is still what it was, with a later end.

        Raises:
            RevokedToken: If it is not.
            Unavailable: If the clients cannot be asked.
        """
        clients = self._clients()
        renewed = None if clients is None else await clients.renew(client)
        if renewed is None:
            raise RevokedToken("the client is not what it was")
        return renewed

    async def resolve_any(
        self, token: str, *, now: float, takes_clients: bool = True, uses: bool = True
    ) -> ResolvedClaims:
        """
        Return the claims and the revocation query of any *token*.

        Whether a signed one was revoked is not checked, except for one that counts once, which is used by this unless
        *uses* is false.  With *takes_clients* false, a token that a client has signed itself is refused.

        Raises:
            InvalidToken: If anything about the token is wrong.
            Unavailable: If the store or the clients cannot be asked.
        """
        resolved = await self._resolve(token, now)
        if resolved is not None:
            return resolved
        try:
            claims = self._bearer.verify(token, now=now)
        except WrongIssuer:
            # What no issuer has signed may be a client's: nobody else pays for the second reading.
            clients = self._clients() if takes_clients else None
            if clients is None:
                raise
            return await clients.prove(token, now=now, uses=uses)
        return ResolvedClaims(claims, self._bearer.question(claims))

    async def verify(self, token: str, *, now: float) -> Claims:
        """
        Return the claims of any *token*; whether a signed one was revoked is not checked.

        Raises:
            InvalidToken: If anything about the token is wrong.
            Unavailable: If the store or the clients cannot be asked.
        """
        return (await self.resolve_any(token, now=now)).claims

    async def verify_not_revoked(self, token: str, revocations: Revocations | None, *, now: float) -> Claims:
        """
        Return the claims of any *token* that was not revoked; *revocations* are asked whatever the consistency.

        A token that counts once is not used by this, since it is only looked at.

        Raises:
            InvalidToken: If anything about the token is wrong, or it was revoked.
            Unavailable: If the store or the clients cannot be asked.
        """
        resolved = await self.resolve_any(token, now=now, uses=False)
        if revocations is not None and not resolved.is_asked:
            await revocations.check(resolved.question, now_ms=int(now * 1000))
        return resolved.claims

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
        claims, query = await lookup.resolve(token, now=now)
        question = self._bearer.question(claims, reference=query.reference)
        if claims.session_id != query.session_id or question.shard != query.shard:
            raise Unavailable("the store keeps another session's claims under an opaque token")
        return ResolvedClaims(claims, question, is_asked=True)


def principal_of(claims: Claims, scheme: str) -> Principal:
    """Return the principal that *claims* describe, authenticated by *scheme*, or by ``client`` if it is one."""
    is_client = claims.subject.startswith(CLIENT_SUBJECT)
    return Principal(
        subject=claims.subject,
        issuer=claims.person_issuer or claims.issuer,
        scheme="client" if is_client else scheme,
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
