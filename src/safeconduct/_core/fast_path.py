"""
Take the fast path: let a request pass whose route and credential were both seen before.

It reads as little of the request as it can, and only ever lets pass what ``Gate.decide`` would let pass.  Where the
store must be asked, the answer decides, see ``Gate.confirm``.  Anything unusual, and anything that would be refused
before that, is left to the slow path.

===================  ==================================================  ===============================================
credential           is recognized by                                    and at each request
===================  ==================================================  ===============================================
a token in           the bytes of the field                              expiry, the age of the last key check,
``Authorization``                                                        revocation, a cut-off of the account, the
                                                                         requirement
a cookie             the bytes of its field without hidden cookies       the same; with an unsafe method or rule also
                                                                         the origin and the CSRF token
a user name and a    a keyed digest of the field                         the same; also TLS, and with an unsafe method
password                                                                 or rule the origin
===================  ==================================================  ===============================================
"""

from collections.abc import Mapping

from safeconduct._core.authentication import Authenticator
from safeconduct._core.continuation import Continuation
from safeconduct._core.cookie_memory import CookieMemory
from safeconduct._core.decision import CachedResult, Key, Passed, Recalled
from safeconduct._core.requirement import Requirement
from safeconduct._core.revocation_query import View
from safeconduct._http.origin import SAFE_METHODS
from safeconduct._http.request import RawRequest, RequestReader, Route
from safeconduct.principal import Principal


class FastPath:
    """
    Let requests pass that were seen before.

    Args:
        routes: The requirements of the routes on which the fast path may be taken, see ``RouteMemory.closed``.
        authenticator: Remembers the credentials that were proven.
        view: Knows without asking the store whether a credential was revoked; None where the store must be asked.
        reader: Reads the requests of this world.
    """

    __slots__ = (
        "_accounts",
        "_basic",
        "_bearer",
        "_clock",
        "_cookies",
        "_is_secure",
        "_page_of",
        "_read_whole",
        "_routes",
        "_unasked",
        "_validity",
        "_view",
        "takes_cookies",
    )

    def __init__(
        self,
        routes: Mapping[Route, Requirement],
        *,
        authenticator: Authenticator,
        view: View | None,
        reader: RequestReader,
    ) -> None:
        self._routes = routes
        self._accounts = authenticator.validity.accounts
        self._basic = authenticator.basic
        self._bearer = authenticator.bearer
        self._clock = authenticator.bearer.clock
        self._view = view
        self._validity = authenticator.validity
        self._unasked = authenticator.validity.unasked
        self._page_of = reader.page_of
        self._is_secure = reader.is_secure
        self._read_whole = reader.whole
        self._cookies = CookieMemory(authenticator.sources, capacity=authenticator.bearer.capacity)
        #: Whether ``recall_by_cookie`` can let anything pass.
        self.takes_cookies = authenticator.sources.takes_cookies

    def recall(
        self, route: Route, key: Key, raw: RawRequest, requirement: Requirement | None = None
    ) -> Passed | Recalled | None:
        """
        Let a credential pass on a route where both were seen before; None where only the slow path can decide.

        Where the store must be asked, the result goes to ``Gate.confirm``.

        Args:
            route: The route of the request.
            key: Its only ``Authorization`` field, or the key of its cookie.
            raw: The request.
            requirement: That of the route, if it was looked up already.
        """
        if requirement is None and (requirement := self._routes.get(route)) is None:
            return None
        bearer, view, accounts = self._bearer, self._view, self._accounts
        try:
            cached = bearer.cache.entries.get(key) or self._recall_pair(requirement, route[0], key, raw)
            if cached is None:
                return None
            now = self._clock()
            if (
                now < cached.expires_at
                and bearer.fresh_from <= now < bearer.fresh_until
                and (not requirement.is_particular or requirement.is_met_by(cached.passed.identity, now=now))
                and (accounts is None or accounts.still_counts(cached, now))
            ):
                cached.is_used = True
                if (
                    view is not None
                    and requirement.consistency in self._unasked
                    and (cached.version is view.version or self._validity.still_holds(view, cached, now))
                ):
                    return cached.passed
                if self._validity.asks(requirement.consistency, cached.question):
                    return Recalled(cached.passed, cached.question, requirement, int(now * 1000))
        except Exception:  # noqa: BLE001 - the slow path meets it again, and reports it
            return None
        return None

    def recall_by_cookie(
        self, route: Route, line: bytes, raw: RawRequest
    ) -> tuple[Passed | Recalled, bytes] | tuple[None, None]:
        """
        Do the same for a request with a cookie and without ``Authorization``.

        Also return the ``Cookie`` fields without the cookies that the application must not see.

        Args:
            route: The route of the request.
            line: Its ``Cookie`` fields, joined.
            raw: The request.
        """
        requirement = self._routes.get(route)
        found = None if requirement is None else self._cookies.find(line)
        if requirement is None or found is None:
            return None, None
        key, rest, is_new = found
        if (requirement.is_unsafe or route[0] not in SAFE_METHODS) and not self._knows_page(key, raw):
            return None, None
        recalled = self.recall(route, key, raw, requirement)
        if recalled is None:
            return None, None
        if is_new:
            self._cookies.remember(key, rest)
        return recalled, rest

    def _knows_page(self, key: str, raw: RawRequest) -> bool:
        cached = self._bearer.cache.entries.get(key)
        try:
            page = self._page_of(raw)
            return page is not None and cached is not None and self._validity.knows_page(cached, page)
        except Exception:  # noqa: BLE001 - as in ``recall``
            return False

    def _recall_pair(self, requirement: Requirement, method: str, key: Key, raw: RawRequest) -> CachedResult | None:
        """Return the result for a remembered user name and password that came over TLS from one of our pages."""
        basic = self._basic
        if basic is None or isinstance(key, str):
            return None
        cached = basic.recall(key, now_ms=int(self._clock() * 1000))
        if cached is None:
            return None
        needs_page = requirement.is_unsafe or method not in SAFE_METHODS
        if needs_page or not basic.is_known_secure(is_secure=self._is_secure(raw)):
            request = self._read_whole(raw)
            basic.require_tls(request)
            self._validity.check_page_of_basic(request, requirement)
        return cached


class ContinuingFastPath(FastPath):
    """
    Leave to the slow path also the navigations that may be redirected to ``…/continue``.

    Args:
        routes: As for ``FastPath``.
        authenticator: As for ``FastPath``.
        view: As for ``FastPath``.
        reader: As for ``FastPath``.
        continuation: Says which navigations those are.
    """

    __slots__ = ("_continuation",)

    def __init__(
        self,
        routes: Mapping[Route, Requirement],
        *,
        authenticator: Authenticator,
        view: View | None,
        reader: RequestReader,
        continuation: Continuation,
    ) -> None:
        super().__init__(routes, authenticator=authenticator, view=view, reader=reader)
        self._continuation = continuation

    def recall_by_cookie(
        self, route: Route, line: bytes, raw: RawRequest
    ) -> tuple[Passed | Recalled, bytes] | tuple[None, None]:
        """Let a request pass as ``FastPath`` does, unless it navigates with a token that is past half-life."""
        found = FastPath.recall_by_cookie(self, route, line, raw)
        recalled = found[0]
        if recalled is None or route[0] != "GET":
            return found
        passed = recalled.passed if isinstance(recalled, Recalled) else recalled
        try:
            proof, principal, now = passed.proof, passed.identity, self._clock()
            cached = None if proof is None else self._bearer.cache.entries.get(proof.credential)
            # In line, since nearly every token is not due.
            if cached is None or (cached.renew_after is not None and now < cached.renew_after):
                return found
            is_redirected = (
                isinstance(principal, Principal)
                and self._continuation.is_due(cached, principal, now)
                and self._continuation.concerns(self._read_whole(raw))
            )
        except Exception:  # noqa: BLE001 - as in ``recall``
            return None, None
        return (None, None) if is_redirected else found
