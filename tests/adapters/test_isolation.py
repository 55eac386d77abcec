"""Keep identities apart: none crosses into another request, and none stays behind (attack 87)."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from applications import starlette_application
from auth_setups import auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth, current
from safeconduct.asgi import AuthMiddleware
from safeconduct.errors import InsufficientRights
from table_tokens import mint, tokens

USERS = 100
REQUESTS = 10_000


def bearer(name):
    """Return the fields that carry a token of the table."""
    return (("authorization", f"Bearer {tokens()[name]}".encode()),)


@pytest.fixture(scope="module")
def requests():
    """Return a request for each of many users; every tenth is anonymous and for a public path."""

    def request(number):
        if number % 10 == 0:
            return None, SentRequest("GET", "/health", (), "https")
        name = f"user-{number}"
        return name, SentRequest("GET", "/me", (("authorization", f"Bearer {mint(name)}".encode()),), "https")

    return [request(number) for number in range(USERS)]


@pytest.fixture
def auth():
    """Return an ``Auth`` with so small a memory that cold and warm requests mix."""
    return Auth(configuration(tokens={"remembered": 40}), directory=MemoryDirectory(), clock=now)


def test_ten_thousand_interleaved_tasks(auth, requests):
    """Each request waits in the middle, so that others run in between."""

    async def application(scope, _receive, send):
        for _ in range(random.randrange(3)):  # noqa: S311 - an order and no secret
            await asyncio.sleep(0)
        name = getattr(current(), "subject", "")
        assert current() is scope["safeconduct"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-name", name.encode())]})
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": getattr(current(), "subject", "").encode()})

    wrapped = auth.asgi(application)

    async def one(name, request):
        seen = await call_asgi(wrapped, asgi_scope(request))
        assert ((name or "",), (name or "").encode()) == (seen.values("x-name"), seen.body)

    async def everybody():
        for _ in range(REQUESTS // 500):
            await asyncio.gather(*(one(*random.choice(requests)) for _ in range(500)))  # noqa: S311 - an order
        with pytest.raises(LookupError):
            current()

    asyncio.run(everybody())


def test_ten_thousand_requests_in_a_few_threads(auth, requests):
    """A thread serves many users, and a body is produced after the application has returned."""

    def application(environ, start_response):
        name = getattr(environ["safeconduct.identity"], "subject", "")
        assert name == environ.get("REMOTE_USER", "")
        start_response("200 OK", [("X-Name", name)])
        return (getattr(current(), "subject", "").encode() for _ in range(1))

    wrapped = auth.wsgi(application)

    def some(seed):
        choose = random.Random(seed)  # noqa: S311 - an order and no secret
        for _ in range(REQUESTS // 8):
            name, request = choose.choice(requests)
            seen = call_wsgi(wrapped, wsgi_environ(request))
            assert ((name or "",), (name or "").encode()) == (seen.values("x-name"), seen.body)
            with pytest.raises(LookupError):
                current()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(some, range(8)))


@pytest.mark.parametrize("when", ["at once", "in the body"])
def test_a_refusal_of_the_application_leaves_nobody_behind(when):
    """An ``AuthError`` is answered, and the thread goes on with another request."""

    def refuse():
        raise InsufficientRights

    def refusing(_environ, _start_response):
        return refuse() if when == "at once" else iter(refuse, None)

    request = SentRequest("GET", "/me", bearer("alice"), "https")

    assert 403 == call_wsgi(auth_for("main").wsgi(refusing), wsgi_environ(request)).status
    with pytest.raises(LookupError):
        current()


def test_a_request_that_breaks_leaves_nobody_behind():
    """The identity is removed whatever the application raises."""

    def broken(_environ, _start_response):
        raise ZeroDivisionError

    async def broken_awaited(_scope, _receive, _send):
        raise ZeroDivisionError

    request = SentRequest("GET", "/me", (("authorization", f"Bearer {tokens()['alice']}".encode()),), "https")
    with pytest.raises(ZeroDivisionError):
        call_wsgi(auth_for("main").wsgi(broken), wsgi_environ(request))
    with pytest.raises(LookupError):
        current()

    async def alone():
        with pytest.raises(ZeroDivisionError):
            await call_asgi(auth_for("main").asgi(broken_awaited), asgi_scope(request))
        with pytest.raises(LookupError):
            current()

    asyncio.run(alone())


@pytest.mark.parametrize("body", [[b"x"], (b"x",), iter([b"x"])], ids=["list", "tuple", "iterator"])
def test_a_body_gives_the_identity_back_when_it_is_closed(body):
    request = SentRequest("GET", "/me", (("authorization", f"Bearer {tokens()['alice']}".encode()),), "https")

    def application(_environ, start_response):
        start_response("200 OK", [])
        return body

    assert b"x" == call_wsgi(auth_for("main").wsgi(application), wsgi_environ(request)).body
    with pytest.raises(LookupError):
        current()


def test_interleaved_bodies_do_not_mix():
    """A response that is never closed, as with a test client, leaves no identity behind either."""

    def application(_environ, start_response):
        start_response("200 OK", [])
        return (current().subject.encode() for _ in range(2))

    wrapped = auth_for("main").wsgi(application)
    alice, root = (
        iter(wrapped(wsgi_environ(SentRequest("GET", "/me", bearer(name), "https")), lambda *_: None))
        for name in ("alice", "admin")
    )

    assert [b"alice", b"root", b"alice", b"root"] == [next(body) for body in (alice, root, alice, root)]
    with pytest.raises(LookupError):
        current()


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_a_body_of_any_kind_sees_the_identity_while_it_is_closed(kind):
    """A list of the application's own may work in ``close``, which a server calls after the response."""
    seen = []

    class Body(kind):
        def close(self):
            seen.append(current().subject)

    def application(_environ, start_response):
        start_response("200 OK", [])
        return Body([b"x"])

    wrapped = auth_for("main").wsgi(application)
    responses = [
        call_wsgi(wrapped, wsgi_environ(SentRequest("GET", "/me", bearer(name), "https"))) for name in ("alice", "bob")
    ]

    assert [b"x"] * 2 == [response.body for response in responses]
    assert ["alice", "bob"] == seen


def test_a_body_that_fails_to_close_gives_it_back():
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"x"])

        def close(self):
            closed.append(current().subject)
            raise ZeroDivisionError

    def application(_environ, start_response):
        start_response("200 OK", [])
        return Body()

    request = SentRequest("GET", "/me", (("authorization", f"Bearer {tokens()['alice']}".encode()),), "https")
    with pytest.raises(ZeroDivisionError):
        call_wsgi(auth_for("main").wsgi(application), wsgi_environ(request))

    assert ["alice"] == closed
    with pytest.raises(LookupError):
        current()


def test_a_connection_carries_nobody_over():
    """Requests of many users on one connection are independent of each other (fault 41)."""
    application = starlette_application()
    application.add_middleware(AuthMiddleware, auth=auth_for("main"))
    alice = SentRequest("GET", "/health", (("authorization", f"Bearer {tokens()['alice']}".encode()),), "https")

    async def both():
        first = await call_asgi(application, asgi_scope(alice))
        second = await call_asgi(application, asgi_scope(replace(alice, headers=())))
        return first.report["who"], second.report["who"]

    assert ("alice", "anonymous") == asyncio.run(both())
