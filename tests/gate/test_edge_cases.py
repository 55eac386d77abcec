"""Edge cases of the gate: overrides of a rule, disabled memories, nested sockets, files."""

import asyncio

import pytest

from app_client import SentRequest, call_wsgi, play, socket_scope, wsgi_environ
from app_reports import WORLDS, ask_in
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Auth, requires
from safeconduct.stores import MemoryStore
from table_tokens import NOW, tokens
from worlds import Clock

BEARER = [("authorization", f"Bearer {tokens()['alice']}".encode())]
BASIC = [(name, value.encode()) for name, value in basic("alice", "correct horse")]
SUBPROTOCOL = (("sec-websocket-protocol", f"bearer, {tokens()['alice']}".encode()),)
both = pytest.mark.parametrize("world", WORLDS)


@both
@pytest.mark.parametrize(("path", "expected"), [("/me", 200), ("/strict", 401)])
def test_a_strict_rule_asks_where_nobody_else_does(world, path, expected):
    """A rule's consistency overrides the configuration's, also to be stricter (config.md)."""
    rules = [{"path": "/strict", "consistency": "strict"}]
    auth = Auth(
        configuration(access={"rules": rules}, revocation={"consistency": "none"}),
        directory=MemoryDirectory(),
        clock=now,
    )
    auth.sessions.revoke_subject("alice")

    statuses = [ask_in(world, auth, target=path, headers=BEARER).status for _ in range(3)]

    assert [expected] * 3 == statuses


@both
def test_a_pair_that_is_not_remembered_counts_for_its_request(world):
    """Without a cache every request is compared, and each one passes."""
    directory = MemoryDirectory(alice="correct horse")
    auth = Auth(configuration(basic={"cache_seconds": 0}), directory=directory, clock=now)

    statuses = [ask_in(world, auth, headers=BASIC).status for _ in range(3)]

    assert ([200, 200, 200], 3) == (statuses, directory.checks)


@both
def test_a_pair_is_compared_with_cut_offs_by_the_clock_of_the_store(world):
    """A proof by a process whose clock is ahead still ends with a cut-off."""
    store, directory = MemoryStore(clock=now, horizon_ms=1000, leeway_ms=0), MemoryDirectory(alice="correct horse")
    auth = Auth(configuration(), directory=directory, clock=Clock(NOW + 5.0), store=store)
    before = ask_in(world, auth, headers=BASIC).status
    auth.sessions.revoke_subject("alice")
    del directory.passwords["alice"]

    after = ask_in(world, auth, headers=BASIC).status

    assert (200, 401, 2) == (before, after, directory.checks)


@both
def test_a_long_path_is_judged_and_not_kept(world):
    """Anonymous callers choose paths, which must not fill the memory (fault 29)."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)

    status = ask_in(world, auth, target="/" + "x" * 1200, headers=BEARER).status

    gate = auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()
    assert (200, {}, {}) == (status, gate._routes._fresh, gate._routes._used)


def test_a_socket_within_a_socket_knows_its_subprotocol_token():
    """The outer middleware hides the token, so the inner one uses the proof of their common ``Auth``."""
    auth, other = (Auth(configuration(), directory=MemoryDirectory(), clock=now) for _ in range(2))
    scope = socket_scope(SentRequest("GET", "/me", SUBPROTOCOL, "https"))

    async def application(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})

    own = asyncio.run(play(auth.asgi(auth.asgi(application)), dict(scope)))
    foreign = asyncio.run(play(auth.asgi(other.asgi(application)), dict(scope)))

    assert {"type": "websocket.accept", "subprotocol": "bearer"} == own[0]
    assert 401 == foreign[0]["status"]


def test_a_socket_that_needs_a_better_proof_later_is_closed_as_such():
    """4403: the credential is valid, but the requirement is not met (http.md)."""

    async def application(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        requires(level="multifactor")(lambda: None)()

    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    scope = socket_scope(SentRequest("GET", "/me", tuple(BEARER), "https"))

    sent = asyncio.run(play(auth.asgi(application), scope))

    assert {"type": "websocket.close", "code": 4403, "reason": ""} == sent[-1]


def test_a_file_arrives_at_the_server_as_it_is():
    """A server can send ``wsgi.file_wrapper`` by itself only if it is not wrapped (PEP 3333)."""

    class Wrapper:
        def __init__(self, chunks):
            self.chunks = chunks

        def __iter__(self):
            return iter(self.chunks)

    def application(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"]([b"file"])

    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    bodies = []

    def watched(environ, start_response):
        bodies.append(auth.wsgi(application)(environ, start_response))
        return bodies[-1]

    call_wsgi(watched, wsgi_environ(SentRequest("GET", "/health", (), "https")) | {"wsgi.file_wrapper": Wrapper})

    assert isinstance(bodies[0], Wrapper)


@both
def test_a_token_is_remembered_in_one_spelling(world):
    """Otherwise a user could fill the memory with one token and varying spaces."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    spelt = [[("authorization", b"bearer" + b" " * spaces + tokens()["alice"].encode())] for spaces in range(1, 9)]

    statuses = [ask_in(world, auth, headers=headers).status for headers in spelt]

    assert [200] * 8 == statuses
    assert 1 == len(auth._container.bearer.cache.entries)
