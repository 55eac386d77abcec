"""Keep the hashing of passwords off the event loop, and refuse what does not fit (fault 28)."""

import json
import threading

import argon2.low_level
import pytest

from login_site import LoginSite
from safeconduct.directories import UsersFile
from safeconduct.directories.argon2id import Cost

ATTEMPTS = 200
CHEAP, DEAR = Cost(memory_kib=8192, passes=1, lanes=1), Cost(memory_kib=8192, passes=2, lanes=1)


@pytest.fixture
def hashed(monkeypatch):
    """Return the threads in which a hash was computed, once for each."""
    threads = []
    for name in ("verify_secret", "hash_secret"):
        compute = getattr(argon2.low_level, name)

        def noted(*arguments, compute=compute, **named):
            threads.append(threading.get_ident())
            return compute(*arguments, **named)

        monkeypatch.setattr(argon2.low_level, name, noted)
    return threads


@pytest.fixture
def path(tmp_path):
    """Return a users file whose hashes are cheaper than they should be, so that each sign-in makes a new one."""
    users = UsersFile.create(tmp_path / "users.json", cost=CHEAP)
    for name in ("alice", "bob"):
        users.add(name, "wonder")
    return tmp_path / "users.json"


def sign_ins(names):
    """Return the requests that sign users in; those with an odd number have a wrong password."""
    for number, name in enumerate(names):
        body = {"username": name, "password": "wrong" if number % 2 else "wonder"}
        yield "POST", "/auth/login", [("content-type", "application/json")], json.dumps(body).encode()


def test_b28_two_hundred_sign_ins_hash_nothing_on_the_loop(path, hashed, valkey, consistency):
    """Right, wrong and unknown ones, and new hashes; each is answered, and what finds no place in the queue is 503."""
    limits = {f"failures_per_{whose}": 10_000 for whose in ("account", "network", "account_and_network")}
    site = LoginSite(
        "asgi",
        directory=UsersFile(path, cost=DEAR),
        store={"url": valkey.url, "deadline_ms": 60_000},
        revocation={"consistency": consistency},
        login={**limits, "hashing_threads": 2, "hashing_queue": 8, "queue_seconds": 60},
    )
    # The loop runs in this thread.
    names = [("alice", "bob", f"unknown {number}")[number % 3] for number in range(ATTEMPTS)]

    responses = site.request_all(list(sign_ins(names)))

    statuses = [response.status for response in responses]
    site.close()
    assert {200, 401, 503} == set(statuses)
    assert len(hashed) >= ATTEMPTS - statuses.count(503)
    assert threading.get_ident() not in hashed
    assert all(response.values("retry-after") for response in responses if response.status == 503)
