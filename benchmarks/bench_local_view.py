"""
Measure the local view of revocations that ``consistency = "bounded"`` keeps.

1. A million revoked sessions: how much memory do they take, how long is the snapshot, what does a look-up cost beside a
   set's?
2. Four processes follow one server, at rest and at a fifth of a core each: how long is it from a revocation until the
   last of them refuses, beside the time of the write itself?

``python benchmarks/bench_local_view.py [--ids 1000000] [--revocations 600] [--rate 300]``
"""

# ruff: noqa: SLF001 - the follower is measured, which the store hides

import argparse
import gc
import multiprocessing
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from followed_store import Writer, session
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores.redis.server import RedisServer
from safeconduct.stores.view.entries import Entries
from store_contract import HORIZON_MS, LEEWAY_MS
from store_servers import Server

WORKERS, PAGE, LOOKED_UP, ROUNDS = 4, 2_000, 20_000, 9
BURNT_SECONDS = 0.001


def open_stores(url, *, keeps_view=False):
    config = StoreConfig(url=url, deadline_ms=5000)
    return RedisServer(
        config, RevocationConfig(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=print, keeps_view=keeps_view
    )


def resident_bytes():
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def fill(server, ids):
    now_ms = int(time.time() * 1000)
    for first in range(0, len(ids), PAGE):
        words = [word for number, key in enumerate(ids[first : first + PAGE]) for word in (now_ms + number % 999, key)]
        server.say("ZADD", "safeconduct:{sc:00}:cut", *words)


def microseconds(look_up, keys):
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for key in keys:
            look_up(key)
        times.append(time.perf_counter() - began)
    return statistics.median(times) / len(keys) * 1e6


def measure_size(server, count):
    """Print what the view of *count* revoked sessions costs."""
    draw = random.Random(1)  # noqa: S311 - the same each time
    ids = [b"s" + draw.randbytes(16) for _ in range(count)]
    fill(server, ids)
    stores = open_stores(server.url, keeps_view=True)
    gc.collect()
    before = resident_bytes()
    began = time.perf_counter()
    stores._follower.connect()
    seconds = time.perf_counter() - began
    gc.collect()
    cuts = stores._follower.view.shards[0].cuts
    mebibytes, packed = (resident_bytes() - before) / 2**20, cuts._packed.size_bytes / 2**20
    print(f"{len(cuts):,} ids: packed {packed:.2f} MiB, resident +{mebibytes:.1f} MiB, loaded in {seconds:.2f} s")
    stores._follower.disconnect()
    stores.end()
    small, a_set = Entries(base=0), set(ids)
    for key in ids[:1000]:
        small.put(key, 1)
    hits, misses = ids[:: max(1, count // LOOKED_UP)], [b"s" + draw.randbytes(16) for _ in range(LOOKED_UP)]
    for name, keys in (("hit", hits), ("miss", misses)):
        in_set = microseconds(lambda key: key in a_set, keys)
        large, thousand = microseconds(cuts.get, keys), microseconds(small.get, keys)
        print(f"look-up, {name}: {large / in_set:.2f} of a set's ({large:.2f} us), a thousand ids {thousand:.2f} us")


def follow(url, load, pipe):
    """Follow in a process of its own, and report when each revoked session was refused."""
    stores = open_stores(url, keeps_view=True)
    follower, seen = stores._follower, {}
    follower.start()
    while not follower.view.shards:
        time.sleep(0.001)
    cuts, put = follower.view.shards[0].cuts, Entries.put

    def noted(entries, key, instant):
        put(entries, key, instant)
        if entries is cuts:
            seen[key] = time.perf_counter()

    Entries.put = noted
    pipe.send("ready")
    while not pipe.poll(0 if load else 0.02):
        if load:
            ends_at = time.perf_counter() + BURNT_SECONDS
            while time.perf_counter() < ends_at:
                sum(range(50))
            time.sleep(BURNT_SECONDS * (1 - load) / load)
    pipe.recv()
    pipe.send(seen)
    stores.end()


def measure_propagation(server, load, count, rate):
    """Print how long it takes until the last process refuses."""
    writing = open_stores(server.url)
    writer = Writer(writing)
    ends = []
    for _ in range(WORKERS):
        ours, theirs = multiprocessing.Pipe()
        multiprocessing.Process(target=follow, args=(server.url, load, theirs), daemon=True).start()
        ends.append(ours)
    for end in ends:
        end.recv()
    draw, begun, writes = random.Random(2), {}, []  # noqa: S311 - the same each time
    for number in range(count):
        name = f"{load}-{number}"
        began = begun[session(name)] = time.perf_counter()
        writer.end(name)
        writes.append(time.perf_counter() - began)
        time.sleep(draw.expovariate(rate))
    time.sleep(0.5)
    for end in ends:
        end.send("stop")
    reports = [end.recv() for end in ends]
    lost = sum(key not in report for report in reports for key in begun)
    delays = sorted(max(report[key] for report in reports if key in report) - began for key, began in begun.items())
    p50, p99 = (delays[int(len(delays) * part)] * 1000 for part in (0.5, 0.99))
    write = statistics.median(writes) * 1000
    print(
        f"load {load}: to the last of {WORKERS} processes p50 {p50:.2f} ms ({p50 / write:.1f} writes), "
        f"p99 {p99:.2f} ms, lost {lost}"
    )
    writing.end()


def main():
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--revocations", type=int, default=600)
    parser.add_argument("--rate", type=float, default=300)
    arguments = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    server = Server("valkey", "--maxmemory-policy", "noeviction")
    try:
        for load in (0.0, 0.2):
            measure_propagation(server, load, arguments.revocations, arguments.rate)
        server.say("FLUSHALL")
        writer = open_stores(server.url)
        Writer(writer)
        measure_size(server, arguments.ids)
        writer.end()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
