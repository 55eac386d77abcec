"""Make the tokens of a session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from safeconduct._core.event_dispatcher import report_failed_hook, report_fault
from safeconduct._core.opaque import OpaqueTokens
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import revocation_query
from safeconduct._core.sessions.model import (
    Lifetimes,
    Renewal,
    Rights,
    Session,
    Transport,
    level_at,
    renew_after,
    token_end,
)
from safeconduct._core.sessions.verbs import RefreshToken, Tokens
from safeconduct._core.store import OpaqueTokenStore
from safeconduct._tokens.issuer import Checked, ClaimsRefused, Grant, TokenIssuer
from safeconduct.errors import ConfigurationError, ExpiredToken, NotSupported, Unavailable
from safeconduct.events import Event
from safeconduct.principal import Level, Principal

_LONGEST_TOKEN_ID: Final = "A" * 22
_LARGEST: Final = 2**32 - 1

AddClaims = Callable[[Principal], Mapping[str, Any]]
"""An author's hook: returns more claims for the tokens of a principal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueTokenWriter:
    """Keep the claims of a token in the store and give an opaque token for them."""

    #: Makes the claims.
    issuer: TokenIssuer
    opaque_tokens: OpaqueTokens
    store: OpaqueTokenStore
    #: Knows the store's epochs.
    revocations: Revocations
    #: Whether every token is opaque; else only one that is too long for its cookie.
    is_always: bool
    leeway_seconds: int
    #: How long the token before it is still accepted.
    grace_ms: int
    shards: int

    async def write(self, grant: Grant, session_id: str, *, iat_ms: int) -> str:
        """
        Return an opaque token for *grant*.

        Raises:
            Unavailable: If the store cannot be asked; asking again within the grace gives another token.
        """
        parts = self.opaque_tokens.new(session_id)
        claims = self.issuer.claims(grant, iat_ms=iat_ms)
        question = revocation_query(
            issuer=claims["iss"],
            subject=claims["sub"],
            token_id=claims["jti"],
            client_id=claims["client_id"],
            kid=None,
            session_id=parts.session_id,
            issued_ms=iat_ms,
            ends_ms=(claims["exp"] + self.leeway_seconds) * 1000,
            is_own=True,
            shards=self.shards,
            reference=parts.digest,
            person_issuer=claims.get("pi"),
        )
        text = self.issuer.written(claims)
        await self.revocations.consult(question.shard, lambda: self.store.keep(question, text, grace_ms=self.grace_ms))
        return self.opaque_tokens.write(parts)


class TokenMaker:
    """
    Make tokens.

    Args:
        issuer: Signs access tokens.
        issuer_name: Its name.
        lives: How long sessions and tokens live.
        opaque: Writes opaque access tokens; None if there are none.
        longest_cookie: How long an access token may be that travels in a cookie.
        add_claims: The author's hook, or None.
        announce: Called with an event if the hook fails.
    """

    def __init__(
        self,
        issuer: TokenIssuer,
        issuer_name: str,
        lives: Lifetimes,
        *,
        opaque: OpaqueTokenWriter | None = None,
        longest_cookie: int,
        add_claims: AddClaims | None,
        announce: Callable[[Event], None],
    ) -> None:
        self._issuer = issuer
        self._issuer_name = issuer_name
        self._lives = lives
        self._opaque = opaque
        self._longest_cookie = longest_cookie
        self._add_claims = add_claims
        self._announce = announce

    def prepare(
        self,
        session_id: str,
        subject: str,
        rights: Rights,
        *,
        level: Level,
        transport: Transport,
        now_ms: int,
        person_issuer: str = "",
    ) -> Checked:
        """
        Ask the author's hook, and make a token with its claims on trial; no one gets it.

        This comes before the store's command, so that nothing that can fail uses up a token.  *level*, and the end
        that the hook sees, are those that the token is expected to have.

        Raises:
            Unavailable: If the hook raises or returns what no token can say: a token without its claims might allow
                too much.  Or if there is no key to sign with.
            NotSupported: If the token will be too long for the cookie that it travels in.
        """
        extra = self._ask_hook(
            session_id, subject, rights, level=level, now_ms=now_ms, person_issuer=person_issuer
        )  # fmt: skip
        # Every number has its greatest length, so that the token that is made later is never longer.
        grant = Grant(
            subject=subject,
            level=level,
            scopes=rights.scopes,
            roles=rights.roles,
            lifetime_seconds=self._lives.access_ms // 1000,
            session_id=session_id,
            auth_time=now_ms // 1000,
            token_id=_LONGEST_TOKEN_ID,
            csrf_generation=_LARGEST,
            renewals=_LARGEST,
            display_name=rights.display_name,
            person_issuer=person_issuer or None,
            extra=extra,
        )
        checked = self._check(grant, now_ms)
        if self._opaque is None and transport == "cookie" and checked.length > self._longest_cookie:
            raise NotSupported("the access token is too long for a cookie")
        return checked

    def _ask_hook(
        self, session_id: str, subject: str, rights: Rights, *, level: Level, now_ms: int, person_issuer: str
    ) -> Mapping[str, Any]:
        if self._add_claims is None:
            return {}
        name = self._issuer.remote_user_of(subject, person_issuer or None)
        principal = Principal(
            subject=subject,
            issuer=person_issuer or self._issuer_name,
            scheme="bearer",
            level=level,
            scopes=frozenset(rights.scopes),
            roles=frozenset(rights.roles),
            session_id=session_id,
            expires_at=(now_ms + self._lives.access_ms) // 1000,
            display_name=rights.display_name or name,
            remote_user=name,
        )
        try:
            claims = dict(self._add_claims(principal))
        except Exception as fault:
            raise self._hook_failed(fault, "add_claims failed") from fault
        return cast("Mapping[str, Any]", claims)

    def _check(self, grant: Grant, now_ms: int) -> Checked:
        is_signed = self._opaque is None or not self._opaque.is_always
        try:
            return self._issuer.check(grant, iat_ms=now_ms, is_signed=is_signed)
        except ClaimsRefused as fault:
            if not grant.extra:
                raise
            raise self._hook_failed(fault.__cause__ or fault, str(fault)) from fault
        except ConfigurationError as fault:
            report_fault(self._announce, fault, where="keys")
            raise Unavailable(str(fault)) from fault

    def _hook_failed(self, fault: BaseException, reason: str) -> Unavailable:
        report_failed_hook(self._announce, fault, hook="add_claims")
        return Unavailable(reason)

    async def make(
        self,
        session_id: str,
        session: Session,
        prepared: Checked,
        *,
        iat_ms: int,
        renewal: Renewal | None = None,
        refresh_token: RefreshToken | None = None,
    ) -> Tokens:
        """
        Make an access token; that of *renewal* is the same each time.

        Raises:
            ExpiredToken: If less than a second of the session is left.
            Unavailable: If the token is opaque and the store cannot be asked.
        """
        level = level_at(session, iat_ms, self._lives)
        expires_at = token_end(session, iat_ms, self._lives, level=level) if renewal is None else renewal.expires_at
        lifetime_seconds = expires_at - iat_ms // 1000
        if lifetime_seconds <= 0:
            raise ExpiredToken(expires_at, "the session ends now")
        grant = self._grant(session_id, session, level, lifetime_seconds, renewal, prepared)
        return Tokens(
            access_token=await self._access_token(grant, session_id, prepared, session.transport, iat_ms),
            grant=grant,
            session_id=session_id,
            level=level,
            issued_at=iat_ms // 1000,
            expires_at=expires_at,
            renew_after=renew_after(session, iat_ms, expires_at),
            csrf_generation=session.csrf_generation,
            transport=session.transport,
            refresh_token=refresh_token,
        )

    def _grant(
        self,
        session_id: str,
        session: Session,
        level: Level,
        lifetime_seconds: int,
        renewal: Renewal | None,
        prepared: Checked,
    ) -> Grant:
        rights = Rights.from_text(session.rights)
        return Grant(
            subject=session.subject,
            level=level,
            scopes=rights.scopes,
            roles=rights.roles,
            lifetime_seconds=lifetime_seconds,
            session_id=session_id,
            auth_time=session.auth_time,
            token_id=None if renewal is None else renewal.token_id,
            csrf_generation=session.csrf_generation,
            renewals=session.renewals,
            display_name=rights.display_name,
            person_issuer=session.person_issuer or None,
            extra=prepared.extra,
        )

    async def _access_token(
        self, grant: Grant, session_id: str, prepared: Checked, transport: Transport, iat_ms: int
    ) -> str:
        if self._opaque is None or not self._opaque.is_always:
            signed = self._issuer.issue(grant, iat_ms=iat_ms, keys=prepared.keys)
            if self._opaque is None or transport == "header" or len(signed) <= self._longest_cookie:
                return signed
        return await self._opaque.write(grant, session_id, iat_ms=iat_ms)
