"""A response that goes on: a stream of events and what a rule calls long-lived end with their credential."""

import asyncio
import json
from secrets import token_hex

import pytest

from held import LATER, asked, bearer, carried, opened, watched_place
from minting import LIFETIME_SECONDS, NOW, mint
from safeconduct import current, requires
from safeconduct.errors import NotSupported
from visiting import Visitor

EVENTS = ((b"Content-Type", b"Text/Event-Stream; charset=utf-8"),)
RULE = {"access": {"rules": [{"path": "/live", "long_lived": True}]}}
REST = {"type": "http.response.body", "body": b"", "more_body": False}


class Feed:
    """An application that answers piece by piece, as it is told to, and keeps what it saw of the end."""

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


class Scene:
    """A place, and a response of it that has begun."""

    def __init__(self, *headers, **fields):
        self.feed = Feed(*headers)
        self.place = watched_place(self.feed, **fields)

    def open(self, *headers, **more):
        held = asked(self.place, *headers, **more)
        assert 200 == held.next()["status"]
        return held

    def give(self, piece):
        self.place._runner.run(self.feed.pieces.put(piece))


@pytest.fixture
def make():
    made = []

    def build(*headers, **fields):
        made.append(Scene(*headers, **fields))
        return made[-1]

    yield build
    for scene in made:
        scene.place.close()


def other_ended(place):
    """Return once everything that is over was cut, as another one tells that was."""
    name, now = token_hex(4), int(place.clock())
    token = mint("zoe", jti=name, iat=now, iat_ms=now * 1000, exp=now + LIFETIME_SECONDS)
    held = opened(place, bearer(token), application=place.auth.asgi(waiting))
    place.auth.sessions.revoke_token(name)
    assert 4401 == held.code()


async def waiting(_scope, receive, send):
    """Accept a socket and wait for its end."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


def test_a_stream_of_events_ends_with_its_token(make):
    """Whole, as far as it came; what the application sends afterwards goes nowhere, and that is no fault."""
    scene = make(*EVENTS)
    held = scene.open(bearer(mint()))
    scene.give(b"data: 1\n\n")
    assert b"data: 1\n\n" == held.next()["body"]

    scene.place.clock.advance(seconds=LATER)

    assert REST == held.next()
    scene.give(b"data: 2\n\n")
    assert [] == held.end()
    assert (["CutOff"], None) == (scene.feed.errors, held.task.exception())


def test_a_stream_of_events_ends_with_its_session(make):
    scene = make(*EVENTS)
    visitor = Visitor(scene.place)
    visitor.sign_in()
    held = scene.open(*carried(visitor))

    visitor.ask("POST", "/auth/logout")

    assert REST == held.next()


def test_a_stream_of_events_goes_on_while_its_session_lives(make):
    scene = make(*EVENTS)
    visitor = Visitor(scene.place)
    visitor.sign_in(remember=True)
    held = scene.open(*carried(visitor))

    scene.place.clock.advance(seconds=LATER)

    other_ended(scene.place)
    scene.give(b"data: 1\n\n")
    assert b"data: 1\n\n" == held.next()["body"]


def test_what_is_not_watched_is_not_extended(make):
    """A response like any other rests on nothing once it was let through."""
    scene = make((b"content-type", b"text/plain"))
    scene.open(bearer(mint()))

    with pytest.raises(NotSupported):
        scene.place._runner.run(scene.feed.extend(mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)))


@pytest.mark.parametrize("rule", [{}, RULE], ids=["of events", "under a rule"])
def test_a_long_response_is_extended(make, rule):
    """By another request, which found it."""
    scene = make(*EVENTS, **rule)
    held = scene.open(bearer(mint()))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    assert "alice" == scene.place._runner.run(scene.feed.extend(token)).subject
    scene.place.clock.advance(seconds=LATER)

    other_ended(scene.place)
    scene.give(None)
    assert REST["body"] == held.next()["body"]
    assert [] == held.end()


def test_nobody_s_stream_never_ends(make):
    scene = make(*EVENTS, access={"public": ["/live"]})
    held = scene.open()

    scene.place.clock.advance(seconds=LATER)

    other_ended(scene.place)
    scene.give(None)
    assert [{"type": "http.response.body", "body": b""}] == held.end()


def test_a_download_is_never_cut(make):
    """Whatever else became of its credential."""
    scene = make((b"content-type", b"text/plain"))
    held = scene.open(bearer(mint()))
    scene.place.auth.sessions.revoke_subject("alice")

    scene.place.clock.advance(seconds=LATER)

    other_ended(scene.place)
    scene.give(b"the rest")
    scene.give(None)
    assert [b"the rest", b""] == [message["body"] for message in held.end()]


def test_a_long_lived_response_breaks(make):
    """The application is cancelled, and the server sees a response that is not whole."""
    scene = make((b"content-type", b"application/x-ndjson"), **RULE)
    held = scene.open(bearer(mint()))
    scene.give(b"{}\n")
    held.next()

    scene.place.clock.advance(seconds=LATER)

    assert [] == held.end()
    assert (["CancelledError"], None) == (scene.feed.errors, held.task.exception())
    assert "alice" == scene.feed.last.subject


def test_h_a_long_lived_response_is_watched_when_its_caller_is_known(make):
    """The short way, which later requests take, watches nothing and is not for such a rule."""
    scene = make((b"content-type", b"application/x-ndjson"), **RULE)
    caller = bearer(mint())
    for _ in range(3):
        before = scene.open(caller)
        scene.give(None)
        before.end()
    held = scene.open(caller)

    scene.place.clock.advance(seconds=LATER)

    assert [] == held.end()
    assert ["CancelledError"] == scene.feed.errors


def test_a_long_lived_stream_of_events_ends_whole(make):
    scene = make(*EVENTS, **RULE)
    held = scene.open(bearer(mint()))

    scene.place.auth.sessions.revoke_subject("alice")

    assert [REST] == held.end()
    assert ["CancelledError"] == scene.feed.errors


def test_a_long_lived_response_that_has_not_begun_is_refused(make):
    """As any other request."""

    async def polling(_scope, receive, _send):
        await receive()
        await asyncio.Event().wait()

    scene = make(**RULE)
    held = asked(scene.place, bearer(mint()), application=scene.place.auth.asgi(polling))

    scene.place.clock.advance(seconds=LATER)

    start, body = held.end()
    assert (401, "invalid_token") == (start["status"], json.loads(body["body"])["code"])


def test_a_long_lived_response_that_is_done_is_left_alone(make):
    """Its application may have more to do."""
    scene = make(**RULE)
    visitor = Visitor(scene.place)
    visitor.sign_in()
    held = scene.open(*carried(visitor))
    scene.give(None)

    assert [{"type": "http.response.body", "body": b""}] == held.end()
    assert [] == scene.feed.errors


@pytest.mark.parametrize("error", [ZeroDivisionError, TimeoutError])
def test_a_long_lived_application_s_fault_is_its_own(error, make):
    async def broken(_scope, _receive, _send):
        raise error

    scene = make(**RULE)
    held = asked(scene.place, bearer(mint()), application=scene.place.auth.asgi(broken))

    assert [] == held.end()
    assert error is type(held.task.exception())


@pytest.mark.parametrize("fields", [RULE, {}], ids=["long-lived", "ordinary"])
def test_what_an_application_lacks_is_an_answer(fields, make):
    @requires(roles=["owner"])
    async def application(_scope, _receive, _send):
        """Never run."""

    scene = make(**fields)
    held = asked(scene.place, bearer(mint()), application=scene.place.auth.asgi(application))

    assert 403 == held.end()[0]["status"]


def test_what_an_application_lacks_later_ends_a_stream(make):
    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": list(EVENTS)})
        requires(roles=["owner"])(lambda: None)()

    scene = make()
    held = scene.open(bearer(mint()), application=scene.place.auth.asgi(application))

    assert [REST] == held.end()


def test_a_rule_that_matches_nobody_watches_nobody(make):
    """A preflight passes where that is switched on, and is answered as before."""
    scene = make(access={**RULE["access"], "preflights": "pass"})
    fields = (("origin", "https://app.example"), ("access-control-request-method", "GET"))

    held = asked(scene.place, *fields, application=scene.place.application, method="OPTIONS")

    assert 200 == held.next()["status"]
    scene.give(None)
    held.end()


def test_an_inner_middleware_watches_what_the_outer_one_need_not(make):
    """The rule is for the path below the mount, and the outer one holds the response for one like any other."""
    scene = make((b"content-type", b"text/plain"), **RULE)

    async def mounted(scope, receive, send):
        await scene.place.application({**scope, "root_path": "/app"}, receive, send)

    held = scene.open(bearer(mint()), target="/app/live", application=scene.place.auth.asgi(mounted))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    assert "alice" == scene.place._runner.run(scene.feed.extend(token)).subject
    scene.place.clock.advance(seconds=LATER)

    other_ended(scene.place)
    scene.give(b"1")
    assert b"1" == held.next()["body"]


@pytest.mark.parametrize("rule", [{}, RULE], ids=["of events", "under a rule"])
def test_an_inner_middleware_of_the_same_auth_is_extended_with_the_outer_one(make, rule):
    """Both watch, and one call reaches both."""
    scene = make(*EVENTS, **rule)
    held = scene.open(bearer(mint()), application=scene.place.auth.asgi(scene.place.application))
    token = mint(jti="longer", exp=NOW + LIFETIME_SECONDS + 3600)

    scene.place._runner.run(scene.feed.extend(token))
    scene.place.clock.advance(seconds=LATER)

    other_ended(scene.place)
    scene.give(b"data: 1\n\n")
    assert b"data: 1\n\n" == held.next()["body"]
    scene.place.clock.advance(seconds=3600)
    assert REST == held.next()
    scene.give(b"data: 2\n\n")
    assert [] == held.end()
