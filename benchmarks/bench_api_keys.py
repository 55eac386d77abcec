"""
What an API key costs: bytes in the server, and commands and time for a request.

A million keys are made by the script that every process uses, several at a time; wanted are at most 300 bytes for each,
whether each user has one key or several.  A request with a key is counted in commands under ``strict`` and ``bounded``,
and compared in processor time with one with a signed token in the same round.

    python benchmarks/bench_api_keys.py            # 100,000 keys
    COUNT=1000000 python benchmarks/bench_api_keys.py
"""

# ruff: noqa: SLF001 - keys are made without a look into a directory, which has no million users

import asyncio
import os
import random
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
from safeconduct.stores.redis.follower import Follower
from store_servers import KINDS, Server

COUNT = int(os.environ.get("COUNT", "100000"))
AT_ONCE = 50
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


async def make(verbs, count, per_user, name_of):
    """Make *count* keys."""
    numbers = iter(range(count))

    async def some():
        for number in numbers:
            await verbs._create(record_of(verbs, name_of(number // per_user)), lifetime_ms=LIFETIME_SECONDS * 1000)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


def record_of(verbs, subject):
    """Return the record that ``create`` makes, without a look into a directory that has no such user."""
    return StoredApiKey(
        key_id="", digest=b"", owner=verbs._owner_of(subject), subject=subject, name="nightly build", scopes=("read",)
    )


def bytes_per_key(kind, count, per_user, name_of):
    """Return how many bytes of the server's memory each of *count* keys takes."""
    server, moment = Server(kind), ManualTime()
    try:
        site = ApiKeySite("asgi", stores=stores_of(kind, server, moment, print), clock=moment.clock)
        # The epoch, the scripts and the connections are there from now on.
        site._runner.run(make(site.auth.async_api_keys, AT_ONCE * 4, 1, lambda number: f"first-{number}"))
        before, began_at = int(server.statistic("memory", "used_memory")), time.perf_counter()
        site._runner.run(make(site.auth.async_api_keys, count, per_user, name_of))
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
