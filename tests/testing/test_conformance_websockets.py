"""Each check of WebSockets fails for an application that has this one hole, and for no other reason."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute

from conforming_apps import NAME, new_auth, plain_asgi, plain_wsgi, site_of
from safeconduct import ConfigurationError
from safeconduct.testing import Clock
from safeconduct.testing.conformance import CHECKS, check_all, in_process, websocket_checks

ACCEPT = {"type": "websocket.accept"}


class Hole:
    """An ASGI application around a protected one, which serves WebSockets in a way of its own."""

    def __init__(self, protected):
        self.app = protected

    async def __call__(self, scope, receive, send):
        await (self.serve if scope["type"] == "websocket" else self.app)(scope, receive, send)

    async def serve(self, scope, receive, send):
        await self.app(scope, receive, send)


class AcceptsTheRefused(Hole):
    """Accept handshakes that the middleware has refused, if they are of some kind."""

    async def serve(self, scope, receive, send):
        async def accept_too(message):
            if message["type"] == "websocket.http.response.start" and self.accepts(dict(scope["headers"])):
                message = ACCEPT
            if message["type"] != "websocket.http.response.body":
                await send(message)

        await self.app(scope, receive, accept_too)


class AcceptsAnonymous(AcceptsTheRefused):
    def accepts(self, headers):
        return not {b"authorization", b"cookie", b"sec-websocket-protocol"} & headers.keys()


class AcceptsAnyToken(AcceptsTheRefused):
    def accepts(self, headers):
        return b"authorization" in headers


class AcceptsAnySubprotocol(AcceptsTheRefused):
    def accepts(self, headers):
        return b"sec-websocket-protocol" in headers


class AcceptsAnyPage(AcceptsTheRefused):
    def accepts(self, headers):
        return b"cookie" in headers and headers.get(b"origin") != NAME.encode()


class ReadsTheQuery(Hole):
    async def serve(self, scope, receive, send):
        if scope["query_string"]:
            token = scope["query_string"].partition(b"=")[2].partition(b"&")[0]
            scope = {**scope, "headers": [*scope["headers"], (b"authorization", b"Bearer " + token)]}
        await self.app(scope, receive, send)


class RefusesWithAnError(Hole):
    """Answer a handshake without a credential as a fault of the application."""

    async def serve(self, scope, receive, send):
        async def as_fault(message):
            await send({**message, "status": 500} if message["type"] == "websocket.http.response.start" else message)

        await self.app(scope, receive, as_fault)


class NeverCloses(Hole):
    async def serve(self, scope, receive, send):
        async def go_on(message):
            if message["type"] != "websocket.close":
                await send(message)

        await self.app(scope, receive, go_on)


class ClosesForAnotherReason(Hole):
    async def serve(self, scope, receive, send):
        async def close_otherwise(message):
            await send({**message, "code": 1000} if message["type"] == "websocket.close" else message)

        await self.app(scope, receive, close_otherwise)


class ReturnsWithoutAWord(Hole):
    async def serve(self, _scope, _receive, _send):
        return


ACCEPTED = "a WebSocket of a signed-in user is accepted"
ANONYMOUS = "a WebSocket without a credential is refused"
BAD_TOKEN = "a WebSocket with a bad token is refused"
QUERY = "a token in the query of a WebSocket is no credential"
FOREIGN = "a WebSocket by cookie from a foreign page is refused"
EXPIRED = "a WebSocket is closed when its token expires"
REVOKED = "a WebSocket is closed when its token is revoked"
ALL = {ACCEPTED, ANONYMOUS, BAD_TOKEN, QUERY, FOREIGN, EXPIRED, REVOKED}
HOLES = {
    "anonymous": (AcceptsAnonymous, {ANONYMOUS, QUERY}),
    "token": (AcceptsAnyToken, {BAD_TOKEN}),
    "subprotocol": (AcceptsAnySubprotocol, {BAD_TOKEN}),
    "query": (ReadsTheQuery, {QUERY}),
    "page": (AcceptsAnyPage, {FOREIGN}),
    "error": (RefusesWithAnError, {ANONYMOUS, BAD_TOKEN, QUERY, FOREIGN}),
    "code": (ClosesForAnotherReason, {EXPIRED, REVOKED}),
    "silence": (ReturnsWithoutAWord, ALL),
}


def failures_of(hole, **options):
    options = {"sources": ["bearer", "cookie", "subprotocol"], **options}
    with new_auth(**options) as auth, site_of(hole(plain_asgi(auth))) as site:
        return dict(check_all(site).failed)


@pytest.mark.parametrize(("hole", "expected"), HOLES.values(), ids=HOLES)
def test_one_hole_fails_its_checks_alone(hole, expected):
    assert expected == failures_of(hole).keys()


def test_a_websocket_that_stays_open_is_reported(monkeypatch):
    monkeypatch.setattr(websocket_checks, "_PATIENCE_SECONDS", 0)

    assert {
        EXPIRED: "WebSocket /ws, after its token has expired: got an open WebSocket, wanted the close code 4401",
        REVOKED: "WebSocket /ws, after its token was revoked: got an open WebSocket, wanted the close code 4401",
    } == failures_of(NeverCloses)


def test_the_protected_application_has_no_hole():
    """By token and by cookie alone, with a session that goes on while it lives."""
    assert {} == failures_of(Hole)
    assert {} == failures_of(Hole, sources=["cookie"])
    assert {} == failures_of(Hole, sources=["cookie"], sessions={"require_session": True})


def test_websockets_beside_the_middleware_are_found_open():
    """It is around a part of the application, whose ``Auth`` is named."""
    with new_auth(sources=["bearer"]) as auth:
        app = Starlette(routes=[WebSocketRoute("/ws", greet), Mount("/", plain_asgi(auth))])
        with pytest.raises(ConfigurationError, match="pass the Auth, if the middleware is around"):
            site_of(app)
        with site_of(app, auth=auth) as site:
            report = check_all(site)

    assert {ANONYMOUS, BAD_TOKEN, QUERY, EXPIRED, REVOKED} == dict(report.failed).keys()


async def greet(websocket):
    await websocket.accept()
    await websocket.close()


def test_an_application_that_answers_no_handshake_is_reported(monkeypatch):
    class Waits(Hole):
        async def serve(self, _scope, receive, _send):
            await receive()
            await receive()

    monkeypatch.setattr(in_process, "_PATIENCE_SECONDS", 0.01)

    failures = failures_of(Waits)

    assert ALL == failures.keys()
    assert "WebSocket /ws: got neither an accept nor a refusal, wanted one of them" == failures[ACCEPTED]


def test_an_application_that_fails_is_not_taken_for_one_that_refuses():
    class Fails(Hole):
        async def serve(self, _scope, _receive, _send):
            raise LookupError("no database")

    with new_auth() as auth, site_of(Fails(plain_asgi(auth))) as site, pytest.raises(LookupError, match="no database"):
        check_all(site)


def test_an_application_that_does_not_end_with_its_client_is_cancelled():
    ends = []

    class Waits(Hole):
        async def serve(self, scope, receive, send):
            try:
                await self.app(scope, receive, send)
                await asyncio.Event().wait()
            finally:
                ends.append("ended")

    with new_auth() as auth, site_of(Waits(plain_asgi(auth))) as site:
        next(check for check in CHECKS if check.says == ACCEPTED)(site)

    assert ["ended"] == ends


def skip_of(check, site):
    """Return why *check* is skipped."""
    return dict(check_all(site).skipped)[check]


@pytest.mark.parametrize(
    ("make", "options", "more", "check", "reason"),
    [
        (plain_wsgi, {}, {}, ACCEPTED, "a WSGI application has no WebSockets"),
        (plain_asgi, {}, {"websocket": None}, ACCEPTED, "no path was given that accepts WebSockets"),
        (plain_asgi, {"clock": Clock().__call__}, {}, EXPIRED, "the time cannot be moved: the Auth was made without"),
        (plain_asgi, {"sources": ["bearer"]}, {}, FOREIGN, "sources must include \"cookie\", got ['bearer']"),
        (plain_asgi, {"revocation": {"consistency": "none"}}, {}, REVOKED, "revocations are not checked"),
    ],
    ids=["wsgi", "path", "clock", "cookie", "revocation"],
)
def test_a_check_that_does_not_apply_is_skipped_with_its_reason(make, options, more, check, reason):
    with new_auth(**options) as auth, site_of(make(auth), **more) as site:
        assert skip_of(check, site).startswith(reason)
