"""Serve ``POST …/logout`` and ``POST …/logout-everywhere``, and end the sessions that a sign-in replaces."""

from collections.abc import Callable, Collection
from contextlib import suppress

from safeconduct._core.bearer import AccessTokenResolver, BearerAuthenticator, principal_of
from safeconduct._core.credential_sources import Sources
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext, transport_of
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.session_store import ForeignSession
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.authorization import Bearer, read_authorization
from safeconduct._http.request import Reply, Request
from safeconduct._http.request_body import BodyParameters
from safeconduct.errors import AuthError, ExpiredToken, InvalidRequest, InvalidToken, Unavailable
from safeconduct.principal import Principal


class LogoutEndpoint:
    """
    End sessions.

    Args:
        session_verbs: Ends the sessions of a user.
        request_context: Reads requests.
        token_response: Writes replies.
        presented: Ends the sessions of the credentials in a request.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        request_context: RequestContext,
        token_response: TokenResponse,
        presented: "PresentedSessions",
    ) -> None:
        self._session_verbs = session_verbs
        self._request_context = request_context
        self._token_response = token_response
        self._presented = presented

    async def logout(self, call: EndpointCall) -> Reply:
        """
        End the session of a valid refresh token, and that of an access token that is valid or has merely expired.

        The caller loses every credential, whether or not it was valid.

        Raises:
            CrossSiteRequest: If cookies came and none of our pages sent them.
            InvalidRequest: If a refresh token came both in a cookie and in the body.
            Unavailable: If the store cannot be asked: the session may go on.
            TooFewReplicas: If it has ended, and fewer replicas than configured have that: the caller may try again.
        """
        request, parameters = call.request, await call.parameters()
        by_cookie = self._request_context.has_cookie(request)
        if by_cookie:
            self._request_context.require_own_page(request)
        await self._presented.end_all(request, parameters)
        return self._token_response.signed_out("cookie" if by_cookie else "header")

    async def logout_everywhere(self, call: EndpointCall) -> Reply:
        """
        End every session of the caller.

        Raises:
            MissingCredential: If no access token came.
            NotRenewable: If it is not the person's own, which a sign-in made.
        """
        principal = await self._request_context.session_owner(call.request)
        await self._session_verbs.sign_out_everywhere(principal.subject, issuer=principal.issuer)
        return self._token_response.signed_out(transport_of(principal))


class PresentedSessions:
    """
    End the sessions of the credentials in a request.

    Args:
        session_verbs: Ends sessions.
        request_context: Reads refresh tokens.
        sources: Where an access token may be.
        bearer: Verifies a signed access token, whether or not it was revoked.
        resolver: Finds the session of an opaque access token.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        request_context: RequestContext,
        sources: Sources,
        *,
        bearer: BearerAuthenticator,
        resolver: AccessTokenResolver,
        clock: Clock,
    ) -> None:
        self._session_verbs = session_verbs
        self._request_context = request_context
        self._sources = sources
        self._bearer = bearer
        self._resolver = resolver
        self._clock = clock

    async def end_all(self, request: Request, parameters: BodyParameters) -> None:
        """
        End the session of a valid refresh token, and those of access tokens that are valid or have merely expired.

        A token in the header and one in a cookie both count, since the cookie is about to be deleted.

        Raises:
            InvalidRequest: If a refresh token came both in a cookie and in the body.
            Unavailable: If the store cannot be asked: the sessions may go on.
        """
        ended = {await self._end_by_refresh_token(request, parameters)}
        ended.add(await self._end_by_access_token(lambda: self._token_in_header(request), ended))
        await self._end_by_access_token(lambda: self._token_elsewhere(request), ended)

    async def end_cookies(self, request: Request) -> None:
        """
        End the sessions whose cookies came; a cookie that is malformed or unknown is ignored, and blocks no sign-in.

        Raises:
            Unavailable: If the store cannot be asked: the sessions may go on.
        """
        await self.end_replaced(request, session_id=None)

    async def end_replaced(self, request: Request, *, session_id: str | None) -> bool:
        """
        End the sessions whose cookies came, as ``end_cookies`` does, but for the session *session_id*.

        Return whether the refresh cookie is one of that session.

        Raises:
            Unavailable: If the store cannot be asked: the sessions may go on.
        """
        if session_id is not None and self._names(request, session_id):
            ended, keeps_refresh = session_id, True
        else:
            ended, keeps_refresh = None, False
            with suppress(ForeignSession):
                ended = await self._end_by_refresh_token(request, {})
        with suppress(ForeignSession):
            await self._end_by_access_token(lambda: self._token_elsewhere(request), {ended, session_id})
        return keeps_refresh

    def _names(self, request: Request, session_id: str) -> bool:
        """Return whether the refresh cookie of *request* is one of the session *session_id*."""
        try:
            presented = self._request_context.refresh_token(request, {})
            return presented is not None and self._session_verbs.session_of(presented.value) == session_id
        except (InvalidRequest, InvalidToken):
            return False

    async def _end_by_refresh_token(self, request: Request, parameters: BodyParameters) -> str | None:
        try:
            presented = self._request_context.refresh_token(request, parameters)
            return None if presented is None else await self._session_verbs.sign_out_with(presented.value)
        except InvalidRequest:
            if "refresh_token" in parameters:
                raise
            # Two cookies of one name: which one is meant cannot be known, and both are about to be cleared.
            return None
        except InvalidToken:
            return None

    async def _end_by_access_token(self, read: Callable[[], str | None], ended: Collection[str | None]) -> str | None:
        """End the session of the token that *read* returns, unless it is among *ended*; return its id."""
        try:
            token = read()
            if token is None:
                return None
            session_id, principal = self._resolver.session_of(token), None
            if session_id is None:
                principal = self._verified(token)
                session_id = principal.session_id
        except Unavailable:
            raise
        except AuthError:
            return None
        if session_id is None or session_id in ended:
            return None
        if principal is None:
            await self._session_verbs.sign_out_of(session_id)
        else:
            await self._session_verbs.sign_out(principal)
        return session_id

    def _token_in_header(self, request: Request) -> str | None:
        credential = read_authorization(request.values(b"authorization"))
        return credential.token if isinstance(credential, Bearer) and self._sources.takes_bearer else None

    def _token_elsewhere(self, request: Request) -> str | None:
        found = self._sources.carried(request)
        return None if found is None else found.token

    def _verified(self, token: str) -> Principal:
        try:
            claims = self._bearer.verify(token, now=self._clock())
        except ExpiredToken as error:
            if error.expired_at is None:  # pragma: no cover - the verifier always says when
                raise
            # Everything but the expiry is checked, as of the last second before it.
            claims = self._bearer.verify(token, now=error.expired_at - 1)
        return principal_of(claims, "bearer")
