"""
What an API key costs: bytes in the server, and commands and time for a request.

A million keys are made by the script that every process uses; wanted are at most 300 bytes for each,
whether each user has one key or several.  A request with a key is counted in commands under ``strict`` and ``bounded``,
and compared in processor time with one with a signed token in the same round.

    python benchmarks/bench_api_keys.py            # 100,000 keys
    COUNT=1000000 python benchmarks/bench_api_keys.py
"""

# ruff: noqa: SLF001 - keys are made without a look into a directory, which has no million users

import os
import random
import secrets
import socket
import statistics
import sys
import time
import uuid
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests/support"))

from api_key_site import ACCESS, SOURCES, ApiKeySite, people
from bounded_site import BoundedSite
from login_site import LoginClient, stores_of
from login_stack import ManualTime
from safeconduct._core.api_keys.records import StoredApiKey
from safeconduct._core.api_keys.wire_form import new_place
from safeconduct._core.revocation_keys import api_key_query
from safeconduct._core.revocation_query import ApiKeyRef
from safeconduct._core.run_sync import run_sync
from safeconduct.stores.redis.calls import CallResult
from safeconduct.stores.redis.follower import Follower
from safeconduct.stores.scripts import API_KEY_CREATE
from store_servers import KINDS, Server
from table_tokens import ISSUER

COUNT = int(os.environ.get("COUNT", "100000"))
AT_ONCE = 200
LIFETIME_SECONDS = 90 * 86_400
REQUESTS, ROUNDS = 500, 9
#: How many keys each user has, and what the users are called.
SHAPES = {
    "one key, named by a number": (1, lambda number: f"user-{number}"),
    "one key, named by a UUID": (1, lambda number: str(uuid.UUID(int=number << 64 | 1 << 127))),
    "ten keys": (10, lambda number: f"user-{number}"),
    "a hundred keys": (100, lambda number: f"user-{number}"),
}


class BoundedKeySite(BoundedSite, ApiKeySite):
    """A site that accepts API keys, whose follower this script moves."""


class Pipeline:
    """Send the scripts that make keys without waiting for each reply, which would take hours."""

    def __init__(self, server):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(server.socket))
        self._replies = self._socket.makefile("rb")
        self._sent, self._waiting = [], 0
        self._text(API_KEY_CREATE.text)

    def client(self):
        return self

    async def call(self, call):
        """Send a script as a connection does that knows nothing of the server's run."""
        words = ("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.arguments, *call.known, "", 0, "1", "0")
        self._sent.append(encoded(words))
        if len(self._sent) >= AT_ONCE:
            self.flush()
        return CallResult([b"", 0, b"", 0, 0, 0, b"created", 0])

    def flush(self):
        """Send what waits, and count the keys that were made."""
        self._socket.sendall(b"".join(self._sent) + b"*1\r\n$4\r\nPING\r\n")
        made, line = 0, b""
        while line != b"+PONG\r\n":
            line = self._replies.readline()
            made += line == b"created\r\n"
        assert len(self._sent) == made
        self._sent.clear()

    def _text(self, text):
        self._socket.sendall(encoded(("SCRIPT", "LOAD", text)))
        self._replies.readline(), self._replies.readline()


def encoded(words):
    """Return a command as a client sends it."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def make(site, server, numbers, per_user, name_of):
    """Make a key for each of *numbers*."""
    verbs, pipeline = site.auth.async_api_keys, Pipeline(server)
    calls = verbs._store._calls
    calls._clients, before = pipeline, calls._clients
    for number in numbers:
        subject = name_of(number // per_user)
        owner = verbs._owner_of(subject)
        place = new_place(0, owner, secrets.token_bytes)
        record = StoredApiKey(
            key_id=place.key_id, digest=secrets.token_bytes(32), owner=owner, subject=subject, name="nightly build",
            scopes=("read",),
        )  # fmt: skip
        query = api_key_query(ISSUER, 0, ApiKeyRef(place.key_id, record.digest), owner=owner, ends_ms=0)
        run_sync(verbs._store.create(query, record, lifetime_ms=LIFETIME_SECONDS * 1000))
    pipeline.flush()
    calls._clients = before


def bytes_per_key(kind, count, per_user, name_of):
    """Return how many bytes of the server's memory each of *count* keys takes."""
    server, moment = Server(kind), ManualTime()
    try:
        site = ApiKeySite("asgi", stores=stores_of(kind, server, moment, print), clock=moment.clock)
        # The epoch, the scripts and the connections are there from now on.
        site._runner.run(site.auth.async_api_keys.list("alice"))
        make(site, server, range(AT_ONCE), 1, lambda number: f"first-{number}")
        before, began_at = int(server.statistic("memory", "used_memory")), time.perf_counter()
        make(site, server, range(count), per_user, name_of)
        taken = int(server.statistic("memory", "used_memory")) - before
        site.close()
        return taken / count, time.perf_counter() - began_at
    finally:
        server.stop()


def commands(server):
    """Return how many scripts and plain reads the server has run."""
    lines = server.say("INFO", "commandstats").splitlines()
    names = ("cmdstat_evalsha:", "cmdstat_eval:", "cmdstat_zmscore:")
    return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines if line.startswith(names))


def requests(site, server, credentials):
    """Return the commands for each request, and for each round the time with a key / that with a token."""
    counts, ratios = {}, []
    for _ in range(ROUNDS):
        seconds = {}
        for name in random.sample(sorted(credentials), 2):
            before, began_at = commands(server), time.process_time()
            assert {200} == {site.get(credentials[name]) for _ in range(REQUESTS)}
            seconds[name] = time.process_time() - began_at
            counts.setdefault(name, []).append((commands(server) - before) / REQUESTS)
        ratios.append(seconds["key"] / seconds["token"])
    return counts["key"], statistics.median(ratios)


def measure_requests(kind):
    """Print what a request costs, under both consistencies."""
    for consistency in ("strict", "bounded"):
        server, moment = Server(kind), ManualTime()
        try:
            if consistency == "strict":
                stores = stores_of(kind, server, moment, print)
                site = ApiKeySite("wsgi", stores=stores, clock=moment.clock, revocation={"consistency": "strict"})
            else:
                site = BoundedKeySite(
                    "wsgi", server, moment, access=ACCESS, fields={"sources": SOURCES, "directory": people()}
                )
            # The log is read by this script, not by a thread, whose commands would be counted too.
            Follower.start = lambda _self: None
            client = LoginClient(site)
            client.get_tokens()
            credentials = {"key": site.create().key, "token": client.tokens["access_token"]}
            for credential in credentials.values():
                site.get(credential)
            if consistency == "bounded":
                site.follow()
            counts, ratio = requests(site, server, credentials)
            site.close()
        finally:
            server.stop()
        print(
            f"{kind}, {consistency}: {statistics.median(counts):.2f} commands a request (most {max(counts):.2f}), "
            f"time with a key / with a token {ratio:.2f}"
        )


def main():
    """Print all figures."""
    for kind in KINDS:
        for shape, (per_user, name_of) in SHAPES.items():
            size, seconds = bytes_per_key(kind, COUNT, per_user, name_of)
            print(f"{kind}, {COUNT:,} keys, {shape} a user: {size:.0f} bytes each, made in {seconds:.0f} s", flush=True)
        measure_requests(kind)


if __name__ == "__main__":
    main()
