"""Read the body of a request to an endpoint: whole, in pieces, broken off, without a length."""

import asyncio
import io
import json

import pytest

from app_client import SentRequest, asgi_messages, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from login_site import LoginSite

SAID = json.dumps({"username": "alice", "password": "wonder"}).encode()
LOGIN = SentRequest("POST", "/auth/login", (("host", b"app.example"), ("content-type", b"application/json")), "https")


class Broken:
    """A stream whose client has gone."""

    def read(self, _size):
        raise OSError("gone")


class Dripping(io.BytesIO):
    """A stream that gives one octet at a time."""

    def read(self, size=-1):
        return super().read(min(size, 1))


@pytest.fixture(scope="module")
def asgi():
    site = LoginSite("asgi")
    yield site
    site.close()


@pytest.fixture(scope="module")
def wsgi():
    site = LoginSite("wsgi")
    yield site
    site.close()


def status_of(site, messages):
    sent = []
    left = iter(messages)

    async def receive():
        message = next(left)
        if isinstance(message, Exception):
            raise message
        return message

    async def send(message):
        sent.append(message)

    asyncio.run(site.application(asgi_scope(LOGIN), receive, send))
    return sent[0]["status"]


def answered(site, stream, **fields):
    environ = wsgi_environ(LOGIN)
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": stream, **fields}
    return call_wsgi(site.application, environ).status


def pieces(body, size):
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in cut]
    return [*messages, {"type": "http.request"}]


@pytest.mark.parametrize("size", [1, 7, len(SAID)])
def test_a_body_in_pieces_is_one(asgi, size):
    assert 200 == status_of(asgi, pieces(SAID, size))


def test_no_more_is_taken_of_a_long_body_than_is_needed(asgi):
    """The body is endless, so reading all of it would exhaust the messages."""
    chunk = {"type": "http.request", "body": b"x" * 4096, "more_body": True}

    assert 413 == status_of(asgi, [chunk] * 5)


def test_a_client_that_leaves_while_it_sends_has_said_nothing(asgi):
    assert 400 == status_of(asgi, [pieces(SAID, 10)[0], {"type": "http.disconnect"}])


def test_a_fault_of_the_server_is_no_fault_of_the_caller(asgi):
    assert 503 == status_of(asgi, [RuntimeError("the server's own")])


@pytest.mark.parametrize("stream", [io.BytesIO, Dripping])
def test_a_stream_is_read_to_the_length_that_was_said(wsgi, stream):
    """The bytes that follow belong to another request."""
    assert 200 == answered(wsgi, stream(SAID + b"POST /"), CONTENT_LENGTH=str(len(SAID)))


def test_without_a_length_there_is_a_body_only_where_the_server_ends_it(wsgi):
    """PEP 3333 does not cover chunks; servers that read them set ``wsgi.input_terminated``."""
    assert 200 == answered(wsgi, io.BytesIO(SAID), **{"wsgi.input_terminated": True})
    assert 400 == answered(wsgi, io.BytesIO(SAID), CONTENT_LENGTH="")


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "0x10", " 5"])
def test_a_length_that_is_no_number_is_refused(wsgi, length):
    assert 400 == answered(wsgi, io.BytesIO(SAID), CONTENT_LENGTH=length)


@pytest.mark.parametrize("stream", [io.BytesIO(SAID[:-1]), Broken()], ids=["short", "broken"])
def test_a_stream_that_ends_too_soon_is_refused(wsgi, stream):
    assert 400 == answered(wsgi, stream, CONTENT_LENGTH=str(len(SAID)))


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_a_form_that_breaks_off_is_no_shorter_form(world, request):
    """What arrived is well-formed and names another password: nothing is compared, and no try is counted."""
    site = request.getfixturevalue(world)
    fields = (("host", b"app.example"), ("content-type", b"application/x-www-form-urlencoded"))
    broken = SentRequest("POST", "/auth/login", fields, "https", b"username=alice&password=" + b"w" * 30, "broken")
    checks = site.directory.checks

    if world == "asgi":
        seen = asyncio.run(call_asgi(site.application, asgi_scope(broken), messages=asgi_messages(broken)))
    else:
        seen = call_wsgi(site.application, wsgi_environ(broken) | {"CONTENT_LENGTH": str(len(broken.body))})

    assert (400, checks) == (seen.status, site.directory.checks)


def test_a_length_beyond_the_bound_is_not_read_to_its_end(wsgi):
    stream = io.BytesIO(b"x" * 100_000)

    assert 413 == answered(wsgi, stream, CONTENT_LENGTH="9" * 30)
    assert stream.tell() < 17_000


@pytest.mark.parametrize("content_type", [b"application/octet-stream", b"application/json", b"text/plain"], ids=repr)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_t4_a_request_without_a_body_has_no_format(world, framing, content_type, request):
    """``post(url)`` of aiohttp sends ``application/octet-stream`` with length 0; missing fields are reported."""
    site = request.getfixturevalue(world)
    fields = (("content-type", content_type), ("origin", b"https://app.example"))
    statuses = []
    for target in ("/auth/logout", "/auth/refresh", "/auth/login"):
        asked = SentRequest("POST", target, (("host", b"app.example"), *fields), "https", b"", framing)
        if world == "asgi":
            statuses.append(asyncio.run(call_asgi(site.application, asgi_scope(asked))).status)
        else:
            more = {} if framing == "chunked" else {"CONTENT_LENGTH": "0"}
            statuses.append(call_wsgi(site.application, wsgi_environ(asked) | more).status)

    bare = [
        site.request("POST", target, [("origin", "https://app.example")]).status
        for target in ("/auth/logout", "/auth/refresh", "/auth/login")
    ]
    assert bare == statuses
    assert 204 == statuses[0]
