"""
Make the clients for what ``store.url`` names: one server, the primary that sentinels name, or the nodes of a cluster.

A *node* is what has one circuit breaker and one health: a server, a group of servers of which one is the primary, or a
node of a cluster.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from safeconduct.events import Event
from safeconduct.stores.redis.addresses import Address, Location
from safeconduct.stores.redis.client import StoreClient
from safeconduct.stores.redis.clients import Client, FeedClient
from safeconduct.stores.redis.cluster import ClusterClient, ShardClient
from safeconduct.stores.redis.drivers import Driver, load_asyncio_driver, load_key_slot, load_sync_driver
from safeconduct.stores.redis.health import CircuitBreaker, ServerHealth
from safeconduct.stores.redis.pool import LoopSlots, Slots, ThreadSlots
from safeconduct.stores.redis.refusals import RefusalReporter
from safeconduct.stores.redis.sentinel import SentinelConnection, Sentinels
from safeconduct.stores.redis.slot_map import SlotMap


@dataclass(frozen=True, slots=True)
class World:
    """What differs between the event loops and the threads: how they connect, bound their connections, and wait."""

    load_driver: Callable[[], Driver]
    new_slots: Callable[[int], Slots]
    pause: Callable[[float], Awaitable[None]]
    #: Whether what several tasks read at once is sent in one go.
    reads_together: bool


async def _pause_thread(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251 - run without an event loop


THREADS: Final = World(load_sync_driver, ThreadSlots, _pause_thread, reads_together=False)
LOOPS: Final = World(load_asyncio_driver, LoopSlots, asyncio.sleep, reads_together=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    What holds for every node.

    Attributes:
        pool_size: How many connections to a node may be in use at once.
        deadline_seconds: How long all commands of one request may take together.
        accept_eviction: Whether any eviction policy is accepted.
        monotonic: A clock that never goes back, in seconds.
        announce: Tells the listeners.
    """

    pool_size: int
    deadline_seconds: float
    accept_eviction: bool
    monotonic: Callable[[], float]
    announce: Callable[[Event], None]


class Node:
    """
    Make clients that share one circuit breaker and one health.

    Args:
        bounds: What holds for every node.
        refusals: Reports what a server refuses.
        name: What reasons begin with: where the node is, without its user and password.
    """

    def __init__(self, bounds: Bounds, refusals: RefusalReporter, *, name: str) -> None:
        self._bounds = bounds
        self._refusals = refusals
        node = f"{name}: "
        monotonic, announce = bounds.monotonic, bounds.announce
        self.breaker = CircuitBreaker(monotonic=monotonic, announce=announce, node=node)
        # One for the follower: requests may still have connections where it gets none, and it connects anew each time.
        self.feed_breaker = CircuitBreaker(monotonic=monotonic, announce=announce, node=node)
        self.health = ServerHealth(
            accept_eviction=bounds.accept_eviction, monotonic=monotonic, announce=announce, node=node
        )

    def client(self, address: Address, world: World, load_driver: Callable[[], Driver]) -> StoreClient:
        """Make a client for requests."""
        slots = world.new_slots(self._bounds.pool_size)
        return self._new(address, load_driver, slots, self.breaker, reads_together=world.reads_together)

    def feed_client(self, address: Address, load_driver: Callable[[], Driver]) -> StoreClient:
        """Make a client for a follower, which has one connection."""
        return self._new(address, load_driver, THREADS.new_slots(1), self.feed_breaker)

    def reset(self) -> None:
        """Begin anew in a forked child."""
        self.breaker.reset()
        self.feed_breaker.reset()
        self.health.reset()

    def _new(
        self,
        address: Address,
        load_driver: Callable[[], Driver],
        slots: Slots,
        breaker: CircuitBreaker,
        *,
        reads_together: bool = False,
    ) -> StoreClient:
        return StoreClient(
            address,
            load_driver=load_driver,
            slots=slots,
            deadline_seconds=self._bounds.deadline_seconds,
            breaker=breaker,
            health=self.health,
            refusals=self._refusals,
            reads_together=reads_together,
        )


class Topology(Protocol):
    """How the clients of a store are made."""

    @property
    def has_replicas(self) -> bool:
        """Whether another server may take over from one that is cut off."""
        ...

    def client(self, world: World) -> Client:
        """Make a client for the requests of one event loop, or of all threads."""
        ...

    def feed_client(self, shard_key: bytes) -> tuple[Client, FeedClient]:
        """Make a client that runs scripts for a follower, and one that reads what it follows; *shard_key* is a key."""
        ...

    def groups(self, shards: int) -> Sequence[Sequence[int]]:
        """Return the shards that one connection can follow together."""
        ...

    def reset(self) -> None:
        """Begin anew in a forked child."""
        ...


class OnePrimary:
    """
    One server, or the primary that sentinels name.

    Args:
        location: What ``store.url`` names.
        bounds: What holds for every node.
        refusals: Reports what a server refuses.
    """

    def __init__(self, location: Location, bounds: Bounds, refusals: RefusalReporter) -> None:
        name = location.service if location.kind == "sentinel" else location.server.place
        self.node = Node(bounds, refusals, name=name)
        self._server = location.server
        self._sentinels: Sentinels | None = None
        if location.kind == "sentinel":
            self._sentinels = Sentinels(location.nodes, location.service, location.server)

    def client(self, world: World) -> Client:
        """Make a client for the requests of one event loop, or of all threads."""
        return self.node.client(self._server, world, self._driver(world))

    @property
    def has_replicas(self) -> bool:
        """Whether there are sentinels; of a single server nothing is known."""
        return self._sentinels is not None

    def feed_client(self, shard_key: bytes) -> tuple[Client, FeedClient]:  # noqa: ARG002 - every shard is at one server
        """Make a client for a follower."""
        client = self.node.feed_client(self._server, self._driver(THREADS))
        return client, client

    def groups(self, shards: int) -> Sequence[Sequence[int]]:
        """Return all shards together."""
        return [range(shards)]

    def reset(self) -> None:
        """Begin anew in a forked child."""
        self.node.reset()
        if self._sentinels is not None:
            self._sentinels.reset_lock()

    def _driver(self, world: World) -> Callable[[], Driver]:
        sentinels = self._sentinels
        if sentinels is None:
            return world.load_driver

        def load() -> Driver:
            driver = world.load_driver()
            return lambda _server: SentinelConnection(sentinels, driver)

        return load


class Cluster:
    """
    The nodes of a cluster.

    Args:
        location: What ``store.url`` names.
        bounds: What holds for every node.
        refusals: Reports what a node refuses.
    """

    def __init__(self, location: Location, bounds: Bounds, refusals: RefusalReporter) -> None:
        self._server = location.server
        self._bounds = bounds
        self._refusals = refusals
        self._slots = SlotMap(location.nodes, monotonic=bounds.monotonic)
        self._nodes: dict[Address, Node] = {}
        self.has_replicas = True

    def client(self, world: World) -> Client:
        """Make a client for the requests of one event loop, or of all threads."""
        return self._cluster_client(lambda node: self._node(node).client(node, world, world.load_driver), world)

    def feed_client(self, shard_key: bytes) -> tuple[Client, FeedClient]:
        """Make a client for the follower of one shard."""
        client = self._cluster_client(lambda node: self._node(node).feed_client(node, THREADS.load_driver), THREADS)
        return client, ShardClient(client, shard_key)

    def groups(self, shards: int) -> Sequence[Sequence[int]]:
        """Return each shard by itself: no command waits for changes in several slots."""
        return [[shard] for shard in range(shards)]

    def reset(self) -> None:
        """Begin anew in a forked child."""
        self._slots.reset()
        self._nodes.clear()

    def _cluster_client(self, new_client: Callable[[Address], StoreClient], world: World) -> ClusterClient:
        return ClusterClient(
            self._slots,
            self._server,
            new_client,
            load_driver=world.load_driver,
            load_key_slot=load_key_slot,
            pause=world.pause,
            deadline_seconds=self._bounds.deadline_seconds,
        )

    def _node(self, address: Address) -> Node:
        node = self._nodes.get(address)
        if node is None:
            serving = self._slots.serving
            for gone in [other for other in list(self._nodes) if other not in serving]:
                self._nodes.pop(gone, None)
            node = self._nodes.setdefault(address, Node(self._bounds, self._refusals, name=address.place))
        return node


def open_topology(location: Location, bounds: Bounds, refusals: RefusalReporter) -> Topology:
    """Make the topology that *location* describes."""
    return Cluster(location, bounds, refusals) if location.kind == "cluster" else OnePrimary(location, bounds, refusals)
