"""From a session as it is now to the tokens that its owner gets."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from safeconduct._core.session.life import Lifetimes, chain_half_ms, level_at, renew_after, token_end
from safeconduct._core.session.record import Chain, Session
from safeconduct._core.session.refresh_token import RefreshToken, RefreshTokens
from safeconduct._core.session.rights import Rights
from safeconduct._core.session.tokens import LongTermToken, Tokens
from safeconduct._tokens.issuer import Grant, TokenIssuer
from safeconduct.errors import ExpiredToken, Unavailable
from safeconduct.events import Event, HookFailed
from safeconduct.principal import Level, Principal

AddClaims = Callable[[Principal], Mapping[str, Any]]
"""An author's hook: what the tokens of this principal shall say besides."""


class Minting:
    """
    Make tokens.

    Args:
        issuer: Signs access tokens.
        issuer_name: Its name.
        refresh_tokens: Writes refresh tokens.
        lives: How long things live.
        add_claims: The author's hook, or None.
        signs: Whether access tokens are signed here; else they are left empty for ``Keeping``.
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
        announce: Callable[[Event], None],
    ) -> None:
        self._issuer = issuer
        self._issuer_name = issuer_name
        self._refresh_tokens = refresh_tokens
        self._lives = lives
        self._add_claims = add_claims
        self._signs = signs
        self._announce = announce

    def claims_of(
        self, subject: str, session_id: str, rights: Rights, *, level: Level, now_ms: int
    ) -> Mapping[str, Any]:
        """
        Ask the author's hook.

        Before the store's command, so that a hook that fails burns no token; *level* and the end that it sees are what
        is expected of the token.

        Raises:
            Unavailable: If the hook raises or returns no mapping: a token without its claims might say too much.
        """
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
            display_name=subject,
        )
        try:
            claims = dict(self._add_claims(principal))
        except Exception as fault:
            self._announce(HookFailed(hook="add_claims", error=type(fault).__name__))
            raise Unavailable("add_claims failed") from fault
        return cast("Mapping[str, Any]", claims)

    def renewed(self, session: Session, session_id: str, extra: Mapping[str, Any]) -> Tokens:
        """
        Make the access token of the last renewal, the same each time.

        Raises:
            Unavailable: If the session was never renewed.
        """
        renewal = session.renewal
        if renewal is None:
            raise Unavailable("the store renewed nothing")
        return self._tokens(
            session, session_id, extra, iat_ms=renewal.iat_ms, expires_at=renewal.expires_at, token_id=renewal.token_id
        )

    def tokens(
        self,
        session: Session,
        session_id: str,
        extra: Mapping[str, Any],
        *,
        iat_ms: int,
        refresh_token: RefreshToken | None = None,
    ) -> Tokens:
        """
        Make an access token, and write the refresh token that goes with it.

        Raises:
            ExpiredToken: If less than a second of the session is left.
        """
        expires_at = token_end(session, iat_ms, self._lives)
        return self._tokens(session, session_id, extra, iat_ms=iat_ms, expires_at=expires_at, long_term=refresh_token)

    def _tokens(
        self,
        session: Session,
        session_id: str,
        extra: Mapping[str, Any],
        *,
        iat_ms: int,
        expires_at: int,
        token_id: str | None = None,
        long_term: RefreshToken | None = None,
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
            extra=extra,
        )
        return Tokens(
            access_token=self._issuer.issue(grant, iat_ms=iat_ms) if self._signs else "",
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

    def _long_term(self, session: Session, token: RefreshToken | None) -> LongTermToken | None:
        chain = session.chain
        if token is None or chain is None:
            return None
        grows = chain.expires_ms < session.ends_ms
        return LongTermToken(
            value=self._refresh_tokens.write(token),
            expires_at=chain.expires_ms // 1000,
            extend_after=_seconds_after(chain) if grows else None,
            extend_before=chain.expires_ms // 1000 if grows else None,
        )


def _seconds_after(chain: Chain) -> int:
    return -(-chain_half_ms(chain) // 1000)
