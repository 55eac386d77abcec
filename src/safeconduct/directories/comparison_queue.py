"""
Decide which password comparison runs and which waits, for all threads and all loops of a process.

A comparison needs two things, in this order: the lock of its account and network, which one comparison holds at a time,
and a slot, of which there are as many as may run at once.  It waits for either.  Slots are given to the networks in
turn, so that many comparisons of one network do not delay the others; within a network the longest wait ends first.

A full queue still takes a comparison from a network that has less than a quarter of it: the network that has the most,
and more than a quarter, loses its newest position.  A fixed quarter would refuse an office behind one address while the
rest of the queue is empty.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Final

from safeconduct._core.directory import Need, QueuePosition
from safeconduct.directories.locks import renew_in_children
from safeconduct.errors import ConfigurationError, Unavailable

_QUARTER: Final = 4


class ComparisonQueue:
    """
    Give out locks and slots; never block, but call back when a wait is over.

    Args:
        at_once: How many comparisons may run at once.
        waiting: How many more may wait.
        at_once_per_network: How many of those that run may come from one network; *at_once* by default.

    Raises:
        ConfigurationError: If nothing could ever run.
    """

    def __init__(self, *, at_once: int, waiting: int, at_once_per_network: int | None = None) -> None:
        if at_once < 1:
            raise ConfigurationError(f"at_once must be 1 or more, got {at_once}")
        self._at_once = at_once
        self._at_once_per_network = at_once if at_once_per_network is None else at_once_per_network
        self._limit = waiting
        self._share = max(1, waiting // _QUARTER)
        self.drop_inherited()
        renew_in_children(self)

    def drop_inherited(self) -> None:
        """Forget the comparisons that run and wait in the parent process."""
        self._mutex = threading.Lock()
        self._holders: dict[Hashable, QueuePosition] = {}
        self._running: set[QueuePosition] = set()
        #: By network, in the order in which the next slot is offered; in each the longest wait comes first.
        self._waiting: dict[str, dict[QueuePosition, None]] = {}
        self._count = 0

    @property
    def waiting(self) -> int:
        """How many comparisons wait."""
        return self._count

    @property
    def running(self) -> int:
        """How many comparisons run."""
        return len(self._running)

    def ask(self, position: QueuePosition, needs: Need, wake: Callable[[], None]) -> bool:
        """
        Give *position* what it needs, or let it wait.

        Args:
            position: One comparison.
            needs: What it asks for: first the lock, then a slot.
            wake: Called from any thread, once, when *position* has what it needs or is refused.  It must not block; it
                raises ``RuntimeError`` if nothing can be woken any more.

        Returns:
            Whether it was given at once.

        Raises:
            Unavailable: If it would have to wait and the queue is full.
        """
        with self._mutex:
            if self._give(position, needs):
                return True
            self._evict_if_full(position)
            position.needs, position.wake = needs, wake
            self._waiting.setdefault(position.network, {})[position] = None
            self._count += 1
            return False

    def has(self, position: QueuePosition, needs: Need) -> bool:
        """Tell whether *position* has what it asked for; it stops waiting."""
        with self._mutex:
            self._stop_waiting(position)
            return self._holders.get(position.key) is position if needs == "lock" else position in self._running

    def leave_slot(self, position: QueuePosition) -> None:
        """Give the slot back, from any thread; do nothing if there is none."""
        with self._mutex:
            self._stop_waiting(position)
            self._running.discard(position)
            if position.is_over:
                self._pass_lock_on(position)
            self._fill_slots()

    def leave(self, position: QueuePosition) -> None:
        """End *position*; its lock passes on now, or when its comparison has stopped."""
        with self._mutex:
            self._stop_waiting(position)
            position.is_over = True
            if position not in self._running:
                self._pass_lock_on(position)
                self._fill_slots()

    def _give(self, position: QueuePosition, needs: Need) -> bool:
        if needs == "lock":
            return self._holders.setdefault(position.key, position) is position
        if not self._may_run(position):
            return False
        self._running.add(position)
        return True

    def _may_run(self, position: QueuePosition) -> bool:
        if len(self._running) >= self._at_once:
            return False
        if self._at_once_per_network >= self._at_once:
            return True
        return sum(other.network == position.network for other in self._running) < self._at_once_per_network

    def _evict_if_full(self, position: QueuePosition) -> None:
        if self._count < self._limit:
            return
        none: dict[QueuePosition, None] = {}
        most = max(self._waiting.values(), key=len, default=none)
        if len(self._waiting.get(position.network, ())) >= self._share or len(most) <= self._share:
            raise Unavailable("too many passwords wait to be checked")
        newest = next(reversed(most))
        self._stop_waiting(newest)
        self._wake(newest)

    def _stop_waiting(self, position: QueuePosition) -> None:
        if position.needs is None:
            return
        position.needs = None
        same_network = self._waiting[position.network]
        del same_network[position]
        if not same_network:
            del self._waiting[position.network]
        self._count -= 1

    def _pass_lock_on(self, position: QueuePosition) -> None:
        if self._holders.get(position.key) is not position:
            return
        del self._holders[position.key]
        # Positions with the same key are in the same network.
        for other in self._waiting.get(position.network, ()):
            if other.needs == "lock" and other.key == position.key:
                self._holders[position.key] = other
                self._stop_waiting(other)
                self._wake(other)
                return

    def _fill_slots(self) -> None:
        while (position := self._next()) is not None:
            self._running.add(position)
            self._stop_waiting(position)
            self._wake(position)

    def _next(self) -> QueuePosition | None:
        if len(self._running) >= self._at_once:
            return None
        for network, positions in self._waiting.items():
            position = next((each for each in positions if each.needs == "slot" and self._may_run(each)), None)
            if position is not None:
                # The other networks are offered the next slot first.
                self._waiting[network] = self._waiting.pop(network)
                return position
        return None

    def _wake(self, position: QueuePosition) -> None:
        try:
            position.wake()
        except RuntimeError:
            # Its loop was closed while it waited: nothing will leave for it.
            position.is_over = True
            self._running.discard(position)
            self._pass_lock_on(position)
