"""
One Redis or Valkey server for both worlds of a process: one way for all threads, one for each event loop.

Nothing connects before the first question.  asyncio connections belong to their loop, so a second ``asyncio.run`` gets
its own (``loop_ways``).  A forked child takes over none: it abandons its parent's sockets without a word on them.
"""

import os
import time
import weakref
from collections.abc import Callable
from typing import Any

from safeconduct._core.store import Store
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.errors import Unavailable
from safeconduct.events import Event
from safeconduct.stores.redis import connection_asyncio, connection_sync
from safeconduct.stores.redis.client import StoreClient
from safeconduct.stores.redis.connection import Connection, parse_address
from safeconduct.stores.redis.connection_asyncio import AsyncioConnection, AsyncioSlots
from safeconduct.stores.redis.connection_sync import SyncConnection, SyncSlots
from safeconduct.stores.redis.epoch_file import EpochFile
from safeconduct.stores.redis.health import CircuitBreaker, ServerHealth
from safeconduct.stores.redis.loop_clients import LoopConnections
from safeconduct.stores.redis.marks import Marks
from safeconduct.stores.redis.refusals import RefusalReporter
from safeconduct.stores.redis.store import RedisStore


class RedisServer:
    """
    Open the ports to one server.

    Args:
        config: Where it is, and how many connections and milliseconds may be spent.
        revocation: For how many replicas to wait, whether eviction is accepted, and where marks are kept.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: What is granted to clocks.
        announce: Tells the listeners.
        monotonic: A clock that never goes back, in seconds.
        shift_ms: How far the store's clock is moved; 0 but in tests.

    Raises:
        ConfigurationError: If the URL or the file of marks cannot be read.
    """

    def __init__(
        self,
        config: StoreConfig,
        revocation: RevocationConfig,
        *,
        horizon_ms: int,
        leeway_ms: int,
        announce: Callable[[Event], None],
        monotonic: Callable[[], float] = time.monotonic,
        shift_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._address = parse_address(config.url)
        self._config = config
        self._breaker = CircuitBreaker(monotonic=monotonic, announce=announce)
        self._fitness = ServerHealth(accept_eviction=revocation.accept_eviction, monotonic=monotonic, announce=announce)
        self._complaints = RefusalReporter(monotonic=monotonic, announce=announce)
        keeper = None if revocation.epoch_file is None else EpochFile(revocation.epoch_file)
        self._marks = Marks(keeper, monotonic=monotonic)
        self._threads = _ThreadsWay(self._new_blocking_wire)
        self._loops = LoopConnections(self._new_native_wire)
        self._blocking, self._native = (
            RedisStore(
                ways,
                self._marks,
                key_prefix=config.key_prefix,
                horizon_ms=horizon_ms,
                leeway_ms=leeway_ms,
                min_replicas=revocation.min_replicas,
                shift_ms=shift_ms,
            )
            for ways in (self._threads, self._loops)
        )
        _living.add(self)

    def blocking(self) -> Store:
        """Give the port for WSGI."""
        return self._blocking

    def native(self) -> Store:
        """Give the port for ASGI."""
        return self._native

    def end(self) -> None:
        """Answer no more, and drop every connection; those in use when they are given back."""
        self._threads.end()
        self._loops.end()
        self._marks.flush()

    def begin_process(self) -> None:
        """Drop what was inherited over a fork."""
        self._breaker.begin()
        self._fitness.begin()
        self._complaints.begin()
        self._marks.begin()
        _abandoned.extend([*self._threads.forget(), *self._loops.forget()])

    def _new_blocking_wire(self) -> StoreClient:
        return self._new_wire(connection_sync.load_driver, SyncConnection, SyncSlots(self._config.pool_size))

    def _new_native_wire(self) -> StoreClient:
        return self._new_wire(connection_asyncio.load_driver, AsyncioConnection, AsyncioSlots(self._config.pool_size))

    def _new_wire(
        self, load_driver: Callable[[], None], open_link: Callable[[Any], Connection], slots: Any
    ) -> StoreClient:
        return StoreClient(
            self._address,
            load_driver=load_driver,
            open_link=open_link,
            slots=slots,
            deadline_seconds=self._config.deadline_ms / 1000,
            breaker=self._breaker,
            fitness=self._fitness,
            complaints=self._complaints,
        )


class _ThreadsWay:
    def __init__(self, new_wire: Callable[[], StoreClient]) -> None:
        self._new_wire = new_wire
        self._wire = new_wire()
        self.is_ended = False

    def wire(self) -> StoreClient:
        if self.is_ended:
            raise Unavailable("the store is closed")
        return self._wire

    async def close(self) -> None:
        wire, self._wire = self._wire, self._new_wire()
        wire.close()

    def end(self) -> None:
        self.is_ended = True
        self._wire.close()

    def forget(self) -> list[object]:
        wire, self._wire = self._wire, self._new_wire()
        return [wire]


_living: weakref.WeakSet[RedisServer] = weakref.WeakSet()
#: A parent's connections in a forked child.  Were they collected, asyncio would take their sockets off a poll set that
#: the child shares with its parent.
_abandoned: list[object] = []


def _begin_processes() -> None:  # pragma: no cover - runs in a forked child, which is not measured
    for stores in _living:
        stores.begin_process()


os.register_at_fork(after_in_child=_begin_processes)
