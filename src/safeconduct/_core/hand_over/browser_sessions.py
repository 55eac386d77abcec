"""Find out who is signed in in a browser, by every cookie that it sends."""

from contextlib import suppress

from safeconduct._core.bearer import AccessTokenResolver, principal_of
from safeconduct._core.credential_sources import Sources
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.hand_over.confirmation import SignedInPerson
from safeconduct._core.hand_over.sessions import HandedOverSessions
from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import ForeignSession
from safeconduct._http.request import Request
from safeconduct.errors import InvalidToken


class BrowserSessions:
    """
    Find out who is signed in in a browser.

    Args:
        resolver: Verifies access tokens.
        revocations: Asks whether they were revoked, whatever the consistency.
        sources: Finds the access cookie.
        request_context: Finds the refresh cookie.
        sessions: Finds the owner of a refresh token.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        resolver: AccessTokenResolver,
        revocations: Revocations,
        sources: Sources,
        request_context: RequestContext,
        sessions: HandedOverSessions,
        *,
        clock: Clock,
    ) -> None:
        self._resolver = resolver
        self._revocations = revocations
        self._sources = sources
        self._request_context = request_context
        self._sessions = sessions
        self._clock = clock

    async def signed_in(self, request: Request) -> frozenset[SignedInPerson]:
        """
        Find who is signed in by the cookies of *request*.

        Raises:
            InvalidRequest: If two cookies have one name, so that who is signed in is not known.
            Unavailable: If the store cannot be asked.
        """
        # A session that only another process knows signs nobody in here.
        by_access = by_refresh = None
        with suppress(ForeignSession):
            by_access = await self._by_access_token(request)
        presented = self._refresh_token(request)
        with suppress(ForeignSession):
            by_refresh = None if presented is None else await self._sessions.owner_of(presented)
        return frozenset(each for each in (by_access, by_refresh) if each is not None)

    async def _by_access_token(self, request: Request) -> SignedInPerson | None:
        try:
            found = self._sources.carried(request)
            if found is None:
                return None
            claims = await self._resolver.verify_not_revoked(found.token, self._revocations, now=self._clock())
        except InvalidToken:
            return None
        principal = principal_of(claims, "cookie")
        return SignedInPerson(principal.issuer, principal.subject, principal.session_id or claims.token_id)

    def _refresh_token(self, request: Request) -> str | None:
        try:
            presented = self._request_context.refresh_token(request, {})
        except InvalidToken:
            return None
        return None if presented is None else presented.value
