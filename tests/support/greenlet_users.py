"""Serve many users in greenlets that switch within a view and within a body; run as a process of its own."""

import json
import os
import sys

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402 - the standard library is replaced first
from flask import Flask, Response  # noqa: E402
from gevent.pool import Pool  # noqa: E402
from werkzeug.middleware.dispatcher import DispatcherMiddleware  # noqa: E402

from app_client import SentRequest, wsgi_environ  # noqa: E402
from auth_setups import configuration, now  # noqa: E402
from memory_directory import MemoryDirectory  # noqa: E402
from safeconduct import Auth, current  # noqa: E402
from safeconduct.flask import Safeconduct  # noqa: E402
from table_tokens import mint  # noqa: E402

_STEPS = 3
_AT_ONCE = 200


class Observed:
    """What was seen: how many requests ran at once at most, and who saw another user."""

    def __init__(self):
        self.running = 0
        self.most = 0
        self.mixed = []
        self.served = 0
        self.left = 0


def _application(auth, observed):
    app = Flask("greenlets")
    Safeconduct(auth).init_app(app)

    @app.get("/me")
    def me():
        observed.running += 1
        observed.most = max(observed.most, observed.running)
        first = current().subject
        # A greenlet of its own has a context of its own, without an identity.
        observed.left += gevent.spawn(_is_set).get()

        def steps():
            yield first.encode()
            for _ in range(_STEPS):
                before = current().subject
                gevent.sleep(0)
                yield b" " + before.encode() + b" " + current().subject.encode()
            observed.running -= 1

        return Response(steps())

    return auth.wsgi(DispatcherMiddleware(Flask("outer"), {"/inner": app.wsgi_app}))


def _serve(app, observed, name):
    """Serve one user, and give other greenlets a turn between the chunks of the body."""
    token = mint(name)
    sent = SentRequest("GET", "/inner/me", (("authorization", f"Bearer {token}".encode()),), "https")
    body = app(wsgi_environ(sent), lambda *_: None)
    chunks = []
    for chunk in body:
        chunks.append(chunk)
        observed.left += _is_set()
        gevent.sleep(0)
    body.close()
    observed.left += _is_set()
    if {name} != set(b"".join(chunks).decode().split()):
        observed.mixed.append(name)
    observed.served += 1


def _is_set():
    try:
        current()
    except LookupError:
        return False
    return True


def main():
    """Serve as many users as the argument says, and print what was seen."""
    auth = Auth(configuration(tokens={"remembered": 100}), directory=MemoryDirectory(), clock=now)
    observed = Observed()
    app = _application(auth, observed)
    pool = Pool(_AT_ONCE)
    for number in range(int(sys.argv[1])):
        pool.spawn(_serve, app, observed, f"user-{number}")
    pool.join()
    report = {"served": observed.served, "mixed": observed.mixed, "switches": observed.most > 1, "left": observed.left}
    sys.stdout.write(json.dumps(report))
    # Not by finalizing the interpreter, in which gevent may fail on its own.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
