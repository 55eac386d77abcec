"""
Measure a request while many tokens are in equal use, against one token, with ``tokens.remembered = 10000``.

    python benchmarks/bench_verified_cache.py [--quick] [--only asgi|wsgi]

The tokens are used in turn, each as a new object, as with a server.  Wanted is 1.2 up to the capacity; above it some
are verified again, which the quartiles show.  The application does nothing, so that only safeconduct and the scope or
environ are measured.
"""

import argparse
import asyncio
import io
import secrets
import time

import rounds

from safeconduct import Auth, Config
from safeconduct._keys.generate import new_key
from safeconduct._tokens.issuer import Grant
from safeconduct.auth import operator_access

CAPACITY = 10_000
COUNTS = (1, 1_000, 5_000, 9_000, 10_000, 11_000)
WANTED = 1.2
ENVIRON = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO()}


def auth_and_fields(count):
    """Return an ``Auth``, and the ``Authorization`` values of *count* tokens that it issued."""
    jwk = new_key("ES256", now=time.time(), randomness=secrets.token_bytes)
    issuer = "https://api.example.com"
    auth = Auth(
        Config(
            store="memory://",
            issuer=issuer,
            audience=issuer,
            keys={"keys": [jwk]},
            tokens={"remembered": CAPACITY, "algorithm": "ES256"},
        )
    )
    issue, now_ms = operator_access(auth).issue, int(time.time() * 1000)
    grants = (Grant(subject=f"user-{number:08}", scopes=["read"], lifetime_seconds=86400) for number in range(count))
    return auth, [b"Bearer " + issue(grant, iat_ms=now_ms + 5).encode() for grant in grants]


def in_turn(fields):
    """Yield each of *fields* in turn, for ever, as new bytes."""
    while True:
        for field in fields:
            yield field[:-1] + field[-1:]


def asgi_timed(count):
    auth, fields = auth_and_fields(count)
    values = in_turn(fields)

    async def view(scope, receive, send):
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    application, loop, statuses = auth.asgi(view), asyncio.new_event_loop(), set()

    async def send(message):
        statuses.add(message.get("status", 200))

    async def send_requests(times):
        started = time.process_time()
        for _ in range(times):
            headers = [(b"host", b"a"), (b"authorization", next(values))]
            await application({"type": "http", "method": "GET", "path": "/", "headers": headers}, None, send)
        took = time.process_time() - started
        assert statuses == {200}, statuses
        return took

    loop.run_until_complete(send_requests(3 * count))
    return lambda times: loop.run_until_complete(send_requests(times))


def wsgi_timed(count):
    auth, fields = auth_and_fields(count)
    values, statuses = in_turn(fields), set()

    def view(environ, start_response):
        del environ
        start_response("200 OK", [])
        return [b""]

    application = auth.wsgi(view)

    def start_response(status, headers, exc_info=None):
        del headers, exc_info
        statuses.add(status)

    def send_requests(times):
        started = time.process_time()
        for _ in range(times):
            application({**ENVIRON, "HTTP_AUTHORIZATION": next(values).decode("latin-1")}, start_response)
        took = time.process_time() - started
        assert statuses == {"200 OK"}, statuses
        return took

    send_requests(3 * count)
    return send_requests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    parser.add_argument("--only", choices=["asgi", "wsgi"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        world, _, count = options.child.partition(" ")
        rounds.serve((asgi_timed if world == "asgi" else wsgi_timed)(int(count)))
        return
    for world in ("asgi", "wsgi"):
        if options.only in {None, world}:
            children = {f"{world} {count}": rounds.Child(__file__, "--child", f"{world} {count}") for count in COUNTS}
            figures = rounds.measure(
                children,
                reference=f"{world} 1",
                rounds=40 if options.quick else 400,
                seconds=0.004,
                wanted={f"{world} {count}": WANTED for count in COUNTS if count <= CAPACITY},
            )
            for child in children.values():
                child.close()
            rounds.report(f"verified-cache-{world}", f"Tokens in equal use, {world.upper()}", figures)


if __name__ == "__main__":
    main()
