"""
Measure the local view of revocations that ``consistency = "bounded"`` keeps.

1. A million revoked sessions, and a million revoked tokens, in a process of their own: how much memory does the view
   take, packed and resident, now, at most during the load, after another load, and after 40,000 more revocations?  How
   long is the snapshot, and which part of it is the server's, the transport's and this process's?
2. What does a look-up cost beside a set's, both behind a method?

``python benchmarks/bench_local_view.py [--ids 1000000] [--only size|look-ups]``
"""

# ruff: noqa: SLF001 - the follower is measured, which the store hides

import argparse
import gc
import multiprocessing
import random
import statistics
import sys
import time
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))


from followed_store import Writer
from safeconduct._core.revocation_query import REVOCATION_KEY_BYTES
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores.redis.server import RedisServer
from safeconduct.stores.view.entries import RECENT_ENTRIES, Entries
from safeconduct.stores.view.snapshot_table import Page
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS
from store_servers import Server

PAGE, LOOKED_UP, ROUNDS = 2_000, 20_000, 15
#: So long ago the first revocation was made; the others followed at equal distances.
SECONDS_AGO = 3600
PACKED_LATER = 20


def open_stores(url, *, keeps_view=False, key_prefix="safeconduct:"):
    config = StoreConfig(url=url, deadline_ms=5000, key_prefix=key_prefix)
    return RedisServer(
        config, RevocationConfig(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=print, keeps_view=keeps_view
    )


def memory_of_process(name):
    """Return ``VmRSS`` or ``VmHWM`` in mebibytes."""
    [line] = [each for each in Path("/proc/self/status").read_text("ascii").splitlines() if each.startswith(name)]
    return int(line.split()[1]) / 1024


def revoked(count, letter):
    """Yield pages of as many revoked things and their instants, as parts of a second."""
    draw = random.Random(1)  # noqa: S311 - the same each time
    began = time.time() - SECONDS_AGO
    for first in range(0, count, PAGE):
        numbers = range(first, min(first + PAGE, count))
        yield {letter + draw.randbytes(16): began + SECONDS_AGO * number / count for number in numbers}


def fill(server, count, letter):
    """Revoke *count* sessions or tokens as the scripts do: a session has a cut-off and an end, a token an end."""
    for page in revoked(count, letter):
        ends = [word for key, at in page.items() for word in (int(at) + 86_400, key)]
        server.say("ZADD", "safeconduct:{sc:00}:rev", *ends)
        if letter == b"s":
            server.say(
                "ZADD", "safeconduct:{sc:00}:cut", *(w for key, at in page.items() for w in (int(at * 1000), key))
            )


def seconds_in_server(server_socket):
    """Return how long the server has worked on pages."""
    lines = server_socket.say("INFO", "commandstats").splitlines()
    return sum(int(line.split("usec=")[1].split(",")[0]) / 1e6 for line in lines if "zrangebyscore" in line)


class Asked:
    """A server's socket in another process."""

    say = Server.say

    def __init__(self, socket):
        self.socket = socket


def load(url, socket, letter):
    """Load the view in this process, and print what it costs."""
    server = Asked(socket)
    empty = open_stores(url, keeps_view=True, key_prefix="empty:")
    Writer(empty)
    empty._follower.connect()
    empty.end()
    stores = open_stores(url, keeps_view=True)
    follower = stores._follower
    gc.collect()
    before = memory_of_process("VmRSS")
    # The highest value begins anew.
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    for which in ("first load", "second load, while the first is in use"):
        if which != "first load":
            follower._updater._load(follower._feed, 0, follower._feed.state(0))
        else:
            server.say("CONFIG", "RESETSTAT")
            began, worked = time.perf_counter(), time.process_time()
            follower.connect()
            seconds, worked = time.perf_counter() - began, time.process_time() - worked
            in_server = seconds_in_server(server)
            server.say("CONFIG", "RESETSTAT")
            began = time.perf_counter()
            for name, letters in ((b"rev", b"tk"), (b"cut", b"")):
                for _ in follower._feed.pages(
                    0, name, letters, base=0 if letters else follower.view.shards[0].cuts._base
                ):
                    pass
            transport = time.perf_counter() - began - seconds_in_server(server)
            shard = follower.view.shards[0]
            entries = max(shard.cuts, shard.marks, key=len)
            print(
                f"  {len(entries):,}: loaded in {seconds:.2f} s (server {in_server:.2f}, transport {transport:.2f}, "
                f"packing {seconds - in_server - transport:.2f}; this process worked {worked:.2f} s); "
                f"packed {entries._packed.size_bytes / 2**20:.2f} MiB"
            )
            del shard, entries
        gc.collect()
        resident, peak = (memory_of_process(name) - before for name in ("VmRSS", "VmHWM"))
        print(f"  {which}: resident +{resident:.1f} MiB, at most +{peak:.1f} MiB", flush=True)
    shard = follower.view.shards[0]
    tidy(max(shard.cuts, shard.marks, key=len), letter, before)
    follower.disconnect()
    stores.end()


def tidy(entries, letter, before):
    """Print what it takes to pack what was revoked meanwhile, and to leave out what has ended."""
    figures, stretches, draw = {}, [], random.Random(4)  # noqa: S311 - the same each time

    def pause():
        now = time.thread_time()
        stretches.append(now - stretches[0])
        stretches[0] = now

    for name in ["packing 2,000 more"] * PACKED_LATER + ["sweeping"]:
        for _ in range(RECENT_ENTRIES):
            entries.put(letter + draw.randbytes(16), 4_000_000_000)
        stretches[:] = [time.thread_time()]
        began = time.thread_time()
        if name == "sweeping":
            entries.sweep(before=0, pause=pause)
        else:
            entries.pack(before=0, pause=pause)
        pause()
        worked, longest = time.thread_time() - began, max(stretches[1:])
        figures[name] = f"{worked * 1000:.0f} ms of work, at most {longest * 1000:.1f} ms without a pause"
    for name, text in figures.items():
        print(f"  {name}: {text}")
    print(f"  with {len(entries):,}: resident +{memory_of_process('VmRSS') - before:.1f} MiB", flush=True)


def measure_size(server, count):
    """Print what the view of *count* revocations costs, in a process that does nothing else."""
    for name, letter in (("sessions", b"s"), ("tokens", b"t")):
        server.say("FLUSHALL")
        writer = open_stores(server.url)
        Writer(writer)
        writer.end()
        fill(server, count, letter)
        print(name)
        process = multiprocessing.Process(target=load, args=(server.url, server.socket, letter))
        process.start()
        process.join()


class SetBehindAMethod:
    """A set, looked up the same way."""

    __slots__ = ("_keys",)

    def __init__(self, keys):
        self._keys = set(keys)

    def get(self, key):
        return key in self._keys


class DictionaryBehindAMethod:
    """A dictionary, looked up the same way."""

    __slots__ = ("_instants",)

    def __init__(self, keys):
        self._instants = dict.fromkeys(keys, 5)

    def get(self, key):
        return self._instants.get(key)


def measure_look_ups(count):
    """Print what a look-up costs among *count* and among a thousand, beside a set's of *count*."""
    keys = [key for page in revoked(count, b"s") for key in page]
    pages = (keys[first : first + PAGE] for first in range(0, count, PAGE))
    entries = Entries.of(
        (Page(b"".join(page), 0, REVOCATION_KEY_BYTES, array("I", [5]) * len(page)) for page in pages),
        base=0,
        pause=lambda: None,
    )
    few, draw = Entries(base=0), random.Random(3)  # noqa: S311 - the same each time
    for number in range(1000):
        few.put(keys[number], 1)
        entries.put(b"s" + draw.randbytes(16), 1)
    contenders = {
        "a set": SetBehindAMethod(keys), "a dictionary": DictionaryBehindAMethod(keys), "the view": entries,
        "a view of a thousand": few,
    }  # fmt: skip
    for name, asked in (
        ("hit", keys[:: max(1, count // LOOKED_UP)]),
        ("miss", [b"s" + draw.randbytes(16) for _ in range(LOOKED_UP)]),
    ):
        times = {each: [] for each in contenders}
        for _ in range(ROUNDS):
            for each in draw.sample(list(contenders), len(contenders)):
                look_up = contenders[each].get
                began = time.perf_counter()
                for key in asked:
                    look_up(key)
                times[each].append(time.perf_counter() - began)
        in_set = times["a set"]
        ratios = {each: statistics.median(map(float.__truediv__, times[each], in_set)) for each in contenders}
        text = ", ".join(f"{each} {ratio:.2f}" for each, ratio in ratios.items())
        print(f"look-up, {name}: {text}; a set's {min(in_set) / len(asked) * 1e9:.0f} ns", flush=True)


def main():
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("size", "look-ups"))
    arguments = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    server = Server("valkey", "--maxmemory-policy", "noeviction")
    measures = {
        "size": lambda: measure_size(server, arguments.ids),
        "look-ups": lambda: measure_look_ups(arguments.ids),
    }
    try:
        for name, measure in measures.items():
            if arguments.only in {None, name}:
                measure()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
