"""
Measure a warm request by each kind of credential around an application that does nothing, against a Bearer request.

    python benchmarks/bench_credentials.py [--quick] [--only asgi|wsgi]

bare          the application alone
bearer        an access token in ``Authorization``
cookie GET    the same kind of token in a cookie among others
cookie POST   as before, a POST with the ``Origin`` of one of our pages and a CSRF token: both are checked
fallback POST as before with ``csrf.token = "fallback"``: the CSRF token is not needed then
token POST    a POST without ``Origin`` and ``Sec-Fetch-Site``: the CSRF token decides alone
basic         a user name and a password that were proven before
client        a token that a client of the configuration signed itself
found client  the same where the application finds the client, with the look-up once in ``staleness_seconds``

The application sends an empty response with one field.  The store is ``memory://``; revocation is asked in every
request.  Each contender runs in its own process, and the value of each field is a new object in every request.
"""

import argparse
import logging
import secrets
import time
from base64 import b64encode
from dataclasses import replace

import jwt
import rounds
from bench_inproc import asgi_timed, csrf_token, wsgi_timed

from safeconduct import Account, Auth, Client, Config
from safeconduct._keys.generate import new_key, new_secrets
from safeconduct._keys.keyset import KeySet

ISSUER, PASSWORD = "https://api.example.com", "correct horse battery"
KINDS = ("bearer", "cookie GET", "cookie POST", "fallback POST", "token POST", "basic", "client", "found client")
WANTED = {
    "cookie GET": 1.3,
    "cookie POST": 1.6,
    "fallback POST": 1.6,
    "token POST": 1.6,
    "client": 1.1,
    "found client": 1.1,
}
SECRET = secrets.token_urlsafe(48)
REPORTS = Client(client_id="reports", secret=SECRET)


class OneUser:
    """A directory with one user."""

    def check(self, username, password):
        return Account(username) if password == PASSWORD else None

    def lookup(self, subject):
        return Account(subject)


class OneClient:
    """Clients of an application, which has one."""

    def find(self, client_id):
        return REPORTS if client_id == REPORTS.client_id else None


def client_token():
    """Return a token that the client has signed for an hour."""
    now = int(time.time())
    claims = {"iss": "reports", "sub": "reports", "aud": ISSUER, "iat": now, "exp": now + 3600}
    return jwt.encode(claims, SECRET, "HS256").encode()


def new_auth(*, clients=None, **fields):
    keys = [new_key("ES256", now=time.time(), randomness=secrets.token_bytes)]
    keys.append(new_secrets(KeySet.read({"keys": keys}, is_own=True), randomness=secrets.token_bytes))
    usual = {
        "store": "memory://", "issuer": ISSUER, "audience": ISSUER, "keys": {"keys": keys}, "external_url": ISSUER,
        "sources": ["bearer", "cookie", "basic"], "tokens": {"access_lifetime_seconds": 3600},
        "basic": {"allow_plain_http": True},
    }  # fmt: skip
    return Auth(Config(**usual | fields), directory=OneUser(), clients=clients)


def request_of(kind):
    """Return an ``Auth``, and the method and the header fields of its requests."""
    fields = {"clients": OneClient()} if kind == "found client" else {}
    if kind == "client":
        auth = Auth(replace(new_auth().config, clients=(REPORTS,)), directory=OneUser())
    else:
        auth = new_auth(**fields | ({"csrf": {"token": "fallback"}} if kind == "fallback POST" else {}))
    if kind.endswith("client"):
        return auth, "GET", [(b"authorization", b"Bearer " + client_token())]
    if kind in {"bare", "basic"}:
        return auth, "GET", [(b"authorization", b"Basic " + b64encode(f"alice:{PASSWORD}".encode()))]
    token = auth.sessions.sign_in(Account("alice", scopes=["read", "write"], roles=["clerk"])).access_token.encode()
    if kind == "bearer":
        return auth, "GET", [(b"authorization", b"Bearer " + token)]
    cookies = b"theme=dark; __Host-safeconduct=" + token + b"; __Host-safeconduct-device=AQID"
    fields = [(b"cookie", cookies)]
    if kind != "cookie GET":
        fields.append((b"x-csrf-token", csrf_token(auth, cookies)))
    if kind in {"cookie POST", "fallback POST"}:
        fields += [(b"origin", ISSUER.encode()), (b"sec-fetch-site", b"same-origin")]
    return auth, kind.rpartition(" ")[2], fields


async def asgi_nothing(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def wsgi_nothing(_environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]


def timed(name):
    """Return a function that times the requests of one contender."""
    world, _, kind = name.partition(" ")
    auth, method, fields = request_of(kind)
    if world == "asgi":
        return asgi_timed(asgi_nothing if kind == "bare" else auth.asgi(asgi_nothing), method, fields)
    return wsgi_timed(wsgi_nothing if kind == "bare" else auth.wsgi(wsgi_nothing), method, fields)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    parser.add_argument("--only", choices=["asgi", "wsgi"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        # The warning about plain HTTP is meant for servers.
        logging.getLogger("safeconduct").setLevel(logging.CRITICAL)
        rounds.serve(timed(options.child))
        return
    for world in ("asgi", "wsgi"):
        if options.only in {None, world}:
            names = [f"{world} {kind}" for kind in ("bare", *KINDS)]
            children = {name: rounds.Child(__file__, "--child", name) for name in names}
            figures = rounds.measure(
                children,
                reference=f"{world} bearer",
                rounds=40 if options.quick else 400,
                seconds=0.004,
                wanted={f"{world} {kind}": ratio for kind, ratio in WANTED.items()},
            )
            for child in children.values():
                child.close()
            rounds.report(f"credentials-{world}", f"A warm request by credential, {world.upper()}", figures)


if __name__ == "__main__":
    main()
