"""Ten thousand users at once, in tasks, threads and greenlets: each sees themselves, in every part of a response."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app_client import asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from mixed_apps import ASGI_NESTS, NESTS, PREFIX, STEPS, WSGI_NESTS, request_for, seen_by
from safeconduct import Auth, current
from table_tokens import mint

USERS = 10_000
#: A bridge gives each request a thread, which is slow; all nests together have as many users again.
USERS_OF_A_NEST = 1_500
AT_ONCE = 250
SUPPORT = Path(__file__).parent.parent / "support"


@pytest.fixture(scope="module")
def users():
    """Return the names of many users with a token of each."""
    return {f"user-{number}": mint(f"user-{number}") for number in range(USERS)}


@pytest.fixture
def auth():
    """Return an ``Auth`` with so small a cache that cold and warm requests mix."""
    return Auth(configuration(tokens={"remembered": 100}), directory=MemoryDirectory(), clock=now)


def some(users, count):
    """Return the requests of *count* users, to the mounted application and to the one around it in turns."""
    chosen = list(users.items())[:count]
    return [
        (name, request_for((PREFIX if at % 3 else "") + "/me", token, method="POST" if at % 2 else "GET", body=b"x"))
        for at, (name, token) in enumerate(chosen)
    ]


async def ask_all(app, requests):
    """Send the requests, many at once, and check that each user saw themselves alone."""

    async def one(name, sent):
        answer = await call_asgi(app, asgi_scope(sent), sent.body)
        assert [name] * (STEPS + 1) == seen_by(answer)

    for at in range(0, len(requests), AT_ONCE):
        await asyncio.gather(*(one(*request) for request in requests[at : at + AT_ONCE]))
    with pytest.raises(LookupError):
        current()


def test_ten_thousand_users_in_tasks(auth, users):
    app = NESTS["Starlette in Starlette"](auth, auth)

    asyncio.run(ask_all(app, some(users, USERS)))


@pytest.mark.parametrize("name", [name for name in ASGI_NESTS if name != "Starlette in Starlette"])
def test_many_users_in_tasks_and_threads(auth, users, name):
    """The mounted application runs in threads that serve others before and after."""
    asyncio.run(ask_all(NESTS[name](auth, auth), some(users, USERS_OF_A_NEST)))


def ask_in_threads(app, requests):
    """Send the requests from a few threads, and check what each thread knows afterwards."""

    def one(request):
        name, sent = request
        answer = call_wsgi(app, wsgi_environ(sent))
        assert [name] * (STEPS + 1) == seen_by(answer)
        with pytest.raises(LookupError):
            current()
        return name

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(one, requests))


def test_ten_thousand_users_in_threads(auth, users):
    app = NESTS["Flask in Werkzeug's dispatcher"](auth, auth)

    assert list(users) == ask_in_threads(app, some(users, USERS))


@pytest.mark.parametrize("name", [name for name in WSGI_NESTS if name.startswith("Starlette")])
def test_many_users_in_threads_and_tasks(auth, users, name):
    assert 300 == len(ask_in_threads(NESTS[name](auth, auth), some(users, 300)))


def test_ten_thousand_users_in_greenlets():
    """In a process of its own, since gevent replaces the standard library."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", str(SUPPORT / "greenlet_users.py"), str(USERS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert "" == finished.stderr
    assert {"served": USERS, "mixed": [], "switches": True, "left": 0} == json.loads(finished.stdout)
