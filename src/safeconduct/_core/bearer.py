"""
From a token to what it proves.

A token that was proven is remembered by the bytes that carried it, and is looked up before anything is parsed; a
refused one never is.  What is remembered is the proof alone: expiry, revocation and the requirement are asked anew.
"""

from collections.abc import Mapping

from safeconduct._core.credential_sources import CredentialSource
from safeconduct._core.decision import Clock, Known, Passed, Proof
from safeconduct._core.revocation_keys import question_for
from safeconduct._core.store import RevocationQuery
from safeconduct._tokens.claims import Claims
from safeconduct._tokens.verified_cache import Remembered
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.principal import Principal


class BearerAuthenticator:
    """Proves tokens and remembers the proofs; one for both worlds of an ``Auth``."""

    def __init__(
        self,
        *,
        owner: object,
        verifier: TokenVerifier,
        capacity: int,
        clock: Clock,
        leeway_seconds: Mapping[str, int],
        shards: int,
        needs_session: bool = False,
    ) -> None:
        """
        Keep the parts.

        Args:
            owner: The mark of the ``Auth``, left in every proof.
            verifier: Checks tokens.
            capacity: How many proven tokens are remembered.
            clock: The time, in seconds since the epoch.
            leeway_seconds: By issuer, how long after its expiry a token still holds.
            shards: How many shards the store has.
            needs_session: Whether own tokens count only while their session is in the store.
        """
        self.owner = owner
        self.clock = clock
        self.verify = verifier.verify
        self._capacity = capacity
        #: What was proven before, by the present keys.
        self.remembered: Remembered[Known] = Remembered(capacity)
        self._key_state_now = verifier.key_state
        self._key_state = verifier.key_state()
        self._leeway_seconds = leeway_seconds
        self._shards = shards
        self._needs_session = needs_session
        #: When the keys were last looked at, and until when that counts: what was proven may be recalled meanwhile.
        self.fresh_from = self.fresh_until = float("-inf")

    def close(self) -> None:
        """Let nothing be recalled any more."""
        self.fresh_until = float("-inf")

    def notice_keys(self, now: float) -> None:
        """Look at the keys if a second has gone since the last look; forget every proof if they changed."""
        if self.fresh_from <= now < self.fresh_until:
            return
        key_state = self._key_state_now()
        if key_state is not self._key_state:
            self._key_state = key_state
            # Another memory instead of an empty one: what a thread still proves by the old keys goes into the old one.
            self.remembered = Remembered(self._capacity)
        self.fresh_from, self.fresh_until = now, now + 1

    def prove(self, token: str, place: CredentialSource, *, now: float) -> Passed:
        """
        Verify *token* and remember what it proves.

        Raises:
            InvalidToken: If anything about it is wrong.
        """
        remembered = self.remembered
        claims = self.verify(token, now=now)
        return self.passed(claims, self.question(claims), place, remembered)

    def passed(
        self, claims: Claims, question: RevocationQuery, place: CredentialSource, remembered: Remembered[Known]
    ) -> Passed:
        """Return what *claims* prove, and put it into the memory that there was when the proof began."""
        proof = Proof(place.key, question.ends_ms, question, place.ambient)
        passed = Passed.of(principal_of(claims, place.scheme), self.clock, self.owner, proof)
        if place.is_kept:
            remembered.put(place.key, Known(passed, proof))
        return passed

    def question(self, claims: Claims, *, reference: bytes | None = None) -> RevocationQuery:
        """Return what the store is asked about a proven token; *reference* is the digest of an opaque one."""
        return question_for(
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
        )


def principal_of(claims: Claims, scheme: str) -> Principal:
    """Return the identity that *claims* prove, which travelled by *scheme*."""
    return Principal(
        subject=claims.subject,
        issuer=claims.issuer,
        scheme=scheme,
        level=claims.level,
        scopes=claims.scopes,
        roles=claims.roles,
        session_id=claims.session_id,
        token_id=claims.token_id,
        client_id=claims.client_id,
        auth_time=claims.auth_time,
        expires_at=claims.expires_at,
        claims=claims.raw,
        actor=claims.actor,
        display_name=claims.display_name,
        remote_user=claims.remote_user,
    )
