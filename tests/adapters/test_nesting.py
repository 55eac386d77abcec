"""One middleware inside another: the proof is taken over by the same ``Auth`` for the same bytes only."""

import asyncio

import pytest
from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi

from applications import AsgiReport, wsgi_application
from calling import Asked, call_asgi, call_wsgi, environ_of, scope_of
from minting import tokens
from people import Folk
from safeconduct import Auth
from safeconduct.stores import MemoryStore
from stages import configuration, now


class Counting(MemoryStore):
    """A store that counts its questions."""

    __slots__ = ("asked",)

    def __init__(self):
        super().__init__(clock=now, horizon_ms=0, leeway_ms=0)
        self.asked = 0

    async def ask(self, question):
        self.asked += 1
        return await super().ask(question)


def counted(**access):
    """Return an ``Auth`` that remembers nothing, with its counters of questions and of proofs."""
    store = Counting()
    auth = Auth(configuration(tokens={"remembered": 0}, **access), directory=Folk(), clock=now, store=store)
    verify, proofs = auth._workshop._recognition.verify, []

    def count(token, *, now):
        proofs.append(token)
        return verify(token, now=now)

    auth._workshop._recognition.verify = count
    return auth, store, proofs


def request(name="alice", **headers):
    """Return a request of one user."""
    return Asked("GET", "/me", (("authorization", f"Bearer {tokens()[name]}".encode()), *headers.items()), "https")


def through(application, asked):
    """Ask an ASGI application."""
    return asyncio.run(call_asgi(application, scope_of(asked)))


def test_the_inner_one_takes_the_proof_over():
    auth, store, proofs = counted()

    assert "alice" == through(auth.asgi(auth.asgi(AsgiReport())), request()).report["who"]
    assert "alice" == call_wsgi(auth.wsgi(auth.wsgi(wsgi_application)), environ_of(request())).report["who"]
    assert (2, 2) == (store.asked, len(proofs))


def test_wsgi_inside_asgi_by_a2wsgi_is_proven_once():
    auth, store, proofs = counted()

    seen = through(auth.asgi(WSGIMiddleware(auth.wsgi(wsgi_application))), request())

    assert ("alice", 1, 1) == (seen.report["who"], store.asked, len(proofs))


def test_wsgi_inside_asgi_by_asgiref_is_as_safe():
    """That bridge hands nothing on, so that the inner one asks for itself."""
    auth, store, proofs = counted()

    seen = through(auth.asgi(WsgiToAsgi(auth.wsgi(wsgi_application))), request())

    assert "alice" == seen.report["who"]
    assert store.asked in {1, 2}
    assert len(proofs) in {1, 2}


def test_another_one_inside_proves_for_itself():
    outer, _, _ = counted()
    inner, store, proofs = counted()

    seen = through(outer.asgi(inner.asgi(AsgiReport())), request())

    assert ("alice", 1, 1) == (seen.report["who"], store.asked, len(proofs))


@pytest.mark.parametrize("name", ["bob", "expired"])
def test_other_bytes_are_proven_anew(name):
    """Whoever changes the credential in between changes who is asking."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def between(scope, receive, send):
        fields = [(b"authorization", f"Bearer {tokens()[name]}".encode())]
        await inner({**scope, "headers": fields}, receive, send)

    seen = through(auth.asgi(between), request())

    assert (None if name == "expired" else "bob") == (seen.report and seen.report["who"])


def test_a_credential_that_is_taken_away_is_gone():
    """The proof alone is no credential."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def between(scope, receive, send):
        await inner({**scope, "headers": []}, receive, send)

    assert 401 == through(auth.asgi(between), request()).status


def test_the_inner_rules_are_asked():
    """By its own paths: what is mounted sees another one."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def mounted(scope, receive, send):
        await inner({**scope, "path": "/admin", "root_path": ""}, receive, send)

    assert 403 == through(auth.asgi(mounted), request()).status


def test_an_inner_one_serves_no_path_of_ours():
    """Only the outermost does; what is mounted is the application's."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def mounted(scope, receive, send):
        await inner({**scope, "path": "/.well-known/jwks.json"}, receive, send)

    assert "alice" == through(auth.asgi(mounted), request()).report["who"]
