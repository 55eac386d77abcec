"""
Send each script to the node of a cluster that has its slot.

::

    slot known? ──no──► ask a node for all slots
        │ yes
        ▼
    node's client ──► reply                               done
                      MOVED                               learn it, go on at the node that it names
                      ASK                                 once more, at the node that takes the slot over
                      TRYAGAIN, CLUSTERDOWN               once more after a pause
                      none                                ask for all slots again, and go on if another node has it

Everything happens within the one deadline.  Every node has its own circuit breaker and its own health, so that a dead
one refuses its own shards only.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from safeconduct._core.budget import current_budget
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.addresses import Address
from safeconduct.stores.redis.calls import Call, CallResult
from safeconduct.stores.redis.client import StoreClient
from safeconduct.stores.redis.connection import (
    Command,
    ConnectionBroken,
    PackedCommands,
    PlainReplies,
    Reply,
    ServerError,
    ShardCommands,
    exchange_once,
)
from safeconduct.stores.redis.drivers import Driver
from safeconduct.stores.redis.slot_map import SlotMap, read_slots

#: Pauses before a script is sent again to a slot that is not served at the moment.
_PAUSES: Final = (0.01, 0.02, 0.04, 0.08)
#: A slot is being migrated key by key, or nobody has it until a replica is promoted.
_PASSING: Final = frozenset({"TRYAGAIN", "CLUSTERDOWN"})
#: How often a script may be sent.
_TRIES: Final = 8


class ClusterClient:
    """
    Call scripts on the nodes of a cluster, over the connections of one event loop or of all threads.

    Args:
        slots: Knows the nodes.
        server: The credentials and certificates for all nodes.
        new_client: Makes the client of one node.
        load_driver: Imports redis-py for this world, and returns what makes a connection.
        load_key_slot: Imports what computes the slot of a key.
        pause: Waits, in this world's way.
        deadline_seconds: How long all commands of one request may take together.
    """

    def __init__(
        self,
        slots: SlotMap,
        server: Address,
        new_client: Callable[[Address], StoreClient],
        *,
        load_driver: Callable[[], Driver],
        load_key_slot: Callable[[], Callable[[bytes], int]],
        pause: Callable[[float], Awaitable[None]],
        deadline_seconds: float,
    ) -> None:
        self._slots = slots
        self._server = server
        self._new_client = new_client
        self._load_driver = load_driver
        self._load_key_slot = load_key_slot
        self._pause = pause
        self._deadline_seconds = deadline_seconds
        self._key_slot: Callable[[bytes], int] | None = None
        self._clients: dict[Address, StoreClient] = {}
        self._lock = threading.Lock()

    async def call(self, call: Call) -> CallResult:
        """
        Run a script on the node that has the slot of its keys.

        Raises:
            Unavailable: If there is no reply within the deadline, or it is an error, or the node is unfit.
        """
        budget = current_budget()
        seconds = self._deadline_seconds - budget.spent_seconds
        if seconds <= 0:
            raise Unavailable("the other commands of this request took all of the store's deadline")
        slot = self.slot_of(call.keys[0])
        began_at = time.monotonic()
        disk_seconds = 0.0
        try:
            result = await self._call_until(call, slot, began_at + seconds)
            disk_seconds = result.disk_seconds
        finally:
            budget.spent_seconds += time.monotonic() - began_at - disk_seconds
        return result

    async def read(self, shard: ShardCommands, commands: PackedCommands) -> PlainReplies | None:
        """Send plain commands to the node that has the shard; None where the script must find out which one has it."""
        node = self._slots.node_of(self.slot_of(shard.key))
        if node is None:
            return None
        try:
            return await self.client_at(node).read(shard, commands)
        except Unavailable:
            self._slots.doubt()
            return None

    def slot_of(self, key: bytes) -> int:
        """Return the slot of *key*."""
        if self._key_slot is None:
            self._key_slot = self._load_key_slot()
        return self._key_slot(key)

    async def client_of(self, slot: int, ends_at: float) -> tuple[Address, StoreClient]:
        """Return the client of the node that has *slot*, and where that is; any node, if it is not known."""
        if self._slots.admits_refresh():
            await self._refresh(ends_at)
        # Any node names the right one; and while none answers, its circuit breaker bounds how often it is tried.
        node = self._slots.node_of(slot) or self._slots.candidates()[0]
        return node, self.client_at(node)

    def client_at(self, node: Address) -> StoreClient:
        """Return the client of *node*."""
        client = self._clients.get(node)
        if client is None:
            with self._lock:
                client = self._clients.setdefault(node, self._new_client(node))
                serving = self._slots.serving
                gone = [self._clients.pop(other) for other in list(self._clients) if other not in {*serving, node}]
            for each in gone:
                each.close()
        return client

    def learn(self, slot: int, error: ServerError, replied: Address) -> Address:
        """Note what a redirection from the node *replied* says, and return the node that it names."""
        host, port = error.node or ("", 0)
        node = self._server.at(host or replied.host or "", port)
        if error.kind == "MOVED":
            self._slots.learn(slot, node)
        return node

    def doubt(self) -> None:
        """Let all slots be asked for before the next command."""
        self._slots.doubt()

    def close(self) -> None:
        """Drop the connections, those in use when they are given back."""
        for client in list(self._clients.values()):
            client.close()

    def abandon(self) -> None:
        """Drop every connection, because their event loop is closed."""
        for client in list(self._clients.values()):
            client.abandon()

    async def _call_until(self, call: Call, slot: int, ends_at: float) -> CallResult:
        pauses = iter(_PAUSES)
        asked: Address | None = None
        tries_left = _TRIES
        while True:
            tries_left -= 1
            node, client = await self.client_of(slot, ends_at) if asked is None else (asked, self.client_at(asked))
            try:
                client.prepare()
                result = await client.attempt(replace(call, is_asking=asked is not None), ends_at)
            except Unavailable:
                self._slots.doubt()
                if not tries_left or not await self._has_moved(slot, node, ends_at):
                    raise
                asked = None
                continue
            reply, asked = result.reply, None
            if not isinstance(reply, ServerError):
                return result
            if reply.kind in {"MOVED", "ASK"} and tries_left:
                named = self.learn(slot, reply, node)
                asked = named if reply.kind == "ASK" else None
            elif reply.kind not in _PASSING or not await self._paused(pauses, ends_at):
                raise client.refused(reply)

    async def _paused(self, pauses: Iterator[float], ends_at: float) -> bool:
        """Wait before the next try, and return False if there is no time for one."""
        self._slots.doubt()
        seconds = next(pauses, None)
        if seconds is None or time.monotonic() + seconds >= ends_at:
            return False
        await self._pause(seconds)
        return True

    async def _has_moved(self, slot: int, node: Address, ends_at: float) -> bool:
        """Ask for all slots, unless that was done just now, and return whether another node has *slot*."""
        if time.monotonic() < ends_at and self._slots.admits_refresh():
            await self._refresh(ends_at)
        return self._slots.node_of(slot) not in {node, None}

    async def _refresh(self, ends_at: float) -> None:
        new_connection = self._load_driver()
        for node in self._slots.candidates():
            # Half of what is left, so that a silent node leaves time for another one and for the script.
            seconds = (ends_at - time.monotonic()) / 2
            try:
                commands: list[Command] = [("CLUSTER", "SLOTS")]
                [reply] = await exchange_once(new_connection(node), node, commands, seconds)
                if isinstance(reply, ServerError):
                    # Requests are served all the same, by redirections, until a node fails.
                    self.client_at(node).refused(reply)
                ranges, others = read_slots(reply, node)
            except ConnectionBroken:
                continue
            self._slots.replace(ranges, list(dict.fromkeys([node, *others])))
            return
        self._slots.failed()


class ShardClient:
    """
    Send the commands of a follower to the node that has one shard.

    Args:
        cluster: Finds the node.
        key: A key of the shard.
    """

    def __init__(self, cluster: ClusterClient, key: bytes) -> None:
        self._cluster = cluster
        self._key = key
        self._node: tuple[Address, StoreClient] | None = None

    async def send(self, commands: Sequence[Command], *, seconds: float) -> list[Reply]:
        """Send plain commands outside of any request; return the replies, errors too, or raise ``Unavailable``."""
        slot = self._cluster.slot_of(self._key)
        node, client = self._node = await self._cluster.client_of(slot, time.monotonic() + seconds)
        try:
            replies = await client.send(commands, seconds=seconds)
        except Unavailable:
            self._cluster.doubt()
            raise
        for reply in replies:
            if isinstance(reply, ServerError) and reply.kind in {"MOVED", "ASK"}:
                self._cluster.learn(slot, reply, node)
        return replies

    def refused(self, error: ServerError) -> Unavailable:
        """Report a refused command of ``send``, and return the error for it."""
        if error.kind in {"MOVED", "ASK"} or self._node is None:
            # The next command goes to the right node.
            return Unavailable(f"the shard has moved: {error.kind}")
        return self._node[1].refused(error)

    def close(self) -> None:
        """Drop the connections."""
        self._cluster.close()
