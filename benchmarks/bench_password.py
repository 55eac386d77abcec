"""
Measure passwords: a Basic credential that was proven before, and the event loop while others sign in.

    python benchmarks/bench_password.py [--quick]

Warm is the work for such a credential: the field is parsed, and the pair is hashed and looked up.  It is compared with
one Argon2id verification at the default cost, in the same round.  Lateness is how much too late a task wakes that
sleeps a millisecond, while 200 users sign in at once: through the thread pool, and hashed on the loop itself.  Both are
ratios within one run; the other figures are for orientation.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from base64 import b64encode
from pathlib import Path

from safeconduct._core.basic import BasicCredentials
from safeconduct._core.passwords import Passwords
from safeconduct._core.run_sync import run_sync
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct._http.authorization import Basic, read_authorization
from safeconduct.config import BasicConfig, LoginConfig
from safeconduct.directories import UsersFile
from safeconduct.directories.adapters import adapt_directory
from safeconduct.stores.memory.store import MemoryStore

USERNAME, PASSWORD = "alice", "correct horse battery staple"
WANTED_WARM, WANTED_LATENESS = 1 / 5000, 0.2


def proven_pairs(users: UsersFile) -> BasicCredentials:
    """Return a cache of proven pairs with one pair in it."""
    directory = adapt_directory(users, "wsgi", LoginConfig())
    store = MemoryStore(clock=time.time, horizon_ms=0, leeway_ms=0)
    throttle = Throttle(store, store, LoginConfig(), key=bytes(32), events=ThrottleEvents(print, time.time))
    passwords = Passwords(directory, throttle, announce=print)
    pairs = BasicCredentials(passwords, BasicConfig(), realm="bench", key=bytes(32), make=lambda pair: pair)
    run_sync(pairs.prove(USERNAME, PASSWORD, network="192.0.2.1", now_ms=0, issued_ms=0))
    return pairs


def seconds_per_call(work, times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def measure_warm(users: UsersFile, rounds: int) -> dict[str, float]:
    pairs = proven_pairs(users)
    fields = [b"Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode())]

    def warm():
        credential = read_authorization(fields)
        assert isinstance(credential, Basic)
        assert pairs.recall(credential.username, credential.password, 1) is not None

    def recall():
        pairs.recall(USERNAME, PASSWORD, 1)

    def hashed():
        users.check(USERNAME, PASSWORD)

    rows = [
        (seconds_per_call(warm, 2000), seconds_per_call(recall, 2000), seconds_per_call(hashed, 2))
        for _ in range(rounds)
    ]
    return {
        "warm_us": statistics.median(row[0] for row in rows) * 1e6,
        "recall_us": statistics.median(row[1] for row in rows) * 1e6,
        "argon2id_ms": statistics.median(row[2] for row in rows) * 1e3,
        "ratio": statistics.median(row[0] / row[2] for row in rows),
        "recall_ratio": statistics.median(row[1] / row[2] for row in rows),
    }


async def lateness_while(sign_in, users: int) -> dict[str, float]:
    """Let *users* sign in at once, and measure how late a task wakes meanwhile."""
    late_ms: list[float] = []

    async def tick():
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            late_ms.append((time.perf_counter() - started - 0.001) * 1e3)

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0.01)
    late_ms.clear()
    started = time.perf_counter()
    accounts = await asyncio.gather(*(sign_in() for _ in range(users)))
    wall = time.perf_counter() - started
    await asyncio.sleep(0.01)
    ticker.cancel()
    assert all(account is not None for account in accounts)
    late_ms.sort()
    return {"p99_ms": late_ms[int(len(late_ms) * 0.99)], "max_ms": late_ms[-1], "wall_s": wall, "ticks": len(late_ms)}


def measure_lateness(users: UsersFile, sign_ins: int) -> dict[str, object]:
    # The queue holds them all: a refused sign-in costs nothing and would improve the figure.
    directory = adapt_directory(users, "asgi", LoginConfig(hashing_queue=sign_ins))

    async def pooled():
        async with directory.lock(object(), "192.0.2.1") as position:
            return await directory.check(USERNAME, PASSWORD, position)

    async def inline():
        # The loop runs once before each hash, which is the best that hashing on the loop can be.
        async with lock:
            await asyncio.sleep(0)
            return users.check(USERNAME, PASSWORD)

    lock = asyncio.Lock()
    by_pool = asyncio.run(lateness_while(pooled, sign_ins))
    on_loop = asyncio.run(lateness_while(inline, sign_ins))
    directory.close()
    return {"pooled": by_pool, "inline": on_loop, "ratio": by_pool["p99_ms"] / on_loop["p99_ms"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sign-ins")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        users = UsersFile.create(Path(folder) / "users.json")
        users.add(USERNAME, PASSWORD)
        warm = measure_warm(users, 5 if quick else 40)
        lateness = measure_lateness(users, 40 if quick else 200)
    print(f"warm {warm['warm_us']:.2f} us (recall {warm['recall_us']:.2f} us), argon2id {warm['argon2id_ms']:.1f} ms")
    print(f"Basic warm / argon2id: 1/{1 / warm['ratio']:.0f}, wanted 1/{1 / WANTED_WARM:.0f} or less")
    print(f"of which the look-up: 1/{1 / warm['recall_ratio']:.0f}")
    for name in ("pooled", "inline"):
        print(name, {key: round(value, 2) for key, value in lateness[name].items()})
    print(f"lateness p99 pooled / inline: {lateness['ratio']:.3f}, wanted {WANTED_LATENESS} or less")
    print("JSON " + json.dumps({"bench": "password", "warm": warm, "lateness": lateness}))


if __name__ == "__main__":
    main()
