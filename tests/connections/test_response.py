"""End an event stream or a long-lived response together with its credential (ASGI)."""

import asyncio
import json
from secrets import token_hex

import pytest

from login_site import LoginClient
from open_connections import AFTER_EXPIRY_SECONDS, bearer, cookie_headers, monitored_site, open_request, open_socket
from safeconduct import current, requires
from safeconduct.errors import NotSupported
from table_tokens import LIFETIME_SECONDS, NOW, mint

EVENTS = ((b"Content-Type", b"Text/Event-Stream; charset=utf-8"),)
RULE = {"access": {"rules": [{"path": "/live", "long_lived": True}]}}
REST = {"type": "http.response.body", "body": b"", "more_body": False}


class Feed:
    """An application that sends chunks on demand and records how its response ended."""

    def __init__(self, *headers):
        self.headers = list(headers)
        self.pieces = asyncio.Queue()
        self.errors, self.last, self.extend = [], None, None

    async def __call__(self, scope, receive, send):
        self.extend = scope.get("safeconduct.extend")
        await receive()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            while (piece := await self.pieces.get()) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except (OSError, asyncio.CancelledError) as error:
            self.errors.append(type(error).__name__)
            raise
        finally:
            self.last = current()


class StreamingApp:
    """A site, and a response of it that has begun."""

    def __init__(self, *headers, **fields):
        self.feed = Feed(*headers)
        self.site = monitored_site(self.feed, **fields)

    def open(self, *headers, **more):
        connection = open_request(self.site, *headers, **more)
        assert 200 == connection.next()["status"]
        return connection

    def give(self, piece):
        self.site._runner.run(self.feed.pieces.put(piece))


@pytest.fixture
def make():
    made = []

    def build(*headers, **fields):
        made.append(StreamingApp(*headers, **fields))
        return made[-1]

    yield build
    for app in made:
        app.site.close()


def other_ended(site):
    """Return once all expired connections were cut, which the end of another one shows."""
    name, now = token_hex(4), int(site.clock())
    token = mint("zoe", jti=name, iat=now, iat_ms=now * 1000, exp=now + LIFETIME_SECONDS)
    connection = open_socket(site, bearer(token), application=site.auth.asgi(waiting))
    site.auth.sessions.revoke_token(name)
    assert 4401 == connection.code()


async def waiting(_scope, receive, send):
    """Accept a WebSocket and wait for its end."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


def test_a_stream_of_events_ends_with_its_token(make):
    """The stream ends with a complete body; later chunks of the application are dropped without an error."""
    app = make(*EVENTS)
    connection = app.open(bearer(mint()))
    app.give(b"data: 1\n\n")
    assert b"data: 1\n\n" == connection.next()["body"]

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert REST == connection.next()
    app.give(b"data: 2\n\n")
    assert [] == connection.end()
    assert (["CutOff"], None) == (app.feed.errors, connection.task.exception())


def test_a_stream_of_events_ends_with_its_session(make):
    app = make(*EVENTS)
    client = LoginClient(app.site)
    client.sign_in()
    connection = app.open(*cookie_headers(client))

    client.request("POST", "/auth/logout")

    assert REST == connection.next()


def test_a_stream_of_events_goes_on_while_its_session_lives(make):
    app = make(*EVENTS)
    client = LoginClient(app.site)
    client.sign_in(remember=True)
    connection = app.open(*cookie_headers(client))

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    other_ended(app.site)
    app.give(b"data: 1\n\n")
    assert b"data: 1\n\n" == connection.next()["body"]


def test_what_is_not_watched_is_not_extended(make):
    """An ordinary response is not monitored once it was let through."""
    app = make((b"content-type", b"text/plain"))
    app.open(bearer(mint()))

    with pytest.raises(NotSupported):
        app.site._runner.run(app.feed.extend(mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)))


@pytest.mark.parametrize("rule", [{}, RULE], ids=["of events", "under a rule"])
def test_a_long_response_is_extended(make, rule):
    """Another request found the session extended."""
    app = make(*EVENTS, **rule)
    connection = app.open(bearer(mint()))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    assert "alice" == app.site._runner.run(app.feed.extend(token)).subject
    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    other_ended(app.site)
    app.give(None)
    assert REST["body"] == connection.next()["body"]
    assert [] == connection.end()


def test_an_anonymous_stream_does_not_end(make):
    app = make(*EVENTS, access={"public": ["/live"]})
    connection = app.open()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    other_ended(app.site)
    app.give(None)
    assert [{"type": "http.response.body", "body": b""}] == connection.end()


def test_a_download_is_never_cut(make):
    """This holds whatever else happened to its credential."""
    app = make((b"content-type", b"text/plain"))
    connection = app.open(bearer(mint()))
    app.site.auth.sessions.revoke_subject("alice")

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    other_ended(app.site)
    app.give(b"the rest")
    app.give(None)
    assert [b"the rest", b""] == [message["body"] for message in connection.end()]


def test_a_long_lived_response_breaks(make):
    """The application is cancelled, and the server sees an incomplete response."""
    app = make((b"content-type", b"application/x-ndjson"), **RULE)
    connection = app.open(bearer(mint()))
    app.give(b"{}\n")
    connection.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert [] == connection.end()
    assert (["CancelledError"], None) == (app.feed.errors, connection.task.exception())
    assert "alice" == app.feed.last.subject


def test_h_a_long_lived_response_is_watched_when_its_caller_is_known(make):
    """Such a rule is excluded from the fast path, which monitors nothing."""
    app = make((b"content-type", b"application/x-ndjson"), **RULE)
    caller = bearer(mint())
    for _ in range(3):
        before = app.open(caller)
        app.give(None)
        before.end()
    connection = app.open(caller)

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert [] == connection.end()
    assert ["CancelledError"] == app.feed.errors


def test_a_long_lived_stream_of_events_ends_whole(make):
    app = make(*EVENTS, **RULE)
    connection = app.open(bearer(mint()))

    app.site.auth.sessions.revoke_subject("alice")

    assert [REST] == connection.end()
    assert ["CancelledError"] == app.feed.errors


def test_a_long_lived_response_that_has_not_begun_is_refused(make):
    """It is refused like any other request."""

    async def polling(_scope, receive, _send):
        await receive()
        await asyncio.Event().wait()

    app = make(**RULE)
    connection = open_request(app.site, bearer(mint()), application=app.site.auth.asgi(polling))

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    start, body = connection.end()
    assert (401, "invalid_token") == (start["status"], json.loads(body["body"])["code"])


def test_a_long_lived_response_that_is_done_is_left_alone(make):
    """The application may still have work to do."""
    app = make(**RULE)
    client = LoginClient(app.site)
    client.sign_in()
    connection = app.open(*cookie_headers(client))
    app.give(None)

    assert [{"type": "http.response.body", "body": b""}] == connection.end()
    assert [] == app.feed.errors


@pytest.mark.parametrize("error", [ZeroDivisionError, TimeoutError])
def test_a_long_lived_application_s_fault_is_its_own(error, make):
    async def broken(_scope, _receive, _send):
        raise error

    app = make(**RULE)
    connection = open_request(app.site, bearer(mint()), application=app.site.auth.asgi(broken))

    assert [] == connection.end()
    assert error is type(connection.task.exception())


@pytest.mark.parametrize("fields", [RULE, {}], ids=["long-lived", "ordinary"])
def test_a_missing_right_is_a_response(fields, make):
    @requires(roles=["owner"])
    async def application(_scope, _receive, _send):
        """Never run."""

    app = make(**fields)
    connection = open_request(app.site, bearer(mint()), application=app.site.auth.asgi(application))

    assert 403 == connection.end()[0]["status"]


def test_a_missing_right_later_ends_a_stream(make):
    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": list(EVENTS)})
        requires(roles=["owner"])(lambda: None)()

    app = make()
    connection = app.open(bearer(mint()), application=app.site.auth.asgi(application))

    assert [REST] == connection.end()


def test_a_rule_that_matches_nobody_watches_nobody(make):
    """A preflight passes where that is configured, and is answered as before."""
    app = make(access={**RULE["access"], "preflights": "pass"})
    fields = (("origin", "https://app.example"), ("access-control-request-method", "GET"))

    connection = open_request(app.site, *fields, application=app.site.application, method="OPTIONS")

    assert 200 == connection.next()["status"]
    app.give(None)
    connection.end()


def test_an_inner_middleware_watches_what_the_outer_one_need_not(make):
    """The rule matches the path below the mount, so the outer middleware does not monitor the response."""
    app = make((b"content-type", b"text/plain"), **RULE)

    async def mounted(scope, receive, send):
        await app.site.application({**scope, "root_path": "/app"}, receive, send)

    connection = app.open(bearer(mint()), target="/app/live", application=app.site.auth.asgi(mounted))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    assert "alice" == app.site._runner.run(app.feed.extend(token)).subject
    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    other_ended(app.site)
    app.give(b"1")
    assert b"1" == connection.next()["body"]


@pytest.mark.parametrize("rule", [{}, RULE], ids=["of events", "under a rule"])
def test_an_inner_middleware_of_the_same_auth_is_extended_with_the_outer_one(make, rule):
    """Both middlewares monitor the response, and one call extends it in both."""
    app = make(*EVENTS, **rule)
    connection = app.open(bearer(mint()), application=app.site.auth.asgi(app.site.application))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    app.site._runner.run(app.feed.extend(token))
    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    other_ended(app.site)
    app.give(b"data: 1\n\n")
    assert b"data: 1\n\n" == connection.next()["body"]
    app.site.clock.advance(seconds=3600)
    assert REST == connection.next()
    app.give(b"data: 2\n\n")
    assert [] == connection.end()
