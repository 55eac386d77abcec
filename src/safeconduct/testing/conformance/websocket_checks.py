"""Check that a WebSocket is opened by signed-in users alone, and closed when their token ends."""

from collections.abc import Callable
from typing import Final
from unittest import SkipTest

from safeconduct.testing.conformance.browser import cookie_session
from safeconduct.testing.conformance.check import FOREIGN_PAGES, Check, fields, get, revoke
from safeconduct.testing.conformance.forgeries import FORGERIES, Signer
from safeconduct.testing.conformance.in_process import Fields
from safeconduct.testing.conformance.site import Site

#: The statuses of a refused handshake; a fault of the application is none of them.
_REFUSALS: Final = frozenset({400, 401, 403})
#: The close code of a credential that has ended.
_ENDED: Final = 4401
#: How much longer than the configuration allows a socket may go on in a test on a slow machine.
_PATIENCE_SECONDS: Final = 5


def _path(site: Site) -> str:
    if site.websocket is None:
        raise SkipTest("no path was given that accepts WebSockets")
    return site.websocket


def _user_headers(site: Site, subject: str | None = None) -> Fields:
    """Return the fields of a user's handshake; one by cookie names its page, as a browser does."""
    headers = fields(site.user(subject))
    return headers if headers[0][0] == "Authorization" else (*headers, *site.own_page)


def _expect_refused(site: Site, headers: Fields, *, what: str, query: str = "") -> None:
    path = _path(site)
    with site.connect(get(path, headers, query=query)) as socket:
        if socket.is_accepted or socket.status not in _REFUSALS:
            raise AssertionError(f"WebSocket {path}, {what}: got {socket.status}, wanted a refusal before the accept")


def _user_is_accepted(site: Site) -> None:
    path = _path(site)
    with site.connect(get(path, _user_headers(site))) as socket:
        if not socket.is_accepted:
            raise AssertionError(f"WebSocket {path}, a user's: got {socket.status}, wanted an accept")


def _anonymous_is_refused(site: Site) -> None:
    _expect_refused(site, (), what="without a credential")


def _bad_token_is_refused(site: Site) -> None:
    _user_is_accepted(site)
    sources = site.auth.config.sources
    for name, forge in FORGERIES.items():
        try:
            token = forge(Signer(site.tokens))
        except SkipTest:
            continue
        page = () if "bearer" in sources else site.own_page
        _expect_refused(site, (*fields(site.credential(token)), *page), what=name)
        if "subprotocol" in sources:
            _expect_refused(site, (("sec-websocket-protocol", f"bearer, {token}"),), what=f"{name} as a subprotocol")


def _query_is_no_credential(site: Site) -> None:
    token = Signer(site.tokens).issued()
    _expect_refused(site, (), what="with a token in the query", query=f"access_token={token}&token={token}")


def _foreign_page_is_refused(site: Site) -> None:
    path, (cookie, _) = _path(site), cookie_session(site)
    with site.connect(get(path, (*cookie, *site.own_page))) as socket:
        if not socket.is_accepted:
            raise AssertionError(f"WebSocket {path}, by cookie from our page: got {socket.status}, wanted an accept")
    for said in ((), *((page,) for page in FOREIGN_PAGES)):
        _expect_refused(site, (*cookie, *said), what=f"by cookie with {dict(said) or 'no Origin'}")


def _is_closed_after(site: Site, event: Callable[[str], object], *, what: str) -> None:
    """Open a WebSocket, let *event* happen to its user, and wait for the close."""
    path, subject = _path(site), site.new_subject()
    patience = 2 * site.auth.config.revocation.staleness_seconds + _PATIENCE_SECONDS
    with site.connect(get(path, _user_headers(site, subject))) as socket:
        if not socket.is_accepted:
            raise AssertionError(f"WebSocket {path}, a user's: got {socket.status}, wanted an accept")
        event(subject)
        code = socket.close_code(patience_seconds=patience)
    if code != _ENDED:
        seen = "an open WebSocket" if code is None else str(code)
        raise AssertionError(f"WebSocket {path}, {what}: got {seen}, wanted the close code {_ENDED}")


def _expiry_closes(site: Site) -> None:
    clock, config = site.clock(), site.auth.config
    # A WebSocket by cookie goes on while its session lives.
    lifetime = config.sessions.absolute_lifetime_seconds if "bearer" not in config.sources else 0
    seconds = site.tokens.lifetime_seconds + site.tokens.leeway_seconds + lifetime + 1
    _is_closed_after(site, lambda _: clock.advance(seconds=seconds), what="after its token has expired")


def _revocation_closes(site: Site) -> None:
    _is_closed_after(site, lambda subject: revoke(site, subject), what="after its token was revoked")


WEBSOCKET_CHECKS: Final = (
    Check("a WebSocket of a signed-in user is accepted", _user_is_accepted),
    Check("a WebSocket without a credential is refused", _anonymous_is_refused),
    Check("a WebSocket with a bad token is refused", _bad_token_is_refused),
    Check("a token in the query of a WebSocket is no credential", _query_is_no_credential),
    Check("a WebSocket by cookie from a foreign page is refused", _foreign_page_is_refused),
    Check("a WebSocket is closed when its token expires", _expiry_closes),
    Check("a WebSocket is closed when its token is revoked", _revocation_closes),
)
