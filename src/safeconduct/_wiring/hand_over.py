"""Make what hands browsers over to other servers, and what receives them from those."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routes import accept_route
from safeconduct._core.endpoints.routing import EndpointRoute
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.hand_over.browser_sessions import BrowserSessions
from safeconduct._core.hand_over.confirmation import Confirmations
from safeconduct._core.hand_over.receiving import AcceptEndpoint, Receiver
from safeconduct._core.hand_over.sessions import HandedOverSessions
from safeconduct._core.pages.settings import Targets
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import revocation_key
from safeconduct._core.sessions.stored import StoredSessions
from safeconduct._core.single_use import use_once
from safeconduct._http.origin import Origin
from safeconduct._http.request import Request
from safeconduct._tokens.claims import Claims
from safeconduct._tokens.hand_over import HandOverVerifier
from safeconduct._wiring.world import WorldParts
from safeconduct.config import Trust
from safeconduct.errors import ConfigurationError

_NONCE_BYTES = 16


def accepting_route(
    parts: WorldParts,
    requests: RequestContext,
    replies: TokenResponse,
    end_replaced: Callable[[Request], Awaitable[None]],
    routes: Sequence[EndpointRoute],
) -> EndpointRoute:
    """
    Return the endpoint that receives browsers.

    *routes* are all our endpoints, once they are known: no hand-over leads to one of them.

    Raises:
        ConfigurationError: If there is no store that keeps sessions.
    """
    prefix = parts.container.config.endpoints.prefix
    container, revocations, verbs = parts.container, parts.revocations, parts.session_verbs
    if (
        revocations is None or parts.store.sessions is None or not isinstance(verbs, StoredSessions)
    ):  # pragma: no cover - the configuration and ``why_no_sessions`` refuse it before
        raise ConfigurationError("store: got none, wanted one, since there is a trust with hand_over")
    sessions = HandedOverSessions(verbs.context, parts.store.sessions, revocations)
    origins = {trust.issuer: _origins_of(trust) for trust in container.config.trust if trust.hand_over}
    receiver = Receiver(
        verifier=HandOverVerifier(container.policies, origins),
        origins=origins,
        sessions=sessions,
        confirmations=Confirmations(container.derived_keys),
        use=partial(_use, parts, revocations),
        browser_sessions=BrowserSessions(
            parts.resolver, revocations, container.sources, requests, sessions, clock=container.clock
        ),
        own_origin=container.sources.own_origin,
        request_context=requests,
        token_response=replies,
        end_replaced=end_replaced,
        targets=Targets(routes, container.permissions.policy, shares_paths=not prefix),
        draw_nonce=lambda: secrets.token_urlsafe(_NONCE_BYTES),
        clock=container.clock,
        announce=container.announce,
    )
    return accept_route(prefix, AcceptEndpoint(receiver).accept)


def _origins_of(trust: Trust) -> frozenset[Origin]:
    return frozenset(Origin.from_url(url) for url in trust.hand_over_origins or (trust.issuer,))


async def _use(parts: WorldParts, revocations: Revocations, claims: Claims) -> bool:
    container = parts.container
    return await use_once(
        parts.store,
        revocations,
        container.bearer.question(claims),
        mark=revocation_key("token", claims.issuer, claims.token_id),
        now_ms=int(container.clock() * 1000),
    )
