"""End the sessions whose credentials a request brought: at sign-out, and where a sign-in takes their place."""

from collections.abc import Callable, Collection
from contextlib import suppress

from safeconduct._core.credential_sources import Sources
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext, text_of
from safeconduct._core.session_store import ForeignSession
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.authorization import Bearer, read_authorization
from safeconduct._http.request import Request
from safeconduct._http.request_body import Members
from safeconduct.errors import AuthError, ExpiredToken, InvalidRequest, InvalidToken, Unavailable
from safeconduct.principal import Principal

Verify = Callable[[str, float], Principal]
"""Proves a signed access token at an instant; raises ``InvalidToken``."""

SessionOf = Callable[[str], str | None]
"""Names the session of an opaque access token, None for any other; raises ``InvalidToken``."""


class PresentedSessions:
    """
    End the sessions of the credentials in a request.

    Args:
        session_verbs: End sessions.
        visits: Read requests.
        sources: Where an access token may be.
        verify: Proves one, whether or not it was ended.
        session_of: Names the session of one that is opaque.
        clock: The time in seconds since the epoch.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        visits: RequestContext,
        sources: Sources,
        *,
        verify: Verify,
        session_of: SessionOf,
        clock: Clock,
    ) -> None:
        self._session_verbs = session_verbs
        self._visits = visits
        self._sources = sources
        self._verify = verify
        self._session_of = session_of
        self._clock = clock

    async def end_all(self, request: Request, members: Members) -> None:
        """
        End the session of a valid refresh token, and those of access tokens whose expiry alone may have passed.

        Of a token in the header and one in a cookie both count: the cookie is about to be deleted.

        Raises:
            InvalidRequest: If a refresh token came by cookie and in the body.
            Unavailable: If the store can't be asked: the sessions may go on.
        """
        ended = {await self._end_by_refresh_token(request, members)}
        ended.add(await self._end_by_access_token(lambda: self._in_header(request), ended))
        await self._end_by_access_token(lambda: self._carried(request), ended)

    async def end_cookies(self, request: Request) -> None:
        """
        End the sessions whose cookies came; one that nobody here can read or know keeps nobody from signing in.

        Raises:
            Unavailable: If the store can't be asked: the sessions may go on.
        """
        ended: str | None = None
        with suppress(ForeignSession):
            ended = await self._end_by_refresh_token(request, {})
        with suppress(ForeignSession):
            await self._end_by_access_token(lambda: self._carried(request), {ended})

    async def _end_by_refresh_token(self, request: Request, members: Members) -> str | None:
        said = text_of(members, "refresh_token")
        try:
            presented = self._visits.refresh_token(request, members)
            if presented is None:
                return None
            return await self._session_verbs.sign_out_with(presented.value)
        except InvalidRequest:
            if said is not None:
                raise
            # Two cookies of one name: which one is meant, nobody knows, and both are going to be cleared.
            return None
        except InvalidToken:
            return None

    async def _end_by_access_token(self, read: Callable[[], str | None], ended: Collection[str | None]) -> str | None:
        """End the session of a token that is read, unless it is among those that were *ended*, and return its id."""
        try:
            token = read()
            session_id = None if token is None else self._session_of(token)
            principal = None if token is None or session_id is not None else self._proven(token)
        except Unavailable:
            raise
        except AuthError:
            return None
        if principal is not None:
            session_id = principal.session_id
        if session_id is None or session_id in ended:
            return None
        if principal is None:
            await self._session_verbs.sign_out_of(session_id)
        else:
            await self._session_verbs.sign_out(principal)
        return session_id

    def _in_header(self, request: Request) -> str | None:
        credential = read_authorization(request.values(b"authorization"))
        return credential.token if isinstance(credential, Bearer) and self._sources.takes_bearer else None

    def _carried(self, request: Request) -> str | None:
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
