"""
Redirect a person's navigation to ``…/continue`` where that may renew or refresh their access token.

Nothing is renewed here: ``…/continue`` does that, and redirects back.

====================================================  =================================================
a navigation (GET) has                                and is redirected
====================================================  =================================================
an access cookie past half-life that can grow         on every path, once the path's requirement is met
no valid access cookie, and a refresh cookie          on every path
no access cookie, and another site began it           where it is refused: a strict cookie is not sent
the cookie of ``…/continue``, or ``Authorization``    never, so that there is no loop
====================================================  =================================================

A speculative request is never redirected: with a token past half-life it passes, otherwise it gets 503.  Nor is that of
a browser without Fetch Metadata, since ``…/continue`` could do nothing for it.
"""

from collections.abc import Callable
from typing import Final

from safeconduct._core.bearer import BearerAuthenticator
from safeconduct._core.decision import CachedResult, Passed
from safeconduct._core.pages.settings import PageSettings
from safeconduct._core.sessions.model import token_half
from safeconduct._core.sessions.session_keys import own_session_id, presented_by
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._http.cookies import find
from safeconduct._http.fetch_metadata import is_page_navigation, is_speculative
from safeconduct._http.paths import target_of
from safeconduct._http.problems import page_url, see_other
from safeconduct._http.request import Reply, Request
from safeconduct.config.cookies import CookieConfig
from safeconduct.errors import (
    AuthError,
    ExpiredToken,
    InvalidRequest,
    InvalidToken,
    MissingCredential,
    NotRenewable,
    Unavailable,
)
from safeconduct.principal import Principal

CONTINUE: Final = "continue"
"""The last segment of the path of the page."""

NEVER: Final = float("inf")

Respond = Callable[[AuthError, Request | None], Reply]
"""Returns the response to a request that is refused."""


class ContinueFirst(InvalidToken):
    """Redirect the navigation to *location*; code that does not know this error answers 401."""

    def __init__(self, location: str) -> None:
        """Keep the *location*."""
        super().__init__("the access token is to be continued first")
        self.location = location


class Continuation:
    """
    Find out which navigations are redirected to ``…/continue``.

    Args:
        settings: Where the pages are; a request for the sign-in page is never redirected.
        cookies: The names of our cookies.
        issuer: Our own issuer, whose tokens have sessions here.
        session_verbs: Returns what knows the sessions.
        bearer: Keeps what is known of a token, and the clock.
    """

    def __init__(
        self,
        settings: PageSettings,
        cookies: CookieConfig,
        *,
        issuer: str | None,
        session_verbs: Callable[[], SessionVerbs],
        bearer: BearerAuthenticator,
    ) -> None:
        self._settings = settings
        self._access, self._refresh = cookies.access.encode(), cookies.refresh.encode()
        self._continued = cookies.continued.encode()
        self._issuer = issuer
        self._session_verbs = session_verbs
        self._bearer = bearer

    def destination(self, error: AuthError, request: Request) -> str | None:
        """Return the path of ``…/continue`` if a refresh may help *request*, which met *error*; else None."""
        if not isinstance(error, (MissingCredential, ExpiredToken)) or not self._may_redirect(request):
            return None
        began_elsewhere = not _has(request, self._access) and request.values(b"sec-fetch-site") == [b"cross-site"]
        return self._path(request) if began_elsewhere or _has(request, self._refresh) else None

    def answering(self, answer: Respond) -> Respond:
        """Return *answer*, which also redirects people to ``…/continue``."""

        def redirect(error: AuthError, request: Request | None) -> Reply:
            if isinstance(error, ContinueFirst):
                return see_other(error.location)
            if request is not None and is_speculative(request) and self.destination(error, request) is not None:
                # What a browser fetched in advance must not be shown as the answer to the click that follows.
                error = Unavailable("a speculative request refreshes nothing")
            return answer(error, request)

        return redirect

    async def check(self, passed: Passed, request: Request, *, now: float) -> None:
        """
        Check that *request*, which has *passed*, may go on as it is.

        Raises:
            ContinueFirst: If its access token is past half-life and can grow, or none came and a refresh may help.
            Unavailable: If the latter is so and the request is speculative.
        """
        identity = passed.identity
        if isinstance(identity, Principal):
            if passed.is_by_cookie and await self._can_grow(passed, identity, request, now):
                self._redirect(request)
        elif (
            identity.reason in {"none", "invalid_token"}
            and _has(request, self._refresh)
            and self._may_redirect(request)
        ):
            if is_speculative(request):
                raise Unavailable("a speculative request refreshes nothing")
            self._redirect(request)

    def is_due(self, cached: CachedResult, principal: Principal, now: float) -> bool:
        """Say whether the token of *principal* is past half-life and, as far as is known, can grow."""
        if cached.renew_after is None:
            cached.renew_after = self._half_of(principal)
        return now >= cached.renew_after

    def concerns(self, request: Request) -> bool:
        """Say whether *request*, whose token is due, is redirected to ``…/continue`` if the token can grow."""
        return self._may_redirect(request) and not is_speculative(request)

    async def _can_grow(self, passed: Passed, principal: Principal, request: Request, now: float) -> bool:
        key = None if passed.proof is None else passed.proof.credential
        cached = None if key is None else self._bearer.cache.get(key)
        is_due = now >= self._half_of(principal) if cached is None else self.is_due(cached, principal, now)
        if not is_due or not self.concerns(request):
            return False
        try:
            status = await self._session_verbs().status(principal)
        except AuthError:
            # Whether the session goes on does not matter here: the token was checked, and may be used until its end.
            return False
        if status.renew_after is None and cached is not None:
            cached.renew_after = NEVER
        return status.renew_after is not None

    def _half_of(self, principal: Principal) -> float:
        """Return the second from which the token may be renewed, if its session lasts longer."""
        try:
            own_session_id(principal, self._issuer)
            presented = presented_by(principal)
        except NotRenewable:
            return NEVER
        return token_half(presented.issued_ms, presented.expires_at)

    def _may_redirect(self, request: Request) -> bool:
        return (
            request.method == "GET"
            and not request.is_websocket
            and is_page_navigation(request)
            and not request.values(b"authorization")
            and not _has(request, self._continued)
            and request.root_path + request.path != self._settings.sign_in_path(request)
            and target_of(request.root_path + request.path, request.query) is not None
        )

    def _redirect(self, request: Request) -> None:
        target = target_of(request.root_path + request.path, request.query)
        raise ContinueFirst(page_url(self._path(request), target=target))

    def _path(self, request: Request) -> str:
        """Return the path of ``…/continue``, with the mount prefix."""
        settings = self._settings
        return f"{request.endpoints_root(settings.owner)}{settings.prefix}/{CONTINUE}"


def _has(request: Request, name: bytes) -> bool:
    """Return whether *request* has a cookie of this name; one that comes twice is there too."""
    try:
        return find(request.values(b"cookie"), name) is not None
    except (InvalidRequest, InvalidToken):
        return True
