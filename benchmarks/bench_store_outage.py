"""
Measure how the store's client copes with a dead host, with too many clients, and with short event loops.

1. Twenty pooled connections become half-open while the server stays up: how long is it until a request passes?
2. Two hundred clients share four connections to a server that takes 100 ms a command: how many of the possible requests
   pass?
3. Three hundred event loops run one after the other: how many connections do they leave?

``python benchmarks/bench_store_outage.py [SECONDS]``
"""

# ruff: noqa: SLF001 - the connection pool is measured, which the store hides

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from faulty_connections import Proxy
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.connection import ConnectionBroken
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS, question
from store_servers import Server

DEADLINE_SECONDS = 0.25
DEAD, CLIENTS, CONNECTIONS, COMMAND_SECONDS, LOOPS = 20, 200, 4, 0.1, 300


def open_stores(url, pool_size):
    return RedisServer(
        StoreConfig(url=url, pool_size=pool_size), RevocationConfig(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS,
        announce=lambda event: print(f"  {event!r}"),
    )  # fmt: skip


async def fill_pool(store, count):
    await store.begin_epoch(0, reason="new", seen=None)
    client = store._clients.client()
    taken = [client._pool.take() for _ in range(count)]
    for each in taken:
        if each.is_new:
            await client._introduce(each.connection, time.monotonic() + 5)
    for each in taken:
        client._pool.give_back(each)


async def dead_host(server):
    proxy = Proxy(server.port)
    store = open_stores(proxy.url, DEAD).native()
    await fill_pool(store, DEAD)
    proxy.strand()
    started, refused = time.monotonic(), 0
    while True:
        try:
            await store.ask(question())
            break
        except Unavailable:
            refused += 1
    seconds = time.monotonic() - started
    print(f"{DEAD} dead connections: {refused} requests refused, {seconds / DEADLINE_SECONDS:.2f} deadlines")
    await store.close()
    proxy.stop()


class SlowConnection:
    """A connection whose every exchange takes *COMMAND_SECONDS*."""

    def __init__(self, connection):
        self.open, self.drop, self._connection = connection.open, connection.drop, connection

    async def exchange(self, commands, seconds):
        if seconds < COMMAND_SECONDS:
            await asyncio.sleep(seconds)
            raise ConnectionBroken("TimeoutError", is_final=True)
        await asyncio.sleep(COMMAND_SECONDS)
        return await self._connection.exchange(commands, seconds)


async def many_clients(server, lasting_seconds):
    store = open_stores(server.url, CONNECTIONS).native()
    await store.begin_epoch(0, reason="new", seen=None)
    await store.ask(question())
    pool = store._clients.client()._pool
    pool._drop_idle(before=None)
    new_connection = pool._new_connection
    pool._new_connection = lambda: SlowConnection(new_connection())
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


def short_loops(server):
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
        asyncio.run(many_clients(server, float(sys.argv[1]) if len(sys.argv) > 1 else 8))
        short_loops(server)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
