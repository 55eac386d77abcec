"""
How long a dead host and a crowd keep requests from being answered, by store deadlines.

Twenty pooled connections go half-open and the host is back at once elsewhere: how long until a request passes.  Two
hundred clients ask over four connections of a server that takes 100 ms a command: how many of the possible requests
pass.  And three hundred event loops, one after the other: how many connections they leave.
``python benchmarks/bench_store_outage.py [SECONDS]``
"""

# ruff: noqa: SLF001 - what is measured lies below the store's port

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from proxies import Proxy
from servers import Server

from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.connection import ConnectionBroken
from safeconduct.stores.redis.server import RedisServer
from store_contract import HORIZON_MS, LEEWAY_MS, question

DEADLINE_SECONDS = 0.25
DEAD, CLIENTS, CONNECTIONS, COMMAND_SECONDS, LOOPS = 20, 200, 4, 0.1, 300


def open_stores(url, pool_size):
    return RedisServer(
        StoreConfig(url=url, pool_size=pool_size), RevocationConfig(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS,
        announce=lambda event: print(f"  {event!r}"),
    )  # fmt: skip


async def fill(store, count):
    await store.begin_epoch(0, reason="new", seen=None)
    pool = store._clients.client()._pool
    taken = [pool.take() for _ in range(count)]
    for each in taken:
        if each.is_new:
            await store._clients.client()._introduce(each.connection, time.monotonic() + 5)
    for each in taken:
        pool.give_back(each)


async def dead_host(server):
    proxy = Proxy(server.port)
    store = open_stores(proxy.url, DEAD).native()
    await fill(store, DEAD)
    proxy.strand()
    began, refused = time.monotonic(), 0
    while True:
        try:
            await store.ask(question())
            break
        except Unavailable:
            refused += 1
    seconds = time.monotonic() - began
    print(f"{DEAD} dead connections: {refused} requests refused, {seconds / DEADLINE_SECONDS:.2f} deadlines")
    await store.close()
    proxy.stop()


class _Slow:
    """A connection whose every exchange takes *COMMAND_SECONDS*."""

    def __init__(self, link):
        self.open, self.drop, self._link = link.open, link.drop, link

    async def exchange(self, commands, seconds):
        if seconds < COMMAND_SECONDS:
            await asyncio.sleep(seconds)
            raise ConnectionBroken("TimeoutError", is_final=True)
        await asyncio.sleep(COMMAND_SECONDS)
        return await self._link.exchange(commands, seconds)


async def crowd(server, lasting_seconds):
    store = open_stores(server.url, CONNECTIONS).native()
    await store.begin_epoch(0, reason="new", seen=None)
    await store.ask(question())
    pool = store._clients.client()._pool
    pool._drop_idle(before=None)
    open_link = pool._new_connection
    pool._new_connection = lambda: _Slow(open_link())
    ends_at, passed = time.monotonic() + lasting_seconds, 0

    async def client():
        nonlocal passed
        while time.monotonic() < ends_at:
            try:
                await store.ask(question())
                passed += 1
            except Unavailable:
                await asyncio.sleep(0.01)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    possible = lasting_seconds / COMMAND_SECONDS * CONNECTIONS
    print(f"{CLIENTS} clients over {CONNECTIONS} connections: {passed / possible:.2f} of the possible requests pass")
    await store.close()


def loops(server):
    stores = open_stores(server.url, CONNECTIONS)
    for _ in range(LOOPS):
        asyncio.run(stores.native().ask(question()))
    left = server.say("CLIENT", "LIST").count(" addr=") - 1
    print(f"{LOOPS} event loops: {left} connections left")
    stores.end()


def main():
    server = Server("valkey")
    try:
        asyncio.run(dead_host(server))
        asyncio.run(crowd(server, float(sys.argv[1]) if len(sys.argv) > 1 else 8))
        loops(server)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
