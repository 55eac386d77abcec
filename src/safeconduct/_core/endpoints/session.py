"""Serve ``GET …/session``, ``GET …/sessions`` and ``DELETE …/sessions/{id}``, which show and end sessions."""

from collections.abc import Iterator, Mapping
from typing import Any

from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext, transport_of
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.endpoints.token_response import TokenResponse, json_reply
from safeconduct._core.permissions import OfferedLinks, ShownLink, link_to
from safeconduct._core.sessions.listing import ActiveSession
from safeconduct._core.sessions.verbs import SessionStatus, SessionVerbs
from safeconduct._http.problems import NO_STORE
from safeconduct._http.request import Reply, Request
from safeconduct.errors import NotRenewable, RevokedToken, StepUpRequired
from safeconduct.principal import Anonymous, Identity, Principal, rank


class SessionEndpoint:
    """
    Tell callers who they are and what they may do now, and list and end their sessions.

    Args:
        session_verbs: Finds and ends sessions.
        request_context: Reads requests.
        token_response: Writes the reply to a sign-out.
        csrf: Makes the CSRF tokens.
        offered: The links of the application.
        prefix: The prefix of our endpoints.
        ways_to_sign_in: Where users sign in here, each name below the prefix with its method.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        request_context: RequestContext,
        token_response: TokenResponse,
        csrf: CsrfTokens,
        offered: OfferedLinks,
        *,
        prefix: str,
        ways_to_sign_in: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._session_verbs = session_verbs
        self._request_context = request_context
        self._token_response = token_response
        self._csrf = csrf
        self._offered = offered
        self._prefix = prefix
        self._ways_to_sign_in = ways_to_sign_in
        self._clock = clock

    async def session(self, call: EndpointCall) -> Reply:
        """
        Describe the caller's identity and session; an anonymous caller learns how to sign in.

        Raises:
            InvalidToken: If a token in the header is not valid.
            Unavailable: If the store cannot be asked.
        """
        now = self._clock()
        identity = await self._request_context.identity(call.request, now=now)
        if not isinstance(identity, Principal):
            return self._anonymous(call.request, identity, now)
        try:
            status = await self._session_verbs.status(identity)
        except NotRenewable:
            status = None
        except RevokedToken:
            return self._anonymous(call.request, Anonymous(reason="invalid_token"), now)
        return json_reply(200, self._described(identity, status, call.request, now))

    async def sessions(self, call: EndpointCall) -> Reply:
        """
        List the caller's sessions, at most a hundred at once; ``cursor`` in the reply asks for the next ones.

        Raises:
            MissingCredential: If no access token came.
            NotRenewable: If it is not the person's own, which a sign-in made.
            InvalidRequest: If the cursor is not one of ours.
        """
        principal = await self._request_context.session_owner(call.request)
        page = await self._session_verbs.page(
            principal.subject,
            current=principal.session_id,
            cursor=call.query_parameter("cursor"),
            issuer=principal.issuer,
        )
        return json_reply(200, {"sessions": [_listed(each) for each in page.sessions], "cursor": page.cursor})

    async def end(self, call: EndpointCall) -> Reply:
        """
        End one of the caller's sessions; any but the current one only at the level ``explicit`` or above.

        Raises:
            MissingCredential: If no access token came.
            StepUpRequired: If it is not the current one and the caller is only remembered.
            NotFound: If there is no such session, or it is another person's.
        """
        principal = await self._request_context.session_owner(call.request)
        is_current = call.item == principal.session_id
        if not is_current and rank(principal.level) < rank("explicit"):
            raise StepUpRequired("explicit", reason="ending another session needs an explicit sign-in")
        await self._session_verbs.end(call.item, subject=principal.subject, issuer=principal.issuer)
        if is_current:
            return self._token_response.signed_out(transport_of(principal))
        return Reply(204, (NO_STORE,))

    def _anonymous(self, request: Request, identity: Identity, now: float) -> Reply:
        links = [self._link(request, name, method) for name, method in self._ways_to_sign_in.items()]
        if self._request_context.has_refresh_cookie(request):
            # The access token may have expired while the refresh token is still valid.
            links.append(self._link(request, "refresh", "POST"))
        links += self._offered.shown_to(identity, root_path=request.root_path, now=now)
        return json_reply(200, {"is_authenticated": False, "links": links})

    def _described(
        self, principal: Principal, status: SessionStatus | None, request: Request, now: float
    ) -> dict[str, Any]:
        protected = self._csrf.session_of(principal) if principal.scheme == "cookie" else None
        return {
            "is_authenticated": True,
            "subject": principal.subject,
            "issuer": principal.issuer,
            "display_name": principal.display_name,
            "level": principal.level,
            "scopes": sorted(principal.scopes),
            "roles": sorted(principal.roles),
            "session_id": principal.session_id,
            "auth_time": principal.auth_time,
            "issued_at": principal.claims.get("iat"),
            "expires_at": principal.expires_at,
            "renew_after": None if status is None else status.renew_after,
            "extend_after": None if status is None else status.extend_after,
            "extend_before": None if status is None else status.extend_before,
            "now": int(now),
            "csrf_token": None if protected is None else self._csrf.token(protected.session_id, protected.generation),
            "links": [
                *self._links(principal, status, request, int(now)),
                *self._offered.shown_to(principal, root_path=request.root_path, now=now),
            ],
        }

    def _links(
        self, principal: Principal, status: SessionStatus | None, request: Request, now: int
    ) -> Iterator[ShownLink]:
        yield self._link(request, "logout", "POST")
        if status is None:
            return
        if "pi" not in principal.claims:
            # Our directory does not know the password of a person who was handed over.
            yield self._link(request, "step-up", "POST")
        if status.is_kept:
            yield self._link(request, "logout-everywhere", "POST")
            yield self._link(request, "sessions", "GET")
        if status.renew_after is not None and status.renew_after <= now:
            yield self._link(request, "renew", "POST")
        if status.is_remembered:
            yield self._link(request, "refresh", "POST")
        if status.extend_after is not None and status.extend_after <= now:
            yield self._link(request, "refresh", "POST", rel="extend")

    def _link(self, request: Request, name: str, method: str, *, rel: str | None = None) -> ShownLink:
        return link_to(f"{self._prefix}/{name}", rel or name, method, request.root_path)


def _listed(session: ActiveSession) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "device": session.device,
        "network": session.network,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
        "level": session.level,
        "is_remembered": session.is_remembered,
        "is_current": session.is_current,
    }
