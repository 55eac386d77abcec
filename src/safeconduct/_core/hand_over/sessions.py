"""Open the session of a person who was handed over, and find out whom a refresh token belongs to."""

from collections.abc import Awaitable, Callable
from typing import Final

from safeconduct._core.hand_over.confirmation import SignedInPerson
from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import Opening, SessionStore
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.context import SessionContext
from safeconduct._core.sessions.lookup import SessionLookup
from safeconduct._core.sessions.model import Rights
from safeconduct._core.sessions.refresh_token import ParsedRefreshToken
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._core.tagged_token import new_session_id, text_of
from safeconduct._tokens.claims import Claims
from safeconduct.errors import InvalidToken, Unavailable
from safeconduct.events import SessionEnded, SignedIn
from safeconduct.principal import Level

_LEVEL: Final[Level] = "remembered"


class HandedOverSessions:
    """
    Open sessions of other issuers' people: of the level ``remembered``, and for the life of a session without refresh.

    Args:
        context: Settings and collaborators of the verbs on sessions.
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
    """

    def __init__(self, context: SessionContext, store: SessionStore, revocations: Revocations) -> None:
        self._context = context
        self._store = store
        self._lookup = SessionLookup(context, store, revocations)

    async def open(self, claims: Claims, origin: RequestOrigin, *, begin: Callable[[], Awaitable[None]]) -> Tokens:
        """
        Open a session for the person of a hand-over token.

        Args:
            claims: What the token says; roles and scopes are those that the trust lets through.
            origin: Where the request comes from.
            begin: Called once nothing but the store can fail any more, and before the session is opened.

        Raises:
            Unavailable: If the store or the author's hook cannot be asked.
            NotSupported: If the access token is too long for a cookie.
        """
        context, issuer, subject = self._context, claims.issuer, claims.subject
        rights = Rights(tuple(sorted(claims.roles)), tuple(sorted(claims.scopes)))
        shard = context.session_keys.shard_of(subject, issuer)
        drawn = new_session_id(shard, await self._lookup.id_prefix(shard), context.draw)
        ref = context.session_keys.of_subject(subject, text_of(drawn), issuer=issuer)
        prepared = context.token_maker.prepare(
            ref.session_id,
            subject,
            rights,
            level=_LEVEL,
            transport=origin.transport,
            now_ms=context.now_ms(),
            person_issuer=issuer,
        )
        await begin()
        opening = self._opening(subject, issuer, rights, origin)
        reply = await self._lookup.transition(ref, lambda: self._store.open(ref, opening))
        session = reply.live_session()
        if (session.subject, session.person_issuer) != (subject, issuer):
            raise Unavailable("the new session's id is taken")
        for session_id in reply.crowded_out:
            context.announce(SessionEnded(subject=subject, session_id=session_id, reason="too_many"))
        try:
            tokens = await context.token_maker.make(ref.session_id, session, prepared, iat_ms=reply.iat_ms)
        except Unavailable:
            # No one has a token of it, and its owner's list would show it.
            await self._lookup.discard(ref)
            raise
        context.announce(SignedIn(subject=subject, session_id=ref.session_id, level=_LEVEL, issuer=issuer))
        return tokens

    async def owner_of(self, refresh_token: str) -> SignedInPerson | None:
        """
        Return who would be signed in by *refresh_token*; None if its session is over.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        try:
            token = ParsedRefreshToken.from_text(refresh_token, self._context.derived_keys())
            ref, _ = await self._lookup.find_by_token(token)
            # Now that the owner is known: a cut-off of theirs may have ended it.
            session = await self._lookup.read(ref)
        except InvalidToken:
            return None
        issuer = session.person_issuer or self._context.session_keys.issuer
        return SignedInPerson(issuer, session.subject, ref.session_id)

    def _opening(self, subject: str, issuer: str, rights: Rights, origin: RequestOrigin) -> Opening:
        lives = self._context.lives
        return Opening(
            subject=subject,
            username=subject,
            level=_LEVEL,
            rights=rights.to_text(),
            transport=origin.transport,
            device=origin.label,
            network=origin.network,
            lifetime_ms=lives.short_absolute_ms,
            access_ms=lives.access_ms,
            max_per_subject=lives.max_per_subject,
            person_issuer=issuer,
        )
