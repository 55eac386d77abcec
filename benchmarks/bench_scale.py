"""
Measure the constants of docs/explanation/scale.md with a real server.

1. Server memory: of a revoked token, an ended session, an entry of the log, a session, and an opaque token.
2. Server time: of what requests and sign-ins send, by the server's own accounts.
3. Followers: bytes and commands a second at rest, and bytes of each change for each process.
4. Process: memory of a revocation and of a remembered session, and the time to load a snapshot.

``python benchmarks/bench_scale.py [--server redis] [--entries 100000] [--sign-ins 20000] [--seconds 10]``
"""

# ruff: noqa: SLF001 - the follower is measured, which the store hides

import argparse
import gc
import random
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from followed_store import Writer, session
from login_site import login_configuration
from login_stack import StaticDirectory
from safeconduct import Account, Auth
from safeconduct._core.epochs import Epoch
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores.redis.server import RedisServer
from safeconduct.stores.view.entries import UNPACKED_ENTRIES
from safeconduct.stores.view.proofs import RecordProof, RecordProofs
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS
from store_servers import Server

PAGE, LOG_LENGTH, CALLS, FOLLOWERS, CHANGES = 2_000, 12_000, 5_000, 4, 2_000


def open_stores(server, *, shards=1, keeps_view=False):
    config = StoreConfig(url=server.socket_url, deadline_ms=5000, shards=shards)
    return RedisServer(
        config, RevocationConfig(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=print, keeps_view=keeps_view
    )


def open_auth(server, wire_format="jws"):
    config = login_configuration(
        store={"url": server.socket_url, "deadline_ms": 5000},
        revocation={"consistency": "strict"},
        tokens={"format": wire_format, "remembered": 0},
    )
    return Auth(config, directory=StaticDirectory())


def memory_of(server):
    return int(server.statistic("memory", "used_memory"))


def show(name, value, unit):
    print(f"{name:<58} {value:>12,.1f} {unit}", flush=True)


def measure_revocations(server, entries):
    writer = Writer(open_stores(server))
    # The log is full before, so that it does not grow while the entries are counted.
    for number in range(LOG_LENGTH):
        writer.revoke(f"before-{number}")
    log_bytes = int(server.say("MEMORY", "USAGE", "safeconduct:{sc:00}:log", "SAMPLES", "0").strip(":\r\n"))
    show("entry of the log", log_bytes / int(server.say("XLEN", "safeconduct:{sc:00}:log").strip(":\r\n")), "bytes")
    for name, verb in (("revoked token", writer.revoke), ("ended session", writer.end)):
        before = memory_of(server)
        for number in range(entries):
            verb(f"{name}-{number}")
        show(name, (memory_of(server) - before) / entries, "bytes in the server")


def measure_sessions(server, sign_ins):
    sizes = {}
    for wire_format in ("jws", "opaque"):
        server.say("FLUSHALL")
        with open_auth(server, wire_format) as auth:
            auth.sessions.sign_in(Account("first"), remember=True)
            before = memory_of(server)
            for number in range(sign_ins):
                auth.sessions.sign_in(Account(f"user-{number}", roles=["user"]), remember=True)
            sizes[wire_format] = (memory_of(server) - before) / sign_ins
    show("session with a refresh token, of a user of its own", sizes["jws"], "bytes in the server")
    show("opaque token", sizes["opaque"] - sizes["jws"], "bytes in the server")


def cost_of(server, verb, arguments):
    """Return what the server spends on each call: of its processor, and within scripts and plain commands."""
    verb(*arguments[0])
    server.say("CONFIG", "RESETSTAT")
    before = processor_seconds(server)
    for each in arguments[1:]:
        verb(*each)
    spent = processor_seconds(server) - before
    calls = len(arguments) - 1
    stats = server.say("INFO", "commandstats")
    commands = {}
    for line in stats.splitlines():
        if line.startswith("cmdstat_"):
            name, _, values = line.removeprefix("cmdstat_").partition(":")
            commands[name] = dict(value.split("=") for value in values.split(","))
    scripts = commands.get("evalsha", {"calls": "0", "usec": "0"})
    return spent / calls * 1e6, int(scripts["usec"]) / calls, int(scripts["calls"]) / calls


def processor_seconds(server):
    return sum(float(server.statistic("cpu", f"used_cpu_{kind}")) for kind in ("user", "sys"))


def measure_server_time(server):
    server.say("FLUSHALL")
    with open_auth(server) as auth:
        sessions, names = auth.sessions, [f"user-{number}" for number in range(CALLS)]
        tokens = [sessions.sign_in(Account(name), remember=True) for name in names[: CALLS // 5]]
        kinds = {
            "request that asks the store (strict)": (auth.verify, [(tokens[0].access_token,)] * CALLS),
            "sign-in": (lambda name: sessions.sign_in(Account(name), remember=True), [(name,) for name in names]),
            "refresh": (sessions.refresh, [(each.refresh_token.value,) for each in tokens]),
            "revocation of a token": (
                lambda name: sessions.revoke_token(name, subject="alice"), [(name,) for name in names]
            ),
            "sign-out": (sessions.sign_out, [(each.access_token,) for each in tokens]),
        }  # fmt: skip
        for name, (verb, arguments) in kinds.items():
            processor, scripts, calls = cost_of(server, verb, arguments)
            print(
                f"{name:<58} {processor:>12,.1f} us of the server's processor, {scripts:.1f} us in {calls:.2f} scripts"
            )


def traffic(server):
    names = ("total_net_output_bytes", "total_net_input_bytes", "total_commands_processed")
    # What this question costs is subtracted as measured by asking twice.
    return [int(server.statistic("stats", name)) for name in names]


def rates(server, act):
    first, again = traffic(server), traffic(server)
    act()
    after = traffic(server)
    return [end - middle - (middle - begin) for begin, middle, end in zip(first, again, after, strict=True)]


def measure_followers(server, seconds):
    for shards in (1, 16):
        server.say("FLUSHALL")
        writer = Writer(open_stores(server, shards=shards), shards)
        stores = [open_stores(server, shards=shards, keeps_view=True) for _ in range(FOLLOWERS)]
        for each in stores:
            each.blocking().bounded_view.begin()
        time.sleep(2)
        sent, received, commands = rates(server, lambda: time.sleep(seconds))
        share = FOLLOWERS * seconds
        show(f"a process at rest, {shards} shards: sent by the server", sent / share, "bytes a second")
        show(f"a process at rest, {shards} shards: received", received / share, "bytes a second")
        show(f"a process at rest, {shards} shards", commands / share, "commands a second")
        if shards == 1:
            measure_change(server, writer, stores)
        for each in stores:
            each.end()


def measure_change(server, writer, stores):
    def revoke_all():
        for number in range(CHANGES):
            writer.end(f"change-{number}")
            time.sleep(0.0005)
        while any(len(each._follower.view.shards[0].cuts) < CHANGES for each in stores):
            time.sleep(0.01)

    before = processor_seconds(server)
    sent = rates(server, revoke_all)[0]
    processor = processor_seconds(server) - before
    for each in stores:
        each.end()
    time.sleep(1)
    before = processor_seconds(server)
    alone = rates(server, lambda: [writer.end(f"alone-{number}") for number in range(CHANGES)])[0]
    alone_processor = processor_seconds(server) - before
    show("a change, for each process", (sent - alone) / CHANGES / FOLLOWERS, "bytes")
    show("a change, for each process", (processor - alone_processor) / CHANGES / FOLLOWERS * 1e6, "us of the server")


def measure_process(server, entries):
    server.say("FLUSHALL")
    stores = open_stores(server, keeps_view=True)
    Writer(stores)
    draw, now_ms = random.Random(1), int(time.time() * 1000)  # noqa: S311 - the same each time
    for _ in range(0, entries, PAGE):
        words = [word for number in range(PAGE) for word in (now_ms + number % 999, b"s" + draw.randbytes(16))]
        server.say("ZADD", "safeconduct:{sc:00}:cut", *words)
    before = processor_seconds(server)
    began = time.perf_counter()
    stores._follower.connect()
    show("snapshot, of a million", (time.perf_counter() - began) / entries * 1e6, "s in the process")
    show("snapshot, of a million", (processor_seconds(server) - before) / entries * 1e6, "s of the server")
    cuts = stores._follower.view.shards[0].cuts
    show("revocation in a process, packed", cuts._packed.size_bytes / len(cuts), "bytes")
    gc.collect()
    tracemalloc.start()
    for number in range(PAGE // 2):
        cuts.put(session(f"recent-{number}"), now_ms + 1000)
    show("revocation in a process, before it is packed", tracemalloc.get_traced_memory()[0] / (PAGE // 2), "bytes")
    proofs, epoch, held = RecordProofs(seconds=60.0), Epoch("e", 1, "new", 1), tracemalloc.get_traced_memory()[0]
    for number in range(entries // 2):
        proofs.add((0, f"{number:024}"), RecordProof(epoch, 1.0))
    show("remembered session in a process", (tracemalloc.get_traced_memory()[0] - held) / len(proofs), "bytes")
    tracemalloc.stop()
    stores._follower.disconnect()
    stores.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="redis", choices=("redis", "valkey"))
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--sign-ins", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    if options.entries <= UNPACKED_ENTRIES:
        parser.error(f"--entries: wanted more than {UNPACKED_ENTRIES}, which a process does not pack")
    server = Server(options.server)
    try:
        measure_revocations(server, options.entries)
        measure_sessions(server, options.sign_ins)
        measure_server_time(server)
        measure_followers(server, options.seconds)
        measure_process(server, options.entries)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
