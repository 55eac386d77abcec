"""
A store of Redis or Valkey servers for both worlds of a process.

Nothing connects before the first command.  All threads share one client, and each event loop has its own.  A forked
child takes over no connection: it abandons its parent's sockets without sending anything on them.
"""

import os
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Final

from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation import Revocations
from safeconduct._core.store import Store
from safeconduct.config.store import RevocationConfig, StoreConfig
from safeconduct.events import Event
from safeconduct.stores.redis.addresses import parse_location, shard_key
from safeconduct.stores.redis.clients import ClientSource, LoopClients, ThreadClients
from safeconduct.stores.redis.feed import Feed
from safeconduct.stores.redis.follower import Follower
from safeconduct.stores.redis.followers import Followers
from safeconduct.stores.redis.refusals import RefusalReporter
from safeconduct.stores.redis.shard_calls import ShardCalls
from safeconduct.stores.redis.store import RedisStore
from safeconduct.stores.redis.topology import LOOPS, THREADS, Bounds, open_topology
from safeconduct.stores.redis.watermarks import EpochFile, Watermarks
from safeconduct.stores.view.local_view import LocalView

#: So long a process that ends waits for the threads of its followers.
ENDS_WITHIN_SECONDS: Final = 0.5


class RedisServer:
    """
    Open the ports to one server.

    Args:
        config: The server's URL, its bounds on connections, and the deadline.
        revocation: How many replicas to wait for, whether eviction is accepted, and the epoch file.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: The leeway granted to clocks.
        announce: Tells the listeners.
        keeps_view: Whether a local view of the revocations is kept.
        clock: The clock of requests, in seconds since the epoch; compared with the server's.
        monotonic: A clock that never goes back, in seconds.
        shift_ms: How far the store's clock is shifted; 0 except in tests.

    Raises:
        ConfigurationError: If the URL or the epoch file cannot be read.
    """

    def __init__(  # noqa: PLR0913 - three of them are clocks, which tests move
        self,
        config: StoreConfig,
        revocation: RevocationConfig,
        *,
        horizon_ms: int,
        leeway_ms: int,
        announce: Callable[[Event], None],
        keeps_view: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        shift_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._config = config
        self._refusals = RefusalReporter(monotonic=monotonic, announce=announce)
        location, bounds = parse_location(config.url), _bounds(config, revocation, monotonic, announce)
        if location.server.certificates is not None:
            location.server.certificates.on_unreadable = self._refusals.report_unreadable
        self._topology = open_topology(location, bounds, self._refusals)
        file = None if revocation.epoch_file is None else EpochFile(revocation.epoch_file)
        self._watermarks = Watermarks(file, monotonic=monotonic)
        # The store's first reply says whether one was lost by now, and how long its tokens live.
        seen = {shard: Epoch(mark.epoch, mark.started_ms, "new", 0) for shard, mark in self._watermarks.known.items()}
        self._epochs = Epochs(seen)
        self._threads = ThreadClients(lambda: self._topology.client(THREADS))
        self._loops = LoopClients(lambda: self._topology.client(LOOPS))
        self._horizon_ms, self._leeway_ms, self._shift_ms = horizon_ms, leeway_ms, shift_ms
        self._revocation, self._announce, self._clock, self._monotonic = revocation, announce, clock, monotonic
        self._follower = self._new_followers() if keeps_view else None
        self._blocking, self._native = self._new_store(self._threads), self._new_store(self._loops)
        _living.add(self)

    def _new_store(self, clients: ClientSource) -> RedisStore:
        return RedisStore(
            clients,
            self._watermarks,
            self._epochs,
            None if self._follower is None else self._follower.view,
            key_prefix=self._config.key_prefix,
            shards=self._config.shards,
            horizon_ms=self._horizon_ms,
            leeway_ms=self._leeway_ms,
            min_replicas=self._revocation.min_replicas,
            shift_ms=self._shift_ms,
            monotonic=self._monotonic,
        )

    def blocking(self) -> Store:
        """Return the port for WSGI."""
        return self._blocking

    def native(self) -> Store:
        """Return the port for ASGI."""
        return self._native

    def end(self) -> None:
        """Refuse every later command and drop every connection, those in use when they are given back."""
        if self._follower is not None:
            self._follower.end()
        self._threads.end()
        self._loops.end()
        if self._follower is not None:
            self._follower.wait(time.monotonic() + ENDS_WITHIN_SECONDS)
        self._watermarks.flush()

    def begin_process(self) -> None:
        """Abandon in a forked child what it inherited."""
        self._topology.reset()
        self._refusals.reset()
        self._watermarks.reset_lock()
        if self._follower is not None:
            self._follower.view.reset()
            _abandoned.append(self._follower.reset())
        _abandoned.extend([*self._threads.forget(), *self._loops.forget()])

    def _new_followers(self) -> Follower | Followers:
        revocation = self._revocation
        view = LocalView(
            shards=self._config.shards,
            staleness_seconds=revocation.staleness_seconds,
            refuses_new=revocation.on_new_store == "refuse",
            monotonic=self._monotonic,
        )
        first, *others = [
            self._new_follower(view, shards=shards, writes_beat=self._topology.has_replicas)
            for shards in self._topology.groups(self._config.shards)
        ]
        followers = Followers(view, [first, *others]) if others else first
        view.keeper = followers
        return followers

    def _new_follower(self, view: LocalView, *, shards: Sequence[int], writes_beat: bool = False) -> Follower:
        return Follower(
            view,
            lambda: self._new_feed(shards),
            self._watermarks,
            shards=shards,
            horizon_ms=self._horizon_ms + self._leeway_ms,
            writes_beat=writes_beat,
            announce=self._announce,
            monotonic=self._monotonic,
        )

    def _new_feed(self, shards: Sequence[int] = (0,)) -> Feed:
        key_prefix, count = self._config.key_prefix, self._config.shards
        client, reader = self._topology.feed_client(shard_key(key_prefix.encode(), shards[0], b"meta"))
        calls = ShardCalls(
            ThreadClients(lambda: client), self._watermarks, None, key_prefix=key_prefix, shards=count,
            horizon_ms=self._horizon_ms, shift_ms=self._shift_ms,
        )  # fmt: skip
        revocations = Revocations(
            self._blocking, shards=count, horizon_ms=self._horizon_ms, leeway_ms=self._leeway_ms,
            on_new_store=self._revocation.on_new_store, announce=self._announce, epochs=self._epochs,
        )  # fmt: skip
        return Feed(reader, calls, revocations, clock=self._clock)


def _bounds(
    config: StoreConfig,
    revocation: RevocationConfig,
    monotonic: Callable[[], float],
    announce: Callable[[Event], None],
) -> Bounds:
    return Bounds(
        pool_size=config.pool_size,
        deadline_seconds=config.deadline_ms / 1000,
        accept_eviction=revocation.accept_eviction,
        monotonic=monotonic,
        announce=announce,
    )


_living: weakref.WeakSet[RedisServer] = weakref.WeakSet()
#: A parent's clients in a forked child.  If they were garbage-collected, asyncio would remove their sockets from a poll
#: set that the child shares with its parent.
_abandoned: list[object] = []


def _begin_processes() -> None:  # pragma: no cover - runs in a forked child, which is not measured
    for server in _living:
        server.begin_process()


os.register_at_fork(after_in_child=_begin_processes)
