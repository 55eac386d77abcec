"""``POST …/logout`` and ``POST …/logout-everywhere``: the end of one session, and of all."""

from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.replaced_sessions import PresentedSessions
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routing import Call
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.sessions.model import Transport
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.request import Reply
from safeconduct.errors import NotRenewable


class LogoutEndpoint:
    """
    Sign out.

    Args:
        session_verbs: End sessions.
        visits: Read requests.
        delivery: Writes replies.
        presented: Ends the sessions of what a request brought.
        issuer: The own one, whose subjects have sessions here.
        clock: The time in seconds since the epoch.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        visits: RequestContext,
        delivery: TokenResponse,
        presented: PresentedSessions,
        *,
        issuer: str | None,
        clock: Clock,
    ) -> None:
        self._session_verbs = session_verbs
        self._visits = visits
        self._delivery = delivery
        self._presented = presented
        self._issuer = issuer
        self._clock = clock

    async def logout(self, call: Call) -> Reply:
        """
        End the session of a valid refresh token, and that of an access token whose expiry alone may have passed.

        Whatever the credential is worth, the caller has none afterwards.

        Raises:
            CrossSiteRequest: If cookies came and no page of ours sent them.
            InvalidRequest: If a refresh token came by cookie and in the body.
            Unavailable: If the store can't be asked: the session may go on.
        """
        request, members = call.request, await call.members()
        transport: Transport = "header"
        if self._visits.has_cookie(request):
            self._visits.require_own_page(request)
            transport = "cookie"
        await self._presented.end_all(request, members)
        return self._delivery.parted(transport)

    async def logout_everywhere(self, call: Call) -> Reply:
        """
        End every session of the caller.

        Raises:
            MissingCredential: If no access token came.
            NotRenewable: If the caller is another issuer's.
        """
        principal = await self._visits.principal(call.request, now=self._clock())
        if principal.issuer != self._issuer:
            raise NotRenewable("the caller is another issuer's, whose sessions are not here")
        await self._session_verbs.sign_out_everywhere(principal.subject)
        return self._delivery.parted("cookie" if principal.scheme == "cookie" else "header")
