"""Check the credential before each chunk of a long WSGI response."""

import asyncio
import io
import json

import pytest

from app_client import SentRequest, wsgi_environ
from login_site import LoginClient, LoginSite
from open_connections import AFTER_EXPIRY_SECONDS, bearer, cookie_headers
from safeconduct.errors import AuthError, ExpiredToken, Unavailable
from safeconduct.stores import MemoryStore
from table_tokens import NOW, mint

EVENTS = (("content-Type", "text/Event-Stream"),)
RULE = {"access": {"rules": [{"path": "/live", "long_lived": True}]}}


class StreamingApp:
    """A site, and one response of it that is read chunk by chunk."""

    def __init__(self, *headers, application=None, **fields):
        self.headers, self.is_closed, self.started = list(headers), False, []
        self.site = LoginSite("wsgi", app=application or self.chunks, **fields)
        self.application = self.site.auth.wsgi(application or self.chunks)

    def chunks(self, environ, start_response):
        # A dispatcher does this.
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
        self.body = self.application(wsgi_environ(SentRequest(method, target, fields, "https")), self._start)
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
        made.append(StreamingApp(*headers, **fields))
        return made[-1]

    yield build
    for app in made:
        app.site.close()


def test_a_stream_of_events_ends_with_its_token(make):
    """The body ends normally."""
    app = make(*EVENTS)
    app.ask(bearer(mint()))
    first = app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert (b"data: 0\n\n", None) == (first, app.next())
    app.close()
    assert app.is_closed


def test_a_stream_of_events_ends_with_what_it_rests_on(make):
    """Before the next chunk, where that is known without asking the store."""
    app = make(*EVENTS, revocation={"staleness_seconds": 2.0})
    app.ask(bearer(mint()))
    app.next()

    app.site.auth.sessions.revoke_subject("alice")

    assert app.next() is None


def test_a_chunk_that_was_late_is_not_sent(make):
    """The chunk may have been produced after the end."""
    app = make(*EVENTS)
    app.ask(bearer(mint()))
    app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert app.next() is None


@pytest.mark.parametrize("fields", [EVENTS, ()], ids=["stream", "rule"])
def test_t2_a_response_that_is_late_before_its_first_chunk_is_refused(make, fields):
    """Nothing was sent yet, so an error response is possible (PEP 3333)."""
    app = make(*fields, **({} if fields else RULE))
    app.ask(bearer(mint()))

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert "invalid_token" == json.loads(app.next())["code"]
    assert app.next() is None
    status, headers, (_, error, _) = app.started[-1]
    assert ("401 Unauthorized", ExpiredToken) == (status, type(error))
    assert "Www-Authenticate" in dict(headers)


def test_a_stream_of_events_goes_on_while_its_session_lives(make):
    app = make(*EVENTS)
    client = LoginClient(app.site)
    client.sign_in(remember=True)
    app.ask(*cookie_headers(client))
    app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert b"data: 1\n\n" == app.next()
    client.request("POST", "/auth/logout")
    app.site.clock.advance(seconds=1)
    assert app.next() is None


def test_a_download_is_never_cut(make):
    app = make(("Content-Type", "text/plain"))
    app.ask(bearer(mint()))
    app.site.auth.sessions.revoke_subject("alice")

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert [b"data: %d\n\n" % number for number in range(9)] == [app.next() for _ in range(9)]


@pytest.mark.parametrize("body", [[b"a", b"b"], None], ids=["list", "generator"])
def test_a_long_lived_response_breaks(body, make):
    """An exception makes the server break the connection, so that half a response does not look complete."""
    app = make(**RULE)
    app.numbered = (lambda: body) if body else app.numbered
    app.ask(bearer(mint()))
    app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    with pytest.raises(AuthError) as caught:
        app.next()
    assert "ExpiredToken" == type(caught.value).__name__


def test_h_a_long_lived_response_is_watched_when_its_caller_is_known(make):
    """Such a rule is excluded from the fast path, which monitors nothing."""
    app = make(**RULE)
    caller = bearer(mint())
    for _ in range(4):
        app.ask(caller)
        app.next()
    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    with pytest.raises(AuthError) as caught:
        app.next()

    assert "ExpiredToken" == type(caught.value).__name__


def test_h_a_stream_of_events_with_a_charset_is_watched(make):
    """Parameters of the content type are ignored."""
    app = make(("Content-Type", "text/event-stream; charset=utf-8"))
    app.ask(bearer(mint()))
    app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert app.next() is None


def test_a_long_lived_stream_of_events_ends_whole(make):
    app = make(*EVENTS, **RULE)
    app.ask(bearer(mint()))
    app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert app.next() is None


def test_a_generator_that_begins_late_is_watched(make):
    """The application may be a generator that starts its response with the first chunk."""

    def application(_environ, start_response):
        start_response("200 OK", list(EVENTS))
        yield b"data: 1\n\n"
        yield b"data: 2\n\n"

    app = make(application=application)
    app.ask(bearer(mint()))
    app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert app.next() is None


def test_an_anonymous_stream_does_not_end(make):
    app = make(*EVENTS, access={"public": ["/live"]})
    app.ask()
    app.next()

    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert b"data: 1\n\n" == app.next()


class Suspending(MemoryStore):
    """A store that starts to suspend, which none may do behind WSGI."""

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
    app = make(*EVENTS, stores=stores)
    app.ask(bearer(mint()))
    app.next()
    app.site.clock.advance(seconds=10)
    stores.is_odd, stores.error, stores.version = True, error, object()

    assert app.next() is None
    assert app.site.events


def test_an_error_after_the_beginning_is_reported_as_such(make):
    """A second ``start_response`` carries the error (PEP 3333)."""

    def application(_environ, start_response):
        start_response("200 OK", [])
        raise Unavailable("late")

    app = make(application=application)
    app.ask(bearer(mint()))

    assert ["200 OK", "503 Service Unavailable"] == [words[0] for words in app.started]
    assert [2, 3] == [len(words) for words in app.started]


def test_a_file_under_a_long_lived_rule_is_read_by_us(make):
    """A server that sends the file by itself could not be stopped."""

    class Wrapper:
        def __init__(self, file):
            self.read = iter(lambda: file.read(2), b"")

        def __iter__(self):
            return self.read

    def application(environ, start_response):
        start_response("200 OK", [])
        environ["wsgi.file_wrapper"] = Wrapper
        return Wrapper(io.BytesIO(b"abcd"))

    app = make(application=application, **RULE)
    app.ask(bearer(mint()))

    assert b"ab" == app.next()
    app.site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)
    with pytest.raises(AuthError):
        app.next()


def test_a_long_lived_rule_lets_a_preflight_pass(make):
    app = make(access={**RULE["access"], "preflights": "pass"})
    app.ask(("origin", "https://app.example"), ("access-control-request-method", "GET"), method="OPTIONS")

    assert b"data: 0\n\n" == app.next()
