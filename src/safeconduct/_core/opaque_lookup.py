"""Ask the store for the claims of opaque tokens, which are checked as those of a signed token are."""

from dataclasses import dataclass

from safeconduct._core.opaque import OpaqueTokens
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import parse_session_id
from safeconduct._core.store import OpaqueQuery, OpaqueTokenStore
from safeconduct._tokens.claims import Claims, read_claims
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.reader import read_object
from safeconduct.errors import MalformedToken, RevokedToken, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueLookup:
    """The parts that look up opaque tokens, for ASGI or for WSGI."""

    tokens: OpaqueTokens
    store: OpaqueTokenStore
    revocations: Revocations
    #: The rules for our own tokens.
    policy: IssuerPolicy
    shards: int

    async def resolve(self, token: str, *, now: float) -> tuple[Claims, OpaqueQuery]:
        """
        Return the claims of an opaque *token* that was not revoked, and what the store was asked.

        Raises:
            InvalidToken: If anything about the token is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        parsed = self.tokens.read(token)
        parts = parse_session_id(parsed.session_id)
        if parts is None or parts[0] >= self.shards:
            # The token was issued when the store had more shards.
            raise RevokedToken("an opaque token of a shard that is gone")
        query = OpaqueQuery(parts[0], parsed.session_id, parsed.digest)
        text = await self.revocations.resolve(lambda: self.store.resolve(query), query, now_ms=int(now * 1000))
        return read_claims(_stored_claims(text), self.policy, None, now), query


def _stored_claims(text: str) -> dict[str, object]:
    try:
        return read_object(text.encode())
    except MalformedToken as error:
        # The tag of the token is right, so the caller is not to blame.
        raise Unavailable("the store keeps something else under an opaque token") from error
