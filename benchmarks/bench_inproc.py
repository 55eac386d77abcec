"""
Measure a request to an application with safeconduct around it, against the application alone, without a server.

    python benchmarks/bench_inproc.py [--quick] [--only asgi|wsgi]

warm    the token is in the cache of verified tokens
cut-off as warm, and the account is compared too (``login.cut_off = "cached"``)
cold    the token is verified again (``tokens.remembered = 0``)
cookie  as warm, with the token in a cookie among others
post    as cookie, a POST with a CSRF token
no-op   Starlette's own middleware with a backend that reads the token and checks nothing
empty   Starlette's own middleware with a backend that does nothing

The store is ``memory://``, and revocation is asked in every request.  The value of the header is a new object in every
request, as with a server, and the view reads the user's name.  Each contender runs in its own process.
"""

import argparse
import asyncio
import io
import json
import secrets
import sys
import time

import rounds
from flask import Flask, Response, request
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route

from safeconduct import Account, Auth, Config
from safeconduct._keys.generate import new_key, new_secrets
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer import Grant
from safeconduct.asgi import AuthMiddleware
from safeconduct.auth import operator_access
from safeconduct.flask import Safeconduct

try:
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop

ALGORITHMS = ("HS256", "ES256", "RS256")
ASGI_WANTED, WSGI_WANTED = 1.30, 1.10
FIELDS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"wrk/4.1"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, br"),
    (b"x-request-id", b"0123456789abcdef"),
    (b"x-forwarded-for", b"10.0.0.1"),
]
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/",
    "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "127.0.0.1:8000",
    "HTTP_USER_AGENT": "wrk/4.1",
    "HTTP_ACCEPT": "*/*",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class NoCheck(AuthenticationBackend):
    """A backend that reads the token, as Starlette's documentation shows, and trusts it."""

    async def authenticate(self, conn):
        scheme, _, token = conn.headers["authorization"].partition(" ")
        assert scheme.lower() == "bearer", token
        return AuthCredentials(["read", "write"]), SimpleUser("user-00000001")


class Empty(AuthenticationBackend):
    """A backend that returns a constant."""

    found = AuthCredentials(["read", "write"]), SimpleUser("user-00000001")

    async def authenticate(self, conn):
        del conn
        return self.found


def auth_and_token(algorithm, remembered, *, cut_off="renewal"):
    """Return an ``Auth``, and a token that it issued."""
    jwk = new_key(algorithm, now=time.time(), randomness=secrets.token_bytes)
    issuer, tokens = "https://api.example.com", {"remembered": remembered, "algorithm": algorithm}
    fields = {"tokens": tokens, "login": {"cut_off": cut_off}, "endpoints": {"enabled": False}}
    auth = Auth(
        Config(store="memory://", issuer=issuer, audience=issuer, keys={"keys": [jwk]}, **fields), directory=AnyUser()
    )
    grant = Grant(subject="user-00000001", scopes=["read", "write"], roles=["clerk"], lifetime_seconds=86400)
    return auth, operator_access(auth).issue(grant, iat_ms=int(time.time() * 1000) + 5)


class AnyUser:
    """A directory that has every user."""

    def check(self, username, password):
        del username, password

    def lookup(self, subject):
        return Account(subject, cut_off=5)


class NoUsers:
    """A directory that is not asked."""

    def check(self, username, password):
        del username, password

    def lookup(self, subject):
        del subject


def signed_in():
    """Return an ``Auth``, the header fields of a browser with a session, and those that its page adds to a POST."""
    issuer = "https://api.example.com"
    keys = [new_key("ES256", now=time.time(), randomness=secrets.token_bytes)]
    keys.append(new_secrets(KeySet.read({"keys": keys}, is_own=True), randomness=secrets.token_bytes))
    login = {"sources": ["bearer", "cookie"], "external_url": issuer, "tokens": {"access_lifetime_seconds": 3600}}
    auth = Auth(
        Config(store="memory://", issuer=issuer, audience=issuer, keys={"keys": keys}, **login), directory=NoUsers()
    )
    tokens = auth.sessions.sign_in(Account("user-00000001", scopes=["read", "write"], roles=["clerk"]))
    cookies = b"theme=dark; __Host-safeconduct=" + tokens.access_token.encode() + b"; __Host-safeconduct-device=AQID"
    return auth, [(b"cookie", cookies)], [(b"x-csrf-token", csrf_token(auth, cookies)), (b"origin", issuer.encode())]


def csrf_token(auth, cookies):
    """Return the token that a page gets from ``GET /auth/session``."""
    environ = ENVIRON | {"PATH_INFO": "/auth/session", "wsgi.url_scheme": "https", "HTTP_COOKIE": cookies.decode()}
    body = b"".join(auth.wsgi(lambda _environ, _start_response: [])(environ, lambda *_: None))
    return json.loads(body)["csrf_token"].encode()


def starlette_app(middleware=(), *, reads_user):
    async def view(request):
        name = request.user.display_name if reads_user else "user-00000001"
        return StarletteResponse(b'{"sub":"' + name.encode() + b'"}', media_type="application/json")

    return Starlette(routes=[Route("/", view, methods=["GET", "POST"])], middleware=list(middleware))


def flask_app(*, reads_user):
    app = Flask("bench")

    @app.route("/", methods=["GET", "POST"])
    def view():
        name = request.environ["REMOTE_USER"] if reads_user else "user-00000001"
        return Response(b'{"sub":"' + name.encode() + b'"}', mimetype="application/json")

    return app


def contender(name):
    """Return the application *name*, and the method and header fields of its requests."""
    world, _, rest = name.partition(" ")
    kind, _, algorithm = rest.partition(" ")
    if kind in {"cookie", "post"}:
        auth, cookies, page = signed_in()
        request = ("GET", cookies) if kind == "cookie" else ("POST", cookies + page)
    else:
        cut_off = "cached" if kind == "cut-off" else "renewal"
        auth, token = auth_and_token(algorithm or "ES256", 0 if kind == "cold" else 10000, cut_off=cut_off)
        request = ("GET", [(b"authorization", b"Bearer " + token.encode())])
    return application(world, kind, auth), *request


def application(world, kind, auth):
    """Return the application of one contender."""
    if kind == "bare":
        return (starlette_app if world == "asgi" else flask_app)(reads_user=False)
    if kind in {"no-op", "empty"}:
        backend = NoCheck() if kind == "no-op" else Empty()
        return starlette_app([Middleware(AuthenticationMiddleware, backend=backend)], reads_user=True)
    if world == "asgi":
        return starlette_app([Middleware(AuthMiddleware, auth=auth)], reads_user=True)
    app = flask_app(reads_user=True)
    Safeconduct(auth).init_app(app)
    return app


def asgi_timed(app, method, fields):
    """Return a function that times requests to *app* on an event loop."""
    loop, statuses = new_event_loop(), set()

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.add(message["status"])

    async def send_requests(times):
        started = time.process_time()
        for _ in range(times):
            scope = {
                "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
                "method": method, "scheme": "http", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
                "state": {}, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
                "headers": [*FIELDS, *[(name, value[:-1] + value[-1:]) for name, value in fields]],
            }  # fmt: skip
            await app(scope, receive, send)
        took = time.process_time() - started
        assert statuses == {200}, statuses
        return took

    asyncio.set_event_loop(loop)
    return lambda times: loop.run_until_complete(send_requests(times))


def wsgi_timed(app, method, fields):
    """Return a function that times requests to *app*."""
    statuses = set()
    named = [("HTTP_" + name.decode().upper().replace("-", "_"), value) for name, value in fields]

    def start_response(status, headers, exc_info=None):
        del headers, exc_info
        statuses.add(status)

    def send_requests(times):
        started = time.process_time()
        for _ in range(times):
            fields_of_request = {name: value.decode("latin-1") for name, value in named}
            body = app({**ENVIRON, "REQUEST_METHOD": method, **fields_of_request}, start_response)
            b"".join(body)
            if hasattr(body, "close"):
                body.close()
        took = time.process_time() - started
        assert statuses == {"200 OK"}, statuses
        return took

    return send_requests


def names_of(world):
    """Return the names of all contenders of one world, the reference first."""
    own = [f"{world} {kind} {algorithm}" for kind in ("warm", "cold") for algorithm in ALGORITHMS]
    own += [f"{world} cookie ES256", f"{world} post ES256", f"{world} cut-off ES256"]
    return [f"{world} bare", *(["asgi no-op", "asgi empty"] if world == "asgi" else []), *own]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    parser.add_argument("--only", choices=["asgi", "wsgi"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        timed = asgi_timed if options.child.startswith("asgi") else wsgi_timed
        rounds.serve(timed(*contender(options.child)))
        return
    for world, wanted in (("asgi", ASGI_WANTED), ("wsgi", WSGI_WANTED)):
        if options.only in {None, world}:
            children = {name: rounds.Child(__file__, "--child", name) for name in names_of(world)}
            figures = rounds.measure(
                children,
                reference=f"{world} bare",
                rounds=40 if options.quick else 400,
                seconds=0.004,
                wanted={f"{world} warm {algorithm}": wanted for algorithm in ALGORITHMS},
            )
            for child in children.values():
                child.close()
            loop = f" on {new_event_loop.__module__.partition('.')[0]}" if world == "asgi" else ""
            rounds.report(f"inproc-{world}", f"A request in process, {world.upper()}{loop}", figures)


if __name__ == "__main__":
    main()
