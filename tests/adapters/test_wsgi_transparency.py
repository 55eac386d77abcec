"""Change nothing that a WSGI application or server sees (PEP 3333)."""

import json
from wsgiref.validate import validator

import pytest
from flask import Flask, Response, stream_with_context

from app_client import SentRequest, call_wsgi, wsgi_environ
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Account, Auth, current, principal
from safeconduct.errors import MissingCredential
from safeconduct.events import RemoteUserOmitted, RequestRefused
from safeconduct.flask import Safeconduct
from table_tokens import IDP, ISSUER, NOW, PARTNER, mint, tokens

ALICE = ("authorization", f"Bearer {tokens()['alice']}".encode())
COOKIE = ("cookie", f"__Host-safeconduct={tokens()['alice']}".encode())
LONG_LIVED = {"access": {"rules": [{"path": "/live", "long_lived": True}]}}


def made(**fields):
    """Return an ``Auth`` with a directory."""
    return Auth(configuration(**fields), directory=MemoryDirectory(alice="correct horse"), clock=now)


def asked(*headers, method="GET", target="/me", scheme="https", **more):
    """Return the environ of one request."""
    return wsgi_environ(SentRequest(method, target, (("host", b"app.example"), *headers), scheme), **more)


class Calls:
    """The server's side of a response: what ``start_response`` got, and what was read."""

    def __init__(self, application, environ):
        self.started, self.is_sent = [], False
        self.body = application(environ, self._start)
        self.chunks = []
        try:
            for chunk in self.body:
                self.chunks.append(chunk)
                self.is_sent = self.is_sent or bool(chunk)
        finally:
            if hasattr(self.body, "close"):
                self.body.close()

    def _start(self, status, headers, exc_info=None):
        if exc_info and self.is_sent:
            raise exc_info[1]
        self.started.append((status, dict(headers)))


@pytest.mark.parametrize("starts_first", [False, True])
def test_a_refusal_is_given_to_the_server_as_an_error_only_in_place_of_a_response(starts_first):
    """PEP 3333 asks for it then; otherwise uWSGI would take the refusal for a fault, and send no body."""
    errors = []

    def application(_environ, start_response):
        if starts_first:
            start_response("200 OK", [])
        principal()

    made().wsgi(application)(asked(target="/health"), lambda *arguments: errors.append(arguments[2:]))

    assert [bool(error) for error in errors] == ([False, True] if starts_first else [False])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("starts_first", [False, True], ids=["before the start", "after the start"])
@pytest.mark.parametrize("empty", [0, 2], ids=["at once", "after empty chunks"])
def test_t2_what_a_generator_raises_before_anything_is_sent_is_answered(method, starts_first, empty):
    """``principal()`` in the first step of a generator is 401 with a challenge."""
    closed = []

    def application(_environ, start_response):
        try:
            if starts_first or empty:
                start_response("200 OK", [("X-A", "1")])
            for _ in range(empty):
                yield b""
            principal()
            yield b"secret"
        finally:
            closed.append(True)

    served = Calls(made().wsgi(application), asked(target="/health", method=method))

    status, headers = served.started[-1]
    assert "401 Unauthorized" == status
    assert headers["Www-Authenticate"]
    assert "X-A" not in headers
    body = b"".join(served.chunks)
    assert b"" == body if method == "HEAD" else json.loads(body)["code"] == "missing_credential"
    assert [True] == closed


def test_t2_what_a_generator_raises_after_something_was_sent_is_raised_again():
    """There can be no second response, so the server breaks the connection."""

    def application(_environ, start_response):
        start_response("200 OK", [])
        yield b"half"
        principal()

    with pytest.raises(MissingCredential):
        Calls(made().wsgi(application), asked(target="/health"))


def test_t2_an_iterable_whose_beginning_raises_is_answered():
    """This holds for iterables that are not generators."""

    class Lazy:
        def __iter__(self):
            principal()

    served = Calls(made().wsgi(lambda _environ, _start: Lazy()), asked(target="/health"))

    assert "401 Unauthorized" == served.started[-1][0]


def test_t2_another_error_of_a_generator_is_the_servers():
    """The error is raised as it would be without the middleware."""

    def application(_environ, _start_response):
        yield from {}["missing"]

    with pytest.raises(KeyError):
        Calls(made().wsgi(application), asked(ALICE))


@pytest.mark.parametrize("times", [1, 3], ids=["cold", "warm"])
@pytest.mark.parametrize("carrier", [ALICE, COOKIE], ids=["header", "cookie"])
@pytest.mark.parametrize("kind", ["list", "generator"])
@pytest.mark.parametrize("target", ["/me", "/live"])
def test_t3_wsgirefs_validator_finds_nothing_on_either_side(times, carrier, kind, target):
    """The validator inside and outside checks the environ, both calls and the body."""

    def application(environ, start_response):
        assert environ["safeconduct.identity"] is current()
        assert "safeconduct" not in environ
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"said"] if kind == "list" else (chunk for chunk in (b"sa", b"id"))

    wrapped = validator(made(**LONG_LIVED).wsgi(validator(application)))

    for _ in range(times):
        seen = call_wsgi(wrapped, dict(asked(carrier, target=target), SERVER_PORT="443"))

    assert (200, b"said") == (seen.status, seen.body)


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", "/me", (), 401),
        ("GET", "/me", (("authorization", b"Bearer x"),), 401),
        ("HEAD", "/me", (), 401),
        ("GET", "/admin/x", (ALICE,), 403),
        ("POST", "/auth/logout", (), 204),
        ("GET", "/auth/login", (), 405),
        ("GET", "/auth/session", (), 200),
    ],
    # Not by the fields: tokens differ each time, and every worker must collect the same names.
    ids=["nobody", "malformed", "head", "forbidden", "logout", "method", "session"],
)
def test_t3_wsgirefs_validator_finds_nothing_in_our_answers(method, target, headers, status):
    """Refusals and endpoints satisfy the validator too."""
    wrapped = validator(made(endpoints={"enabled": True}).wsgi(pytest.fail))

    seen = call_wsgi(wrapped, asked(*headers, method=method, target=target))

    assert status == seen.status


class Sized:
    """An iterable that knows how many chunks it has."""

    def __init__(self, *chunks):
        self._chunks, self.is_closed = chunks, False

    def __len__(self):
        return len(self._chunks)

    def __iter__(self):
        assert "alice" == current().subject
        yield from self._chunks

    def close(self):
        self.is_closed = True


@pytest.mark.parametrize("body", [[b"one"], (b"one",), [], [b"one", b"two"], (b"one", b"two")], ids=repr)
@pytest.mark.parametrize("target", ["/me", "/live"])
def test_t7_a_list_stays_as_long_as_it_is(body, target):
    """A server sets Content-Length for a single chunk, so one chunk or none passes unchanged."""
    application = made(**LONG_LIVED).wsgi(lambda _environ, start: start("200 OK", []) or body)

    served = Calls(application, asked(ALICE, target=target))

    assert (len(body), list(body)) == (len(served.body), served.chunks)
    assert (served.body is body) == (target == "/me" or len(body) < 2)


@pytest.mark.parametrize("target", ["/me", "/live"])
@pytest.mark.parametrize("chunks", [(), (b"one",), (b"one", b"two")], ids=repr)
def test_t7_an_iterable_with_a_length_keeps_it(chunks, target):
    """The generator keeps its identity between its steps."""
    body = Sized(*chunks)
    application = made(**LONG_LIVED).wsgi(lambda _environ, start: start("200 OK", []) or body)

    served = Calls(application, asked(ALICE, target=target))

    assert (len(chunks), list(chunks), True) == (len(served.body), served.chunks, body.is_closed)


def test_t7_an_iterable_without_a_length_has_none():
    """A server asks for the length and must not get a wrong one."""
    application = made().wsgi(lambda _environ, start: start("200 OK", []) or iter([b"one"]))

    served = Calls(application, asked(ALICE))

    assert not hasattr(served.body, "__len__")


def test_t7_a_whole_response_that_is_late_is_refused():
    """The body was complete at once, but after its credential expired: it is checked before it passes."""
    clock = [float(NOW)]
    auth = Auth(configuration(**LONG_LIVED), directory=MemoryDirectory(), clock=lambda: clock[0])

    def application(_environ, start_response):
        start_response("200 OK", [])
        clock[0] += 100_000
        return [b"one"]

    served = Calls(auth.wsgi(application), asked(ALICE, target="/live"))

    assert "401 Unauthorized" == served.started[-1][0]
    assert b"one" not in served.chunks


ODD = ["a\r\nX-Admin: 1", "a\0", "a\x1b[2J", "a\x7f", "a\x85b", "\t"]


def names_of(environ_seen):
    """Return what a WSGI application learns of the name."""
    return environ_seen.get("REMOTE_USER"), environ_seen.get("AUTH_TYPE")


@pytest.mark.parametrize("subject", ODD, ids=repr)
@pytest.mark.parametrize(("issuer", "key"), [(PARTNER, "foreign"), (ISSUER, "own")], ids=["trust", "own"])
def test_a8_a_name_with_control_characters_is_not_passed_on(subject, issuer, key):
    """It would break a header field or a log line; one event reports it for each issuer."""
    seen, heard = {}, []

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[heard.append])
    wrapped = auth.wsgi(application)
    carriers = [
        ("authorization", f"Bearer {mint(subject, by=key, iss=issuer, jti=str(number))}".encode()) for number in (1, 2)
    ]

    statuses = [call_wsgi(wrapped, asked(carrier, REMOTE_USER="admin")).status for carrier in (*carriers, *carriers)]

    assert [200] * 4 == statuses
    assert (None, "bearer") == names_of(seen)
    assert [RemoteUserOmitted(issuer=issuer)] == heard
    assert subject == seen["safeconduct.identity"].subject


def test_a8_an_account_with_control_characters_is_not_passed_on():
    """A name from a directory is treated like one from a token."""
    seen = {}

    class Staff:
        def check(self, _username, _password):
            return Account("root\r\nX-Admin: 1")

        def lookup(self, subject):
            return Account(subject)

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    headers = [(name, value.encode()) for name, value in basic("root", "secret")]
    call_wsgi(Auth(configuration(), directory=Staff(), clock=now).wsgi(application), asked(*headers))

    assert (None, "basic") == names_of(seen)


@pytest.mark.parametrize(
    ("claims", "name", "events"),
    [
        ({"sub": "renée"}, "renée".encode().decode("latin-1"), 0),
        ({"sub": "Ünal Š\u00a0x"}, "Ünal Š\u00a0x".encode().decode("latin-1"), 0),
        ({"sub": "bob", "iss": IDP, "by": "foreign"}, None, 0),
    ],
    ids=["accent", "octets of C1", "no template"],
)
def test_a8_any_other_name_is_passed_on_as_before(claims, name, events):
    """The name is UTF-8 as latin-1 (PEP 3333); without a template there is neither a name nor an event."""
    seen, heard = {}, []

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    claim_values = dict(claims)
    token = mint(claim_values.pop("sub"), by=claim_values.pop("by", "own"), **claim_values)
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[heard.append])
    call_wsgi(auth.wsgi(application), asked(("authorization", f"Bearer {token}".encode())))

    assert (name, "bearer") == names_of(seen)
    assert events == len([event for event in heard if not isinstance(event, RequestRefused)])


def test_t2_a_stream_of_flasks_is_answered_before_its_first_chunk():
    """Flask has started the response, but nothing was sent."""
    app = Flask("streamed")

    @app.get("/health")
    def health():
        def chunks():
            principal()
            yield b"secret"

        return Response(stream_with_context(chunks()), mimetype="text/plain")

    Safeconduct(made()).init_app(app)
    served = Calls(app.wsgi_app, asked(target="/health"))

    status, headers = served.started[-1]
    assert ("401 Unauthorized", "application/problem+json") == (status, headers["Content-Type"])
    assert b"secret" not in served.chunks
