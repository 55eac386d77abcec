"""``POST …/logout`` and ``POST …/logout-everywhere``: the end of one session, and of all."""

from collections.abc import Callable

from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.delivery import Delivery
from safeconduct._core.endpoints.table import Call
from safeconduct._core.endpoints.visit import Visits, text_of
from safeconduct._core.session.record import Transport
from safeconduct._core.session.verbs import SessionVerbs
from safeconduct._core.sources import Sources
from safeconduct._http.body import Members
from safeconduct._http.credentials import Bearer, read_authorization
from safeconduct._http.message import Reply, Request
from safeconduct.errors import AuthError, ExpiredToken, InvalidRequest, InvalidToken, NotRenewable, Unavailable
from safeconduct.principal import Principal

Verify = Callable[[str, float], Principal]
"""Proves a signed access token at an instant; raises ``InvalidToken``."""

SessionOf = Callable[[str], str | None]
"""Names the session of an opaque access token, None for any other; raises ``InvalidToken``."""


class LeavingDesk:
    """
    Sign out.

    Args:
        rooms: End sessions.
        visits: Read requests.
        delivery: Writes replies.
        sources: Where an access token may be.
        verify: Proves one, whether or not it was ended.
        session_of: Names the session of one that is opaque.
        issuer: The own one, whose subjects have sessions here.
        clock: The time in seconds since the epoch.
    """

    def __init__(
        self,
        rooms: SessionVerbs,
        visits: Visits,
        delivery: Delivery,
        sources: Sources,
        *,
        verify: Verify,
        session_of: SessionOf,
        issuer: str | None,
        clock: Clock,
    ) -> None:
        self._rooms = rooms
        self._visits = visits
        self._delivery = delivery
        self._sources = sources
        self._verify = verify
        self._session_of = session_of
        self._issuer = issuer
        self._clock = clock

    async def logout(self, call: Call) -> Reply:
        """
        End the session of a valid refresh token, else that of an access token whose expiry alone may have passed.

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
        if not await self._ended_by_refresh_token(request, members):
            await self._end_by_access_token(request)
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
        await self._rooms.open_sessions.sign_out_everywhere(principal.subject)
        return self._delivery.parted("cookie" if principal.scheme == "cookie" else "header")

    async def _ended_by_refresh_token(self, request: Request, members: Members) -> bool:
        said = text_of(members, "refresh_token")
        try:
            presented = self._visits.refresh_token(request, members)
            if presented is None:
                return False
            await self._rooms.open_sessions.sign_out_with(presented.value)
        except InvalidRequest:
            if said is not None:
                raise
            # Two cookies of one name: which one is meant, nobody knows, and both are going to be cleared.
            return False
        except InvalidToken:
            return False
        return True

    async def _end_by_access_token(self, request: Request) -> None:
        try:
            token = self._access_token(request)
            session_id = None if token is None else self._session_of(token)
            principal = None if token is None or session_id is not None else self._proven(token)
        except Unavailable:
            raise
        except AuthError:
            return
        if session_id is not None:
            await self._rooms.open_sessions.sign_out_of(session_id)
        if principal is not None:
            await self._rooms.open_sessions.sign_out(principal)

    def _access_token(self, request: Request) -> str | None:
        fields = request.values(b"authorization")
        if fields:
            credential = read_authorization(fields)
            return credential.token if isinstance(credential, Bearer) and self._sources.takes_bearer else None
        found = self._sources.carried(request)
        return None if found is None else found.token

    def _proven(self, token: str) -> Principal:
        try:
            return self._verify(token, self._clock())
        except ExpiredToken as error:
            if error.expired_at is None:  # pragma: no cover - the verifier always says when
                raise
            # Everything but its expiry is checked, as of the last second of its life.
            return self._verify(token, error.expired_at - 1)
