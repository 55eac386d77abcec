"""
The gate: one request in, one decision out.

::

    Request ──► clean path ──► Requirement               policy, remembered by path
            ──► credential ──► Proof                     recognition, remembered by the credential's bytes
                               Proof ──► not revoked?    the only step that asks somebody
                               Proof ──► own page?       for what a browser sends by itself
                Requirement ◄── Identity                 Passed | Refused

A request that was seen before takes the short way through the two memories.  Nothing here knows which world it is in.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from safeconduct._core.access_rules import Policy
from safeconduct._core.authentication import Authenticator
from safeconduct._core.bearer import BearerAuthenticator, principal_of
from safeconduct._core.budget import within_one_budget
from safeconduct._core.connection_checks import Watch, Watching
from safeconduct._core.credential_sources import Sources
from safeconduct._core.decision import AnonymousResults, Decision, Key, Known, Passed, Refused
from safeconduct._core.endpoints.routing import Body, Endpoints
from safeconduct._core.error_responses import ErrorResponses
from safeconduct._core.opaque import OpaqueTokenResolver
from safeconduct._core.requirement import Requirement
from safeconduct._core.route_memory import RouteMemory
from safeconduct._core.store import View
from safeconduct._core.validity import ValidityCheck
from safeconduct._http.origin import SAFE_METHODS
from safeconduct._http.paths import clean_path, readings_of
from safeconduct._http.request import Reply, Request, Route
from safeconduct.errors import AuthError, Unavailable
from safeconduct.events import Event, Fault, RemoteUserOmitted, Unsupported
from safeconduct.principal import Principal


class Gate:
    """Decides about every request of one application, behind WSGI or ASGI."""

    def __init__(  # noqa: PLR0913 - these are the parts that a gate is made of
        self,
        *,
        policy: Policy,
        sources: Sources,
        recognition: BearerAuthenticator,
        resolution: OpaqueTokenResolver,
        identification: Authenticator,
        validity: ValidityCheck,
        anonymous_results: AnonymousResults,
        view: View,
        answers: ErrorResponses,
        endpoints: Endpoints,
        watching: Watching,
        announce: Callable[[Event], None],
        release: Callable[[], Awaitable[None]],
    ) -> None:
        """
        Keep the parts.

        Args:
            policy: Says what a request must bring.
            sources: Where credentials may come from, and what of them only an own page may send.
            recognition: Proves tokens.
            resolution: Asks the store what opaque ones say.
            identification: Finds out who sent a request.
            validity: Asks whether a proof still counts.
            anonymous_results: Those who are nobody.
            view: Knows some of the store's answers by itself.
            answers: Turns errors into replies.
            endpoints: Our own paths.
            watching: Decides about what goes on.
            announce: Tells the listeners.
            release: Lets go of the connections of this world's running loop.
        """
        self.endpoints = endpoints
        self.watching = watching
        #: Whether any rule wants responses to be watched.
        self.has_long_lived = policy.has_long_lived
        self.hidden_cookies = sources.hidden_cookies
        self.takes_cookies = sources.takes_cookies
        self.answer = answers.answer
        self.release = release
        self.policy = policy
        self._sources = sources
        self._recognition = recognition
        self._resolution = resolution
        self._clock = recognition.clock
        self._owner = recognition.owner
        self._identification = identification
        self._validity = validity
        self._view = view
        self._announce = announce
        self._is_closed = False
        self._routes = RouteMemory()
        self._is_unsupported = False
        #: The issuers of whom it was told.
        self._omitting: set[str] = set()
        #: Those among them on which the short way may be taken.
        self._closed_routes = self._routes.closed
        self._anonymous_results = anonymous_results

    def is_inner(self, outer: Passed | None) -> bool:
        """Say whether a middleware of the same ``Auth`` has let this very request through already."""
        return outer is not None and outer.owner is self._owner

    @within_one_budget
    async def verify(self, token: str) -> Principal:
        """
        Check a token that came by no request: everything but a route's requirement.

        Raises:
            InvalidToken: If anything about it is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        if self._is_closed:
            raise Unavailable("closed")
        now = self._clock()
        claims = await self._resolution.resolve(token, now=now)
        if claims is None:
            claims = self._recognition.verify(token, now=now)
            await self._validity.ask(self._recognition.question(claims), None, now_ms=int(now * 1000))
        return principal_of(claims, "bearer")

    @within_one_budget
    async def serve(self, request: Request, body: Body, query: bytes = b"") -> Reply:
        """
        Answer a request for one of our own paths, ``endpoints``.

        Args:
            request: What came.
            body: Reads the request's body.
            query: What stands behind the question mark.
        """
        if self._is_closed:
            return self.answer(Unavailable("closed"), request)
        try:
            clean_path(request.path, request.raw_path, request.root_path)
            return await self.endpoints.serve(request, body, query)
        except AuthError as error:
            return self.answer(error, request)
        except Exception as fault:  # noqa: BLE001 - the last resort: a fault of ours is 503, and no half an answer
            return self.answer(self.fault(fault).error, request)

    def close(self) -> None:
        """Let nothing pass any more: every later request is ``Unavailable``."""
        self._is_closed = True
        self._recognition.close()
        self.watching.close()

    def recall_by_cookie(self, route: Route, line: bytes) -> Passed | None:
        """
        Take the short way with a cookie, where no page is asked whether it is ours.

        Args:
            route: The route of the request.
            line: Its ``Cookie`` fields as one; it has no ``Authorization``, which would count instead.
        """
        requirement = self._closed_routes.get(route)
        if requirement is None or requirement.is_unsafe or route[0] not in SAFE_METHODS:
            return None
        key = self._sources.key_in(line)
        return None if key is None else self.recall(route, key)

    def recall(self, route: Route, field: Key) -> Passed | None:
        """
        Take the short way: let a credential pass on a route where both were seen before; None where that is not so.

        Whatever is unusual, or would be refused, goes the long way, ``decide``.

        Args:
            route: The route of the request.
            field: Its only ``Authorization`` field, or the key of its cookie.
        """
        recognition = self._recognition
        known = recognition.remembered.entries.get(field)
        requirement = self._closed_routes.get(route)
        if known is None or requirement is None:
            return None
        try:
            now = self._clock()
            if (
                now < known.expires_at
                and recognition.fresh_from <= now < recognition.fresh_until
                and (known.version is self._view.version or self._still_holds(known))
                and (not requirement.is_particular or requirement.is_met_by(known.passed.identity, now=now))
            ):
                known.is_used = True
                return known.passed
        except Exception:  # noqa: BLE001 - the long way meets it again, and tells of it
            return None
        return None

    def _still_holds(self, known: Known) -> bool:
        # Read before the look, so that a revocation during the look is seen as a newer version by the next request.
        version = self._view.version
        if not self._view.holds(known.question):
            return False
        known.version = version
        return True

    @within_one_budget
    async def decide(self, request: Request, outer: Passed | None) -> Decision:
        """
        Decide about *request*; *outer* is what another middleware left in it.

        An identity is taken over from *outer* only if the same ``Auth`` proved it by the very bytes that this request
        shows here; the rules are asked again in any case.
        """
        if self._is_closed:
            return Refused(Unavailable("closed"))
        try:
            now = self._clock()
            requirement = self._requirement(request)
            if request.method == "OPTIONS" and self.policy.passes_preflights and self._is_preflight(request):
                return self._anonymous_results.nobody
            passed = await self._identification.identify(request, requirement, outer, now)
            requirement.check(passed.identity, now=now)
        except AuthError as error:
            return Refused(error)
        except Exception as fault:  # noqa: BLE001 - the last resort: a fault of ours is 503, never a pass (ASVS 16.5.4)
            return self.fault(fault)
        return passed

    def watch(self, passed: Passed, request: Request) -> Watch | None:
        """Begin to watch what was let through, where it is somebody's: nobody's never ends."""
        identity, proof = passed.identity, passed.proof
        if proof is None or not isinstance(identity, Principal):
            return None
        return Watch(identity, proof, self._requirement(request), request)

    def watches(self, request: Request) -> bool:
        """Say whether a rule wants whatever is answered to *request* to be watched."""
        return self._requirement(request).is_long_lived

    def fault(self, fault: Exception) -> Refused:
        """Tell of what must not have been raised, and refuse the request that it met."""
        self._announce(Fault(error=type(fault).__name__, where="gate"))
        return Refused(Unavailable("a fault within the gate"))

    def unsupported(self, reason: str) -> Refused:
        """Refuse a request that this process cannot serve at all; tell once why, in one sentence."""
        if not self._is_unsupported:
            self._is_unsupported = True
            self._announce(Unsupported(reason=reason))
        return Refused(Unavailable("an event loop that is not supported"))

    def note_omitted_name(self, passed: Passed) -> None:
        """Tell, once for each issuer, that somebody has a name that cannot stand in ``REMOTE_USER``."""
        identity = passed.identity
        if passed.remote_user is not None or not isinstance(identity, Principal) or identity.remote_user is None:
            return
        if identity.issuer not in self._omitting:
            self._omitting.add(identity.issuer)
            self._announce(RemoteUserOmitted(issuer=identity.issuer))

    def _requirement(self, request: Request) -> Requirement:
        requirement = self._routes.get(request.route)
        if requirement is None:
            readings = readings_of(request.path, request.raw_path, request.root_path)
            requirement = self.policy.requirement_of_all(request.method, readings)
            is_closed = not (requirement.is_open or requirement.is_long_lived or self.endpoints.owns(request.path))
            self._routes.put(request.route, requirement, is_closed=is_closed)
        return requirement

    def _is_preflight(self, request: Request) -> bool:
        # "A CORS-preflight request never includes credentials" — Fetch §3.3.5; whatever has one is no preflight.
        return (
            bool(request.values(b"origin"))
            and bool(request.values(b"access-control-request-method"))
            and not request.values(b"authorization")
            and not self._sources.has_cookie(request)
        )


class GateKeeper(Protocol):
    """What the adapters know of an ``Auth``."""

    def asgi_gate(self) -> Gate:
        """Return the gate whose ports may suspend."""
        ...

    def wsgi_gate(self) -> Gate:
        """Return the gate whose ports answer at once."""
        ...
