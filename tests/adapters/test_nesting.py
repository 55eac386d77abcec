"""Nest middlewares: a proof is reused only by the same ``Auth`` and for the same bytes."""

import asyncio

import pytest
from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, play, socket_scope, wsgi_environ
from app_reports import AsgiReport, wsgi_application
from auth_setups import configuration, now
from counted_auth import counted
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Auth
from table_tokens import tokens


def request(name="alice", **headers):
    """Return a request of one user."""
    return SentRequest(
        "GET", "/me", (("authorization", f"Bearer {tokens()[name]}".encode()), *headers.items()), "https"
    )


def through(application, sent):
    """Ask an ASGI application."""
    return asyncio.run(call_asgi(application, asgi_scope(sent)))


def test_the_inner_one_takes_the_proof_over():
    auth, store, proofs = counted()

    assert "alice" == through(auth.asgi(auth.asgi(AsgiReport())), request()).report["who"]
    assert "alice" == call_wsgi(auth.wsgi(auth.wsgi(wsgi_application)), wsgi_environ(request())).report["who"]
    assert (2, 2) == (store.queries, len(proofs))


def test_wsgi_inside_asgi_by_a2wsgi_is_proven_once():
    auth, store, proofs = counted()

    seen = through(auth.asgi(WSGIMiddleware(auth.wsgi(wsgi_application))), request())

    assert ("alice", 1, 1) == (seen.report["who"], store.queries, len(proofs))


def test_wsgi_inside_asgi_by_asgiref_is_as_safe():
    """That bridge passes no identity on, so the inner middleware authenticates by itself."""
    auth, store, proofs = counted()

    seen = through(auth.asgi(WsgiToAsgi(auth.wsgi(wsgi_application))), request())

    assert "alice" == seen.report["who"]
    assert store.queries in {1, 2}
    assert len(proofs) in {1, 2}


def test_another_one_inside_proves_for_itself():
    outer, _, _ = counted()
    inner, store, proofs = counted()

    seen = through(outer.asgi(inner.asgi(AsgiReport())), request())

    assert ("alice", 1, 1) == (seen.report["who"], store.queries, len(proofs))


@pytest.mark.parametrize("name", ["bob", "expired"])
def test_other_bytes_are_proven_again(name):
    """Changing the credential in between changes the identity."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def between(scope, receive, send):
        fields = [(b"authorization", f"Bearer {tokens()[name]}".encode())]
        await inner({**scope, "headers": fields}, receive, send)

    seen = through(auth.asgi(between), request())

    assert (None if name == "expired" else "bob") == (seen.report and seen.report["who"])


def test_a_removed_credential_is_not_found():
    """A proof without its credential does not authenticate."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def between(scope, receive, send):
        await inner({**scope, "headers": []}, receive, send)

    assert 401 == through(auth.asgi(between), request()).status


def test_the_inner_rules_are_asked():
    """The rules of a mounted application match the path below the mount."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def mounted(scope, receive, send):
        await inner({**scope, "path": "/admin", "root_path": ""}, receive, send)

    assert 403 == through(auth.asgi(mounted), request()).status


def test_an_inner_one_serves_no_path_of_ours():
    """Only the outermost middleware serves endpoints; the mounted paths belong to the application."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def mounted(scope, receive, send):
        await inner({**scope, "path": "/.well-known/jwks.json"}, receive, send)

    assert "alice" == through(auth.asgi(mounted), request()).report["who"]


OUTSIDE = "/mounted"
SITE = ("origin", b"https://evil.example")
OWN = ("origin", b"https://app.example")


def asgi_in_asgi(auth):
    inner = auth.asgi(AsgiReport())

    async def mounted(scope, receive, send):
        await inner({**scope, "root_path": OUTSIDE}, receive, send)

    return auth.asgi(mounted)


def wsgi_in_wsgi(auth):
    inner = auth.wsgi(wsgi_application)

    def mounted(environ, start_response):
        path = environ["PATH_INFO"].removeprefix(OUTSIDE)
        return inner({**environ, "PATH_INFO": path, "SCRIPT_NAME": OUTSIDE}, start_response)

    return auth.wsgi(mounted)


def wsgi_in_asgi(auth):
    inner = WSGIMiddleware(auth.wsgi(wsgi_application))

    async def mounted(scope, receive, send):
        await inner({**scope, "root_path": OUTSIDE}, receive, send)

    return auth.asgi(mounted)


NESTS = [
    pytest.param(through, asgi_in_asgi, id="asgi in asgi"),
    pytest.param(lambda app, sent: call_wsgi(app, wsgi_environ(sent)), wsgi_in_wsgi, id="wsgi in wsgi"),
    pytest.param(through, wsgi_in_asgi, id="wsgi in asgi"),
]
nests = pytest.mark.parametrize(("ask", "nest"), NESTS)


def to(path, *headers, method="GET"):
    """Return alice's request for a path below the mount; without *headers*, with a token in the header."""
    mine = headers or (("authorization", f"Bearer {tokens()['alice']}".encode()),)
    return SentRequest(method, OUTSIDE + path, (("host", b"app.example"), *mine), "https")


@nests
def test_a4_a_strict_rule_of_the_inner_one_asks_the_store(ask, nest):
    """The outer middleware did not ask the store by its own rules."""
    rules = [{"path": "/strict", "consistency": "strict"}]
    auth, store, _ = counted(access={"public": [], "rules": rules}, revocation={"consistency": "none"})
    application = nest(auth)

    first = ask(application, to("/lax")).status, store.queries
    second = ask(application, to("/strict")).status, store.queries
    auth.sessions.revoke_token("jti-alice")
    revoked, lax = ask(application, to("/strict")), ask(application, to("/lax"))

    assert ((200, 0), (200, 1)) == (first, second)
    assert (401, None) == (revoked.status, revoked.report)
    assert b'"code":"invalid_token"' in revoked.body.replace(b" ", b"")
    assert 200 == lax.status


@nests
@pytest.mark.parametrize(("path", "expected"), [("/there", 1), ("/lax", 0)])
def test_a4_what_a_rule_of_the_outer_one_left_out_the_inner_one_asks(ask, nest, path, expected):
    """The inner middleware asks the store, unless its own rules skip the check as well."""
    rules = [{"path": OUTSIDE + "/{rest...}", "consistency": "none"}, {"path": "/lax", "consistency": "none"}]
    auth, store, _ = counted(access={"public": [], "rules": rules})

    seen = ask(nest(auth), to(path))

    assert ("alice", expected) == (seen.report["who"], store.queries)


@nests
def test_a4_an_unsafe_rule_of_the_inner_one_looks_at_the_page(ask, nest):
    """The cookie comes from a foreign page, and the outer middleware saw a GET."""
    auth, _, _ = counted(access={"public": [], "rules": [{"path": "/unsafe", "unsafe": True}]})
    cookie = ("cookie", f"__Host-safeconduct={tokens()['alice']}".encode())
    application = nest(auth)

    refused = ask(application, to("/unsafe", cookie, SITE))
    passed = ask(application, to("/safe", cookie, SITE)), ask(application, to("/unsafe", cookie, OWN))

    assert (403, None) == (refused.status, refused.report)
    assert b'"code":"cross_site_request"' in refused.body.replace(b" ", b"")
    assert ["alice", "alice"] == [seen.report["who"] for seen in passed]


def test_a4_a_method_that_is_changed_in_between_is_judged_as_it_is():
    """An override turns a safe method into an unsafe one, so the inner middleware checks the origin."""
    auth, _, _ = counted()
    inner = auth.asgi(AsgiReport())

    async def overriding(scope, receive, send):
        await inner({**scope, "method": "DELETE"}, receive, send)

    cookie = ("cookie", f"__Host-safeconduct={tokens()['alice']}".encode())

    assert 403 == through(auth.asgi(overriding), to("/x", cookie, SITE)).status


def test_a4_a_handshake_is_one_persons_all_the_way():
    """The token among the subprotocols takes precedence over a cookie in both middlewares."""
    auth, _, _ = counted()
    seen = []

    async def application(scope, receive, send):
        await receive()
        seen.append((scope["safeconduct"].subject, scope["safeconduct"].scheme))
        await send({"type": "websocket.accept"})

    offered = ("sec-websocket-protocol", b"bearer, " + tokens()["alice"].encode())
    cookie = ("cookie", f"__Host-safeconduct={tokens()['bob']}".encode())

    for nested in (application, auth.asgi(application), auth.asgi(auth.asgi(application))):
        sent = SentRequest("GET", "/me", (("host", b"app.example"), offered, cookie, OWN), "https")
        asyncio.run(play(auth.asgi(nested), socket_scope(sent)))

    assert [("alice", "subprotocol")] * 3 == seen


@pytest.mark.parametrize("bridge", [WSGIMiddleware, WsgiToAsgi])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a4_cookies_in_two_fields_are_one_persons_all_the_way(bridge, order):
    """HTTP/2 splits the field; a bridge to WSGI would join the parts by a comma."""
    auth, _, _ = counted()
    crumbs = [("cookie", f"__Host-safeconduct={tokens()['alice']}".encode()), ("cookie", b"theme=dark")]
    sent = SentRequest("GET", "/me", (("host", b"app.example"), *(crumbs[at] for at in order)), "https")

    seen = through(auth.asgi(bridge(auth.wsgi(wsgi_application))), sent)

    assert "alice" == seen.report["who"]
    assert {"theme=dark", f"__Host-safeconduct={tokens()['alice']}"} == set(seen.report["cookie"].split("; "))


@pytest.mark.parametrize("headers", [basic("alice", "correct horse"), (("authorization", "Bearer {alice}"),)])
def test_a4_an_emptied_header_is_no_credential(headers):
    """This holds whatever the outer middleware proved by it."""
    auth = Auth(configuration(), directory=MemoryDirectory(alice="correct horse"), clock=now)
    inner = auth.wsgi(wsgi_application)

    def emptying(environ, start_response):
        return inner({**environ, "HTTP_AUTHORIZATION": ""}, start_response)

    filled = [(name, value.format(alice=tokens()["alice"]).encode()) for name, value in headers]
    sent = SentRequest("GET", "/me", (("host", b"app.example"), *filled), "https")

    seen = call_wsgi(auth.wsgi(emptying), wsgi_environ(sent))

    assert (401, None) == (seen.status, seen.report)
