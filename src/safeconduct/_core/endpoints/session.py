"""``GET …/session``, ``GET …/sessions`` and ``DELETE …/sessions/{id}``: what a caller has and may do now."""

from collections.abc import Iterator
from typing import Any

from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routing import Call
from safeconduct._core.endpoints.token_response import TokenResponse, reply
from safeconduct._core.sessions.verbs import ActiveSession, SessionStatus, SessionVerbs
from safeconduct._http.problems import NO_STORE
from safeconduct._http.request import Reply, Request
from safeconduct.errors import NotRenewable, RevokedToken, StepUpRequired
from safeconduct.principal import Principal, rank

Link = dict[str, str]


class SessionEndpoint:
    """
    Tell a caller what he has, and what he may do now.

    Args:
        session_verbs: Know the sessions.
        visits: Read requests.
        delivery: Writes replies.
        csrf: Makes the tokens against forgery.
        prefix: What every own path begins with.
        issuer: The own one, whose subjects have sessions here.
        clock: The time in seconds since the epoch.
    """

    def __init__(
        self,
        session_verbs: SessionVerbs,
        visits: RequestContext,
        delivery: TokenResponse,
        csrf: CsrfTokens,
        *,
        prefix: str,
        issuer: str | None,
        clock: Clock,
    ) -> None:
        self._session_verbs = session_verbs
        self._visits = visits
        self._delivery = delivery
        self._csrf = csrf
        self._prefix = prefix
        self._issuer = issuer
        self._clock = clock

    async def session(self, call: Call) -> Reply:
        """
        Tell who asks; who is nobody learns that and how to sign in.

        Raises:
            InvalidToken: If a token in the header does not count.
            Unavailable: If that can't be found out.
        """
        now = self._clock()
        identity = await self._visits.identity(call.request, now=now)
        if not isinstance(identity, Principal):
            return self._nobody(call.request)
        try:
            prospects = await self._session_verbs.status(identity)
        except NotRenewable:
            prospects = None
        except RevokedToken:
            return self._nobody(call.request)
        return reply(200, self._told(identity, prospects, call.request, int(now)))

    async def sessions(self, call: Call) -> Reply:
        """
        List the caller's sessions, at most a hundred at once; ``cursor`` of the answer asks for the next ones.

        Raises:
            MissingCredential: If no access token came.
            NotRenewable: If the caller is another issuer's.
            InvalidRequest: If the cursor is none of ours.
        """
        principal = await self._owner(call.request)
        page = await self._session_verbs.page(
            principal.subject, current=principal.session_id, cursor=call.asked("cursor")
        )
        return reply(200, {"sessions": [_listed(each) for each in page.sessions], "cursor": page.cursor})

    async def end(self, call: Call) -> Reply:
        """
        End one session of the caller; another than the present one only for an explicit sign-in.

        Raises:
            MissingCredential: If no access token came.
            StepUpRequired: If it is another one and the caller is only remembered.
            NotFound: If there is none, or it is another person's.
        """
        principal = await self._owner(call.request)
        is_current = call.item == principal.session_id
        if not is_current and rank(principal.level) < rank("explicit"):
            raise StepUpRequired("explicit", reason="the end of another session")
        await self._session_verbs.end(call.item, subject=principal.subject)
        if is_current:
            return self._delivery.parted("cookie" if principal.scheme == "cookie" else "header")
        return Reply(204, (NO_STORE,))

    async def _owner(self, request: Request) -> Principal:
        principal = await self._visits.principal(request, now=self._clock())
        if principal.issuer != self._issuer:
            raise NotRenewable("the caller is another issuer's, whose sessions are not here")
        return principal

    def _nobody(self, request: Request) -> Reply:
        links = [self._link(request, "login", "POST")]
        if self._visits.has_refresh_cookie(request):
            # The access token may be over while the long-term credential is good.
            links.append(self._link(request, "refresh", "POST"))
        return reply(200, {"is_authenticated": False, "links": links})

    def _told(
        self, principal: Principal, prospects: SessionStatus | None, request: Request, now: int
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
            "renew_after": None if prospects is None else prospects.renew_after,
            "extend_after": None if prospects is None else prospects.extend_after,
            "extend_before": None if prospects is None else prospects.extend_before,
            "now": now,
            "csrf_token": None if protected is None else self._csrf.token(protected.session_id, protected.generation),
            "links": list(self._links(prospects, request, now)),
        }

    def _links(self, prospects: SessionStatus | None, request: Request, now: int) -> Iterator[Link]:
        yield self._link(request, "logout", "POST")
        if prospects is None:
            return
        yield self._link(request, "step-up", "POST")
        if prospects.is_kept:
            yield self._link(request, "logout-everywhere", "POST")
            yield self._link(request, "sessions", "GET")
        if prospects.renew_after is not None and prospects.renew_after <= now:
            yield self._link(request, "renew", "POST")
        if prospects.is_remembered:
            yield self._link(request, "refresh", "POST")
        if prospects.extend_after is not None and prospects.extend_after <= now:
            yield self._link(request, "refresh", "POST", rel="extend")

    def _link(self, request: Request, name: str, method: str, *, rel: str | None = None) -> Link:
        return {"rel": rel or name, "method": method, "href": f"{request.root_path}{self._prefix}/{name}"}


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
