"""Behind WSGI a response that goes on is looked at before each chunk, and ends with its credential."""

import asyncio
import io
import json

import pytest

from calling import Asked, environ_of
from held import LATER, bearer, carried
from minting import NOW, mint
from safeconduct.errors import AuthError, ExpiredToken, Unavailable
from safeconduct.stores import MemoryStore
from visiting import Place, Visitor

EVENTS = (("content-Type", "text/Event-Stream"),)
RULE = {"access": {"rules": [{"path": "/live", "long_lived": True}]}}


class Scene:
    """A place, and one response of it that is read chunk by chunk."""

    def __init__(self, *headers, application=None, **fields):
        self.headers, self.is_closed, self.started = list(headers), False, []
        self.place = Place("wsgi", app=application or self.chunks, **fields)
        self.application = self.place.auth.wsgi(application or self.chunks)

    def chunks(self, environ, start_response):
        # A dispatcher would do so.
        environ["PATH_INFO"], environ["SCRIPT_NAME"] = "/", environ["PATH_INFO"]
        start_response("200 OK", self.headers)
        return self.numbered()

    def numbered(self):
        try:
            for number in range(9):
                yield b"data: %d\n\n" % number
        finally:
            self.is_closed = True

    def ask(self, *headers, target="/live", method="GET"):
        fields = tuple((name, value.encode()) for name, value in headers)
        self.body = self.application(environ_of(Asked(method, target, fields, "https")), self._start)
        self._chunks = iter(self.body)

    def _start(self, *words):
        self.started.append(words)

    def next(self):
        return next(self._chunks, None)

    def close(self):
        self.body.close()


@pytest.fixture
def make():
    made = []

    def build(*headers, **fields):
        made.append(Scene(*headers, **fields))
        return made[-1]

    yield build
    for scene in made:
        scene.place.close()


def test_a_stream_of_events_ends_with_its_token(make):
    """Whole, as far as it came."""
    scene = make(*EVENTS)
    scene.ask(bearer(mint()))
    first = scene.next()

    scene.place.clock.advance(seconds=LATER)

    assert (b"data: 0\n\n", None) == (first, scene.next())
    scene.close()
    assert scene.is_closed


def test_a_stream_of_events_ends_with_what_it_rests_on(make):
    """Asked again after ``staleness_seconds``, and not before each chunk."""
    scene = make(*EVENTS, revocation={"staleness_seconds": 2.0})
    scene.ask(bearer(mint()))
    scene.next()
    scene.place.auth.sessions.revoke_subject("alice")

    soon = scene.next()
    scene.place.clock.advance(seconds=2)

    assert (b"data: 1\n\n", None) == (soon, scene.next())


def test_a_chunk_that_was_late_is_not_sent(make):
    """It may have been made after the end."""
    scene = make(*EVENTS)
    scene.ask(bearer(mint()))
    scene.next()

    scene.place.clock.advance(seconds=LATER)

    assert scene.next() is None


@pytest.mark.parametrize("fields", [EVENTS, ()], ids=["stream", "rule"])
def test_t2_a_response_that_is_late_before_its_first_chunk_is_refused(make, fields):
    """Nothing was sent yet, so that there is an answer (PEP 3333)."""
    scene = make(*fields, **({} if fields else RULE))
    scene.ask(bearer(mint()))

    scene.place.clock.advance(seconds=LATER)

    assert "invalid_token" == json.loads(scene.next())["code"]
    assert scene.next() is None
    status, headers, (_, error, _) = scene.started[-1]
    assert ("401 Unauthorized", ExpiredToken) == (status, type(error))
    assert "Www-Authenticate" in dict(headers)


def test_a_stream_of_events_goes_on_while_its_session_lives(make):
    scene = make(*EVENTS)
    visitor = Visitor(scene.place)
    visitor.sign_in(remember=True)
    scene.ask(*carried(visitor))
    scene.next()

    scene.place.clock.advance(seconds=LATER)

    assert b"data: 1\n\n" == scene.next()
    visitor.ask("POST", "/auth/logout")
    scene.place.clock.advance(seconds=1)
    assert scene.next() is None


def test_a_download_is_never_cut(make):
    scene = make(("Content-Type", "text/plain"))
    scene.ask(bearer(mint()))
    scene.place.auth.sessions.revoke_subject("alice")

    scene.place.clock.advance(seconds=LATER)

    assert [b"data: %d\n\n" % number for number in range(9)] == [scene.next() for _ in range(9)]


@pytest.mark.parametrize("body", [[b"a", b"b"], None], ids=["list", "generator"])
def test_a_long_lived_response_breaks(body, make):
    """An exception, so that the server breaks the connection and half a response is not taken for a whole one."""
    scene = make(**RULE)
    scene.numbered = (lambda: body) if body else scene.numbered
    scene.ask(bearer(mint()))
    scene.next()

    scene.place.clock.advance(seconds=LATER)

    with pytest.raises(AuthError) as caught:
        scene.next()
    assert "ExpiredToken" == type(caught.value).__name__


def test_h_a_long_lived_response_is_watched_when_its_caller_is_known(make):
    """The short way, which later requests take, watches nothing and is not for such a rule."""
    scene = make(**RULE)
    caller = bearer(mint())
    for _ in range(4):
        scene.ask(caller)
        scene.next()
    scene.place.clock.advance(seconds=LATER)

    with pytest.raises(AuthError) as caught:
        scene.next()

    assert "ExpiredToken" == type(caught.value).__name__


def test_h_a_stream_of_events_with_a_charset_is_watched(make):
    """What follows the type is not looked at."""
    scene = make(("Content-Type", "text/event-stream; charset=utf-8"))
    scene.ask(bearer(mint()))
    scene.next()

    scene.place.clock.advance(seconds=LATER)

    assert scene.next() is None


def test_a_long_lived_stream_of_events_ends_whole(make):
    scene = make(*EVENTS, **RULE)
    scene.ask(bearer(mint()))
    scene.next()

    scene.place.clock.advance(seconds=LATER)

    assert scene.next() is None


def test_a_generator_that_begins_late_is_watched(make):
    """An application may be a generator itself, which begins its response with its first chunk."""

    def application(_environ, start_response):
        start_response("200 OK", list(EVENTS))
        yield b"data: 1\n\n"
        yield b"data: 2\n\n"

    scene = make(application=application)
    scene.ask(bearer(mint()))
    scene.next()

    scene.place.clock.advance(seconds=LATER)

    assert scene.next() is None


def test_nobody_s_stream_never_ends(make):
    scene = make(*EVENTS, access={"public": ["/live"]})
    scene.ask()
    scene.next()

    scene.place.clock.advance(seconds=LATER)

    assert b"data: 1\n\n" == scene.next()


class Suspending(MemoryStore):
    """A store that behaves until it suspends, which none behind WSGI does."""

    error, is_odd = None, False

    async def ask(self, question):
        if self.error is not None:
            raise self.error
        if self.is_odd:
            await asyncio.sleep(0)
        return await super().ask(question)

    def holds(self, question):
        return not self.is_odd and super().holds(question)


@pytest.mark.parametrize("error", [Unavailable("out"), ZeroDivisionError(), None], ids=["out", "faulty", "suspends"])
def test_a_store_that_is_out_ends_a_stream(error, make):
    stores = Suspending(clock=lambda: NOW, horizon_ms=86_400_000, leeway_ms=10_000)
    scene = make(*EVENTS, stores=stores)
    scene.ask(bearer(mint()))
    scene.next()
    scene.place.clock.advance(seconds=10)
    stores.is_odd, stores.error, stores.version = True, error, object()

    assert scene.next() is None
    assert scene.place.events


def test_an_error_after_the_beginning_is_told_as_such(make):
    """A second beginning carries the error, as the server wants it (PEP 3333)."""

    def application(_environ, start_response):
        start_response("200 OK", [])
        raise Unavailable("late")

    scene = make(application=application)
    scene.ask(bearer(mint()))

    assert ["200 OK", "503 Service Unavailable"] == [words[0] for words in scene.started]
    assert [2, 3] == [len(words) for words in scene.started]


def test_a_file_under_a_long_lived_rule_is_read_by_us(make):
    """A server that sends it by itself could not be stopped."""

    class Wrapper:
        def __init__(self, file):
            self.read = iter(lambda: file.read(2), b"")

        def __iter__(self):
            return self.read

    def application(environ, start_response):
        start_response("200 OK", [])
        environ["wsgi.file_wrapper"] = Wrapper
        return Wrapper(io.BytesIO(b"abcd"))

    scene = make(application=application, **RULE)
    scene.ask(bearer(mint()))

    assert b"ab" == scene.next()
    scene.place.clock.advance(seconds=LATER)
    with pytest.raises(AuthError):
        scene.next()


def test_a_long_lived_rule_lets_a_preflight_pass(make):
    scene = make(access={**RULE["access"], "preflights": "pass"})
    scene.ask(("origin", "https://app.example"), ("access-control-request-method", "GET"), method="OPTIONS")

    assert b"data: 0\n\n" == scene.next()
