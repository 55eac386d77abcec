"""From a session as it is now to the tokens that its owner gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from safeconduct._core.opaque import OpaqueTokenParts, OpaqueTokens
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import question_for
from safeconduct._core.sessions.model import (
    Chain,
    Lifetimes,
    Rights,
    Session,
    Transport,
    chain_half_ms,
    level_at,
    renew_after,
    token_end,
)
from safeconduct._core.sessions.refresh_token import ParsedRefreshToken, RefreshTokens
from safeconduct._core.sessions.tokens import RefreshToken, Tokens
from safeconduct._core.store import OpaqueTokenStore, RevocationQuery
from safeconduct._tokens.issuer import Checked, ClaimsRefused, Grant, TokenIssuer
from safeconduct.errors import ConfigurationError, ExpiredToken, NotSupported, Unavailable
from safeconduct.events import Event, Fault, HookFailed
from safeconduct.principal import Level, Principal

_LONGEST_TOKEN_ID: Final = "A" * 22
_LARGEST: Final = 2**32 - 1

AddClaims = Callable[[Principal], Mapping[str, Any]]
"""An author's hook: what the tokens of this principal shall say besides."""


class TokenMaker:
    """
    Make tokens.

    Args:
        issuer: Signs access tokens.
        issuer_name: Its name.
        refresh_tokens: Writes refresh tokens.
        lives: How long things live.
        add_claims: The author's hook, or None.
        signs: Whether access tokens are signed here; else they are left empty for ``OpaqueTokenWriter``.
        longest_cookie: How long a token may be that travels in a cookie; None where a longer one becomes a reference.
        announce: Told where the hook fails.
    """

    def __init__(
        self,
        issuer: TokenIssuer,
        issuer_name: str,
        refresh_tokens: RefreshTokens,
        lives: Lifetimes,
        *,
        add_claims: AddClaims | None,
        signs: bool = True,
        longest_cookie: int | None = None,
        announce: Callable[[Event], None],
    ) -> None:
        self._issuer = issuer
        self._issuer_name = issuer_name
        self._refresh_tokens = refresh_tokens
        self._lives = lives
        self._add_claims = add_claims
        self._signs = signs
        self._longest_cookie = longest_cookie
        self._announce = announce

    def prepared(
        self,
        subject: str,
        session_id: str,
        rights: Rights,
        *,
        level: Level,
        transport: Transport,
        now_ms: int,
    ) -> Checked:
        """
        Ask the author's hook, and make a token of what it says that nobody gets.

        Before the store's command, so that nothing that can fail burns a token; *level* and the end that the hook sees
        are what is expected of the token.

        Raises:
            Unavailable: If the hook raises or returns what no token can say: a token without its claims might say too
                much.  Or if there is no key to sign with.
            NotSupported: If the token is going to be too long for the cookie that it should travel in.
        """
        extra = self._asked(subject, session_id, rights, level=level, now_ms=now_ms)
        # Every number is as long as it can get: what is made later is never longer.
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
            extra=extra,
        )
        try:
            checked = self._issuer.check(grant, iat_ms=now_ms, is_signed=self._signs)
        except ClaimsRefused as fault:
            if not extra:
                raise
            raise self._failed(fault.__cause__ or fault, str(fault)) from fault
        except ConfigurationError as fault:
            self._announce(Fault(where="keys", error=type(fault).__name__))
            raise Unavailable(str(fault)) from fault
        if transport == "cookie" and self._longest_cookie is not None and checked.length > self._longest_cookie:
            raise NotSupported("the access token is too long for a cookie")
        return checked

    def _asked(self, subject: str, session_id: str, rights: Rights, *, level: Level, now_ms: int) -> Mapping[str, Any]:
        if self._add_claims is None:
            return {}
        principal = Principal(
            subject=subject,
            issuer=self._issuer_name,
            scheme="bearer",
            level=level,
            scopes=frozenset(rights.scopes),
            roles=frozenset(rights.roles),
            session_id=session_id,
            expires_at=(now_ms + self._lives.access_ms) // 1000,
            display_name=rights.display_name or subject,
            remote_user=subject,
        )
        try:
            claims = dict(self._add_claims(principal))
        except Exception as fault:
            raise self._failed(fault, "add_claims failed") from fault
        return cast("Mapping[str, Any]", claims)

    def _failed(self, fault: BaseException, reason: str) -> Unavailable:
        self._announce(HookFailed(hook="add_claims", error=type(fault).__name__))
        return Unavailable(reason)

    def renewed(self, session: Session, session_id: str, prepared: Checked) -> Tokens:
        """
        Make the access token of the last renewal, the same each time.

        Raises:
            Unavailable: If the session was never renewed.
        """
        renewal = session.renewal
        if renewal is None:
            raise Unavailable("the store renewed nothing")
        return self._tokens(
            session,
            session_id,
            prepared,
            iat_ms=renewal.iat_ms,
            expires_at=renewal.expires_at,
            token_id=renewal.token_id,
        )

    def tokens(
        self,
        session: Session,
        session_id: str,
        prepared: Checked,
        *,
        iat_ms: int,
        refresh_token: ParsedRefreshToken | None = None,
    ) -> Tokens:
        """
        Make an access token, and write the refresh token that goes with it.

        Raises:
            ExpiredToken: If less than a second of the session is left.
        """
        expires_at = token_end(session, iat_ms, self._lives)
        return self._tokens(
            session, session_id, prepared, iat_ms=iat_ms, expires_at=expires_at, long_term=refresh_token
        )

    def _tokens(
        self,
        session: Session,
        session_id: str,
        prepared: Checked,
        *,
        iat_ms: int,
        expires_at: int,
        token_id: str | None = None,
        long_term: ParsedRefreshToken | None = None,
    ) -> Tokens:
        lifetime_seconds = expires_at - iat_ms // 1000
        if lifetime_seconds <= 0:
            raise ExpiredToken(expires_at, "the session ends now")
        rights = Rights.from_text(session.rights)
        grant = Grant(
            subject=session.subject,
            level=level_at(session, iat_ms, self._lives),
            scopes=rights.scopes,
            roles=rights.roles,
            lifetime_seconds=lifetime_seconds,
            session_id=session_id,
            auth_time=session.auth_ms // 1000,
            token_id=token_id,
            csrf_generation=session.csrf_generation,
            renewals=session.renewals,
            display_name=rights.display_name,
            extra=prepared.extra,
        )
        return Tokens(
            access_token=self._issuer.issue(grant, iat_ms=iat_ms, keys=prepared.keys) if self._signs else "",
            grant=grant,
            session_id=session_id,
            level=grant.level,
            issued_at=iat_ms // 1000,
            expires_at=expires_at,
            renew_after=renew_after(session, iat_ms, expires_at),
            csrf_generation=session.csrf_generation,
            transport=session.transport,
            refresh_token=self._long_term(session, long_term),
        )

    def _long_term(self, session: Session, token: ParsedRefreshToken | None) -> RefreshToken | None:
        chain = session.chain
        if token is None or chain is None:
            return None
        grows = chain.expires_ms < session.ends_ms
        return RefreshToken(
            value=self._refresh_tokens.write(token),
            expires_at=chain.expires_ms // 1000,
            extend_after=_seconds_after(chain) if grows else None,
            extend_before=chain.expires_ms // 1000 if grows else None,
        )


def _seconds_after(chain: Chain) -> int:
    return -(-chain_half_ms(chain) // 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueTokenWriter:
    """Keep what tokens say, for one world."""

    #: Says what a token says.
    issuer: TokenIssuer
    references: OpaqueTokens
    store: OpaqueTokenStore
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

    def _question(self, claims: Mapping[str, Any], reference: OpaqueTokenParts, iat_ms: int) -> RevocationQuery:
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
