"""Tokens that the store keeps: what one says goes there, and its owner gets a reference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from safeconduct._core.members import question_for
from safeconduct._core.ports import Question
from safeconduct._core.reference import Reference, References
from safeconduct._core.reference_ports import ReferenceStore
from safeconduct._core.revocation import Revocations
from safeconduct._core.session.tokens import Tokens
from safeconduct._tokens.issuer import TokenIssuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Keep what tokens say, for one world."""

    #: Says what a token says.
    issuer: TokenIssuer
    references: References
    store: ReferenceStore
    #: Knows the store's epochs.
    revocations: Revocations
    #: Whether every token is kept; else only one that is too long for a cookie.
    keeps_every: bool
    #: Says whether an access token is too long for its cookie.
    is_too_long: Callable[[str], bool]
    leeway_seconds: int
    #: How long the token before it is still taken.
    grace_ms: int
    shards: int

    async def exchanged(self, tokens: Tokens, *, iat_ms: int) -> Tokens:
        """
        Return *tokens* with a reference in the place of the access token, where one is wanted.

        Raises:
            Unavailable: If the store can't be asked.  Whoever asks again within the grace gets a reference.
        """
        if not self.keeps_every and not (tokens.transport == "cookie" and self.is_too_long(tokens.access_token)):
            return tokens
        reference = self.references.new(tokens.session_id)
        claims = self.issuer.claims(tokens.grant, iat_ms=iat_ms)
        question = self._question(claims, reference, iat_ms)
        text = self.issuer.written(claims)
        await self.revocations.consult(question.shard, lambda: self.store.keep(question, text, grace_ms=self.grace_ms))
        return replace(tokens, access_token=self.references.write(reference))

    def _question(self, claims: Mapping[str, Any], reference: Reference, iat_ms: int) -> Question:
        return question_for(
            issuer=claims["iss"],
            subject=claims["sub"],
            token_id=claims["jti"],
            client_id=claims["client_id"],
            kid=None,
            session_id=reference.session_id,
            issued_ms=iat_ms,
            ends_ms=(claims["exp"] + self.leeway_seconds) * 1000,
            is_own=True,
            shards=self.shards,
            reference=reference.digest,
        )
