"""
Serve ``POST …/accept``, by which another server hands a browser over to us.

=========================================  ============================================================
the post comes from                        and is answered with
=========================================  ============================================================
an origin of the trust                     a page that posts the token again, from our own origin
our own origin                             a session and 303, or the page that asks which person
any other origin, or none                  403
=========================================  ============================================================

The cookies of this site do not come with a post of another site, so only the second post can decide.  The first one
changes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from safeconduct._core.decision import Clock
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.hand_over.browser_sessions import BrowserSessions
from safeconduct._core.hand_over.confirmation import Confirmations
from safeconduct._core.hand_over.pages import Person, asking_page, posting_page
from safeconduct._core.hand_over.sessions import HandedOverSessions
from safeconduct._core.pages.settings import Targets
from safeconduct._http.fetch_metadata import is_form
from safeconduct._http.origin import Origin
from safeconduct._http.request import Reply, Request
from safeconduct._http.request_body import read_text, require_text
from safeconduct._tokens.claims import Claims
from safeconduct._tokens.hand_over import HandOverVerifier
from safeconduct.errors import CrossSiteRequest, RevokedToken, UnsupportedMediaType
from safeconduct.events import Event, HandOverReused


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What the endpoint works with."""

    verifier: HandOverVerifier
    #: The origins from which each issuer may hand its people over.
    origins: Mapping[str, frozenset[Origin]]
    sessions: HandedOverSessions
    confirmations: Confirmations
    #: Marks a token as used, and says whether this is its first use; raises ``RevokedToken`` if it was revoked.
    use: Callable[[Claims], Awaitable[bool]]
    #: Finds out who is signed in in a browser.
    browser_sessions: BrowserSessions
    own_origin: Origin | None
    request_context: RequestContext
    token_response: TokenResponse
    #: Ends the sessions whose cookies a request brought.
    end_replaced: Callable[[Request], Awaitable[None]]
    #: Finds where a person goes on.
    targets: Targets
    draw_nonce: Callable[[], str]
    clock: Clock
    announce: Callable[[Event], None]


class AcceptEndpoint:
    """
    Receive browsers that another server hands over.

    Args:
        parts: What it works with.
    """

    def __init__(self, parts: Receiver) -> None:
        self._parts = parts

    async def accept(self, call: EndpointCall) -> Reply:
        """
        Prove a hand-over token; from our own origin, open the session of its person.

        Raises:
            CrossSiteRequest: If neither a page of the trust nor one of ours sent it.
            InvalidToken: If the token is not valid, was revoked, or was used before.
            InvalidRequest: If there is no token, or two cookies have one name.
            UnsupportedMediaType: If the body is no form.
            Unavailable: If the store cannot be asked; the token may be used by then, and the browser signed out.
        """
        request, parts = call.request, self._parts
        origin = self._origin_of(request)
        if not is_form(request):
            raise UnsupportedMediaType
        parameters = await call.parameters()
        token, confirmation = require_text(parameters, "token"), read_text(parameters, "confirmation")
        claims = parts.verifier.verify(token, now=parts.clock())
        action = f"{request.root_path}{request.path}"
        if origin is not None:
            if origin not in parts.origins[claims.issuer]:
                raise CrossSiteRequest("the page of another issuer than the token's")
            return posting_page(action, token, nonce=parts.draw_nonce())
        new = Person(claims.issuer, claims.subject)
        seen = await parts.browser_sessions.signed_in(request)
        others = sorted({each.person.text: each.person for each in seen if each.person != new}.items())
        if others and not (confirmation and parts.confirmations.is_made_for(confirmation, token, seen)):
            made = parts.confirmations.make(token, seen)
            return asking_page(action, token, made, present=[person for _, person in others], new=new)
        tokens = await parts.sessions.open(
            claims, parts.request_context.origin(request, "cookie"), begin=lambda: self._begin(request, claims)
        )
        target = parts.targets.of(claims.raw.get("next"), request)
        return parts.token_response.handed_over(tokens, target)

    async def _begin(self, request: Request, claims: Claims) -> None:
        """Mark the token as used, and then sign the browser out: what fails later leaves no session behind."""
        parts = self._parts
        if not await parts.use(claims):
            parts.announce(HandOverReused(issuer=claims.issuer, subject=claims.subject, token_id=claims.token_id))
            raise RevokedToken("a hand-over that was used before")
        await parts.end_replaced(request)

    def _origin_of(self, request: Request) -> Origin | None:
        """Return the origin of a trust that sent *request*; None for our own."""
        values, parts = request.values(b"origin"), self._parts
        if len(values) != 1:
            raise CrossSiteRequest("there is no Origin field, or more than one")
        if values == [b"null"] and request.values(b"sec-fetch-site") == [b"same-origin"]:
            return None
        origin = Origin.from_header(values[0])
        if origin == parts.own_origin:
            return None
        if not any(origin in origins for origins in parts.origins.values()):
            raise CrossSiteRequest("an origin that hands nobody over to us")
        return origin
