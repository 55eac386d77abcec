"""
Measure how long it takes from a revocation until the last of four processes has it in its local view.

They follow one server, at rest and at a fifth of a core each; the time of the write itself stands beside.  There is no
web server in between: ``bench_propagation.py`` has them.

``python benchmarks/bench_follower.py [--revocations 600] [--rate 300]``
"""

# ruff: noqa: SLF001 - the follower is measured, which the store hides

import argparse
import multiprocessing
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from bench_local_view import open_stores

from followed_store import Writer, session
from safeconduct.stores.view.entries import Entries
from store_servers import Server

WORKERS = 4
BURNT_SECONDS = 0.001


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
    parser.add_argument("--revocations", type=int, default=600)
    parser.add_argument("--rate", type=float, default=300)
    arguments = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    server = Server("valkey", "--maxmemory-policy", "noeviction")
    try:
        for load in (0.0, 0.2):
            measure_propagation(server, load, arguments.revocations, arguments.rate)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
