"""
Prove the access tokens that clients sign themselves, and ask whether a client was revoked.

A client holds its key and dates its tokens itself.  A revoked client therefore stays revoked, whatever it signs later;
see ``docs/design/0019-revoking-a-client.md``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from safeconduct._core.clients import ClientPort, RegisteredClient
from safeconduct._core.decision import ProvenClient
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import client_revocation_query, revocation_key
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.single_use import use_once
from safeconduct._core.store import Store
from safeconduct._tokens.claims import Claims
from safeconduct._tokens.client_tokens import OurNames, read_signed, verify_access_token
from safeconduct.errors import MalformedToken, RevokedToken, Unavailable, UnknownKey, WrongIssuer
from safeconduct.events import ClientTokenReused, Event


@dataclass(frozen=True, slots=True)
class ResolvedClaims:
    """The claims of a valid token, and the query that asks whether it was revoked."""

    claims: Claims
    question: RevocationQuery
    #: The client that signed it itself; None for any other token.
    client: ProvenClient | None = None
    #: Whether the store was asked already; then a client's token counts once, and has counted.
    is_asked: bool = False


class ClientRevocations:
    """
    Ask the store about clients, and about the tokens and assertions that they sign.

    Args:
        names: Our names, for ``aud``.
        realm: Under which name clients are revoked.
        shards: The number of shards of the store.
        store: The store's port for this world.
        revocations: The same store, with what this process knows of its data; None if there is none.
    """

    def __init__(
        self, names: OurNames, *, realm: str, shards: int, store: Store, revocations: Revocations | None
    ) -> None:
        self.names = names
        self._realm = realm
        self._shards = shards
        self._store = store
        self._revocations = revocations

    @property
    def has_store(self) -> bool:
        """Whether there is a store, which alone can tell that something was used before."""
        return self._revocations is not None

    def question(self, claims: Claims) -> RevocationQuery:
        """Return the revocation query of what a client has signed."""
        return self._query(
            claims.issuer,
            claims.subject,
            token_id=claims.token_id,
            kid=claims.kid,
            issued_ms=claims.issued_ms,
            ends_ms=(claims.expires_at + self.names.leeway_seconds) * 1000,
        )

    async def check(self, client: RegisteredClient, *, now: float) -> None:
        """
        Return if *client* was not revoked.

        It is asked each time, because those who hold its secret can ask for a token at any time.

        Raises:
            RevokedToken: If it was.
            Unavailable: If the store cannot be asked.
        """
        if self._revocations is None:
            return
        now_ms = int(now * 1000)
        query = self._query(client.entry.client_id, client.subject, issued_ms=now_ms, ends_ms=now_ms)
        # No cut-off: it ends what was issued, and not the client, and its instant is of another clock than ours.
        await self._revocations.check(replace(query, cuts=()), now_ms=now_ms)

    async def use(self, claims: Claims, *, now: float) -> bool:
        """
        Mark a token or an assertion as used, and return whether this is its first use.

        Raises:
            RevokedToken: If it or the client was revoked.
            Unavailable: If the store cannot be asked, or there is none.
        """
        if self._revocations is None:
            raise Unavailable("no store that lets a token count once")
        query, mark = self.question(claims), self.mark_of(claims)
        return await use_once(self._store, self._revocations, query, mark=mark, now_ms=int(now * 1000))

    @staticmethod
    def mark_of(claims: Claims) -> bytes:
        """Return the revocation key of what a client has signed."""
        return revocation_key("token", claims.issuer, claims.token_id)

    def _query(
        self,
        client_id: str,
        subject: str,
        *,
        token_id: str | None = None,
        kid: str | None = None,
        issued_ms: int,
        ends_ms: int,
    ) -> RevocationQuery:
        return client_revocation_query(
            realm=self._realm,
            client_id=client_id,
            subject=subject,
            token_id=token_id,
            kid=kid,
            issued_ms=issued_ms,
            ends_ms=ends_ms,
            shards=self._shards,
        )


class ClientTokens:
    """
    Verify the access tokens that clients sign themselves.

    Args:
        clients: Finds the clients.
        revocations: Asks the store about them.
        announce: Tells the listeners.
    """

    def __init__(self, clients: ClientPort, revocations: ClientRevocations, announce: Callable[[Event], None]) -> None:
        self._clients = clients
        self._revocations = revocations
        self._announce = announce

    async def prove(self, token: str, *, now: float, uses: bool = True) -> ResolvedClaims:
        """
        Verify *token*; with *uses*, one that counts once is used by this.

        Raises:
            InvalidToken: If anything about it is wrong, or it was used before.
            Unavailable: If the clients, or for a token that counts once the store, cannot be asked.
        """
        signed = read_signed(token)
        client = await self._clients.find(signed.client_id)
        if client is None:
            raise WrongIssuer
        if client.signer is None or client.keys is None:
            raise UnknownKey(None, "only a digest of the client's secret is known")
        table = client.keys.table()
        claims = verify_access_token(signed, client.signer, self._revocations.names, now=now)
        question = self._revocations.question(claims)
        is_single = client.entry.single_use
        if is_single:
            if "jti" not in claims.raw:
                raise MalformedToken("a token that counts once has no jti")
            question = await self._use(claims, question, now) if uses else question
        proven = ProvenClient(signed.client_id, client, table, self._clients.until(client))
        return ResolvedClaims(claims, question, proven, is_asked=is_single and uses)

    async def renew(self, proven: ProvenClient) -> ProvenClient | None:
        """
        Return *proven* with a later end, or None if the client is not what it was.

        Raises:
            Unavailable: If the clients cannot be asked.
        """
        client = await self._clients.find(proven.client_id)
        if client is None or client is not proven.registered:
            return None
        if client.keys is None or client.keys.table() is not proven.table:
            return None
        return replace(proven, until_seconds=self._clients.until(client))

    async def _use(self, claims: Claims, question: RevocationQuery, now: float) -> RevocationQuery:
        """Use a token up, and return what is asked about the request from then on: its own mark says nothing more."""
        if not await self._revocations.use(claims, now=now):
            self._announce(ClientTokenReused(client_id=claims.issuer))
            raise RevokedToken("a token that counts once was used before")
        mark = self._revocations.mark_of(claims)
        return replace(question, marks=tuple(each for each in question.marks if each != mark))
