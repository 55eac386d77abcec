"""
Decide about every request: who sent it, and whether it may go on.

::

    Request ──► clean path ──► Requirement               access rules, remembered by route
            ──► credential ──► Proof                     authentication, remembered by the credential's bytes
                               Proof ──► not revoked?    the only step that asks the store
                               Proof ──► own page?       only for credentials that a browser sends by itself
                Requirement ◄── Identity                 Passed | Refused

A request whose route and credential were both seen before takes the fast path through the two memories.  The gate does
not know whether it stands behind ASGI or WSGI.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from safeconduct._core.access_rules import Policy
from safeconduct._core.authentication import Authenticator
from safeconduct._core.budget import within_one_budget
from safeconduct._core.connection_checks import ConnectionChecks, Watch
from safeconduct._core.continuation import Continuation
from safeconduct._core.decision import Decision, Passed, Recalled, Refused
from safeconduct._core.endpoints.routing import Body, Endpoints
from safeconduct._core.error_responses import ErrorResponses
from safeconduct._core.event_dispatcher import report_fault
from safeconduct._core.fast_path import FastPath
from safeconduct._core.requirement import Requirement
from safeconduct._core.route_memory import RouteMemory
from safeconduct._http.nesting import proofs_in
from safeconduct._http.paths import clean_path, readings_of
from safeconduct._http.request import Reply, Request, Route
from safeconduct.errors import AuthError, RevokedToken, Unavailable
from safeconduct.events import Event, RemoteUserOmitted, Unsupported
from safeconduct.principal import Principal


class Gate:
    """
    Decide about every request of one application, behind WSGI or ASGI.

    Args:
        policy: Says what a request must bring.
        authenticator: Finds out who sent a request.
        new_fast_path: Makes the fast path, given the routes on which it may be taken.
        error_responses: Turns errors into replies.
        endpoints: Serves our own paths.
        connection_checks: Decides how long connections may go on.
        continuation: Leads navigations to ``…/continue``; None where nothing does.
        announce: Tells the listeners.
        release: Closes the store's connections of the running event loop.
    """

    def __init__(  # noqa: PLR0913 - the parts of a decision
        self,
        *,
        policy: Policy,
        authenticator: Authenticator,
        new_fast_path: Callable[[Mapping[Route, Requirement]], FastPath],
        error_responses: ErrorResponses,
        endpoints: Endpoints,
        connection_checks: ConnectionChecks,
        continuation: Continuation | None,
        announce: Callable[[Event], None],
        release: Callable[[], Awaitable[None]],
    ) -> None:
        self.connection_checks = connection_checks
        #: Whether any rule wants responses to be watched.
        self.has_long_lived = policy.has_long_lived
        self.hidden_cookies = authenticator.sources.hidden_cookies
        answer = error_responses.answer
        self.answer = answer if continuation is None else continuation.answering(answer)
        self._continuation = continuation
        self.release = release
        self.policy = policy
        self.authenticator = authenticator
        self._bearer = authenticator.bearer
        self._validity = authenticator.validity
        self._clock = authenticator.bearer.clock
        #: What passes where there is no request: a caller without a credential.
        self.anonymous = authenticator.anonymous_results.no_credential
        self.endpoints = endpoints
        self.announce = announce
        self._is_closed = False
        self._routes = RouteMemory()
        #: The remembered routes on which the fast path may be taken.
        self._closed_routes = self._routes.closed
        self.fast_path = new_fast_path(self._closed_routes)
        self._is_unsupported = False
        #: The issuers for which a ``RemoteUserOmitted`` was announced.
        self._omitted_issuers: set[str] = set()

    def begin(self) -> None:
        """Begin what needs time before the first request: the local view is loaded."""
        self._validity.begin_view()

    def own_passed(self, found: object) -> Passed | None:
        """Return *found* if it is a ``Passed`` of the same ``Auth``; else None."""
        return found if isinstance(found, Passed) and found.owner is self._bearer.owner else None

    def outer_passed(self, raw: Mapping[str, Any]) -> Passed | None:
        """Return what an outer middleware of the same ``Auth`` has left in *raw*; None where there is none."""
        owned = (self.own_passed(left) for left in proofs_in(raw))
        return next((passed for passed in owned if passed is not None), None)

    def endpoints_root(self, request: Request) -> str:
        """Return the mount prefix below which our endpoints are: that of the outermost middleware of this ``Auth``."""
        return request.endpoints_root(self._bearer.owner)

    def owns(self, request: Request) -> bool:
        """Say whether *request* is for one of our own paths, to be answered by ``serve``."""
        # A closed route never is one of them.
        return request.route not in self._closed_routes and self.endpoints.owns(request.method, request.path)

    @within_one_budget
    async def verify(self, token: str) -> Principal:
        """
        Check a token that did not come with a request: everything except a route's requirement.

        Raises:
            InvalidToken: If anything about it is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        if self._is_closed:
            raise Unavailable("closed")
        return await self.authenticator.verify(token, now=self._clock())

    @within_one_budget
    async def serve(self, request: Request, body: Body, query: bytes = b"") -> Reply:
        """
        Answer a request for one of our own paths.

        Args:
            request: The request as it came.
            body: Reads the request's body.
            query: The query string, without the question mark.
        """
        if self._is_closed:
            return self.answer(Unavailable("closed"), request)
        try:
            clean_path(request.path, request.raw_path, request.root_path)
            return await self.endpoints.serve(request, body, query)
        except AuthError as error:
            return self.answer(error, request)
        except Exception as fault:  # noqa: BLE001 - the last resort: a fault of ours is 503, never half an answer
            return self.answer(self.fault(fault).error, request)

    def close(self) -> None:
        """Let nothing pass any more: every later request is ``Unavailable``."""
        self._is_closed = True
        self._bearer.close()
        self.connection_checks.close()

    @within_one_budget
    async def confirm(self, recalled: Recalled) -> Decision | None:
        """Ask the store about a credential that was recalled; None where the slow path must prove it again."""
        passed = recalled.passed
        try:
            await self._validity.ask(recalled.question, recalled.requirement, now_ms=recalled.now_ms)
        except AuthError as error:
            # A password is proven again where only its remembered proof was revoked.
            is_basic = isinstance(error, RevokedToken) and passed.proof is not None and passed.proof.ambient == "basic"
            return None if is_basic else Refused(error)
        except Exception as fault:  # noqa: BLE001 - the last resort, as in ``decide``
            return self.fault(fault)
        return passed

    @within_one_budget
    async def decide(self, request: Request, outer: Passed | None) -> Decision:
        """
        Take the slow path: decide about *request*.

        The identity of *outer*, see ``outer_passed``, is taken over only if it was proven by the very bytes that this
        request carries here.  The access rules are applied again in any case.
        """
        if self._is_closed:
            return Refused(Unavailable("closed"))
        try:
            now = self._clock()
            requirement = self._requirement(request)
            if request.method == "OPTIONS" and self.policy.passes_preflights and self._is_preflight(request):
                return self.authenticator.anonymous_results.no_credential
            passed = await self.authenticator.identify(request, requirement, outer, now)
            requirement.check(passed.identity, now=now)
            # Nobody is led back to a path that is marked unsafe, see ``Targets``.
            if self._continuation is not None and outer is None and not requirement.is_unsafe:
                await self._continuation.check(passed, request, now=now)
        except AuthError as error:
            return Refused(error)
        except Exception as fault:  # noqa: BLE001 - the last resort: a fault of ours is 503, never a pass (ASVS 16.5.4)
            return self.fault(fault)
        return passed

    def watch(self, passed: Passed, request: Request) -> Watch | None:
        """Return what a connection depends on; None for an ``Anonymous``, whose connections are never cut."""
        identity, proof = passed.identity, passed.proof
        if proof is None or not isinstance(identity, Principal):
            return None
        return Watch(identity, proof, self._requirement(request), request)

    def watches(self, request: Request) -> bool:
        """Say whether a rule wants the response to *request* to be watched."""
        return self._requirement(request).is_long_lived

    def fault(self, fault: Exception) -> Refused:
        """Announce an exception that must not have been raised, and refuse the request that met it."""
        report_fault(self.announce, fault, where="gate")
        return Refused(Unavailable("a fault within the gate"))

    def unsupported(self, reason: str) -> Refused:
        """Refuse a request that this process cannot serve at all; announce *reason*, one sentence, the first time."""
        if not self._is_unsupported:
            self._is_unsupported = True
            self.announce(Unsupported(reason=reason))
        return Refused(Unavailable("an event loop that is not supported"))

    def note_omitted_name(self, passed: Passed) -> None:
        """Announce, once for each issuer, that a user's name cannot be written into ``REMOTE_USER``."""
        identity = passed.identity
        if passed.remote_user is not None or not isinstance(identity, Principal) or identity.remote_user is None:
            return
        if identity.issuer not in self._omitted_issuers:
            self._omitted_issuers.add(identity.issuer)
            self.announce(RemoteUserOmitted(issuer=identity.issuer))

    def _requirement(self, request: Request) -> Requirement:
        requirement = self._closed_routes.get(request.route) or self._routes.get(request.route)
        if requirement is None:
            readings = readings_of(request.path, request.raw_path, request.root_path)
            requirement = self.policy.requirement_of_all(request.method, readings)
            is_ours = self.endpoints.owns(request.method, request.path)
            is_closed = not (requirement.is_open or requirement.is_long_lived or is_ours)
            self._routes.put(request.route, requirement, is_closed=is_closed)
        return requirement

    def _is_preflight(self, request: Request) -> bool:
        # "A CORS-preflight request never includes credentials" — Fetch §3.3.5; a request that has one is no preflight.
        return (
            bool(request.values(b"origin"))
            and bool(request.values(b"access-control-request-method"))
            and not request.values(b"authorization")
            and not self.authenticator.sources.has_cookie(request)
        )


class GateProvider(Protocol):
    """What the adapters need of an ``Auth``."""

    def asgi_gate(self) -> Gate:
        """Return the gate whose ports may suspend."""
        ...

    def wsgi_gate(self) -> Gate:
        """Return the gate whose ports answer at once."""
        ...
