"""Know which node of a cluster has which slot, by ``CLUSTER SLOTS`` and by redirections since."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from safeconduct.stores.redis.addresses import Address
from safeconduct.stores.redis.connection import ConnectionBroken, Reply

#: All slots are asked for at most this often.
REFRESH_SECONDS: Final = 0.25


class SlotMap:
    """
    Know which node has which slot; both worlds and the followers share one instance.

    Args:
        seeds: The nodes that ``store.url`` names.
        monotonic: A clock that never goes back, in seconds.
    """

    def __init__(self, seeds: Sequence[Address], *, monotonic: Callable[[], float]) -> None:
        self._seeds = tuple(seeds)
        self._monotonic = monotonic
        #: First slot, last slot, node.
        self._ranges: list[tuple[int, int, Address]] = []
        #: The slots that were looked up, and what single replies have said since.
        self._known: dict[int, Address] = {}
        #: Every node that was named, replicas too.
        self._nodes: tuple[Address, ...] = ()
        self.reset()

    def reset(self) -> None:
        """Ask anew in a new process, or a forked one."""
        self._lock = threading.Lock()
        self._is_doubtful = True
        self._has_failed = False
        self._next_refresh_at = float("-inf")

    def node_of(self, slot: int) -> Address | None:
        """Return the node of *slot*, None if it is not known."""
        known = self._known.get(slot)
        if known is None:
            with self._lock:
                known = next((node for first, last, node in self._ranges if first <= slot <= last), None)
                if known is not None:
                    self._known[slot] = known
        return known

    def learn(self, slot: int, node: Address) -> None:
        """Note that *slot* is at *node*, by a reply."""
        with self._lock:
            self._known[slot] = node
        self.doubt()

    def doubt(self) -> None:
        """Let all slots be asked for again, because a node did not answer or does not have its slot any more."""
        self._is_doubtful = True

    def admits_refresh(self) -> bool:
        """Return whether the caller may ask for all slots now."""
        if not self._is_doubtful:
            return False
        with self._lock:
            now = self._monotonic()
            # Before the first answer there is nothing to go by, so that requests that begin together all ask.
            is_due = now >= self._next_refresh_at or not (self._ranges or self._has_failed)
            if is_due:
                self._next_refresh_at = now + REFRESH_SECONDS
        return is_due

    def failed(self) -> None:
        """Note that no node has answered."""
        self._has_failed = True

    def candidates(self) -> list[Address]:
        """Return every node that may be asked, the one that answered last first."""
        return list(dict.fromkeys((*self._nodes, *self._seeds)))

    def replace(self, ranges: Sequence[tuple[int, int, Address]], nodes: Sequence[Address]) -> None:
        """Know all slots anew; *nodes* begins with the one that named them."""
        with self._lock:
            self._ranges, self._known, self._nodes = list(ranges), {}, tuple(nodes)
            self._is_doubtful = self._has_failed = False

    @property
    def serving(self) -> set[Address]:
        """The nodes that have slots."""
        return {*(node for _, _, node in self._ranges), *list(self._known.values())}


def read_slots(reply: Reply, asked: Address) -> tuple[list[tuple[int, int, Address]], list[Address]]:
    """
    Read the reply to ``CLUSTER SLOTS``; a node without a name has the name of the one that was *asked*.

    Raises:
        ConnectionBroken: If it is not such a reply, or names no slot.
    """
    ranges: list[tuple[int, int, Address]] = []
    nodes: list[Address] = []
    try:
        for first, last, *served in reply:
            found = [asked.at((host or b"").decode("ascii") or asked.host or "", port) for host, port, *_ in served]
            ranges.append((int(first), int(last), found[0]))
            nodes += found
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise ConnectionBroken("the node is not one of a cluster") from error
    if not ranges:
        raise ConnectionBroken("the node knows no slots")
    return ranges, nodes
