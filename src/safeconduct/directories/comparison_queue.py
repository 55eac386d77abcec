"""
Who may compare a password now, and who waits: for all threads and all loops of a process.

A comparison needs two things, in this order: the turn of its account and network, which one has at a time, and a slot,
of which there are as many as may run at once.  Whoever lacks one waits.  The slots go round the networks, so that many
who wait in one network do not delay the others; within a network the first one to come is the first one to go.

A full queue still takes a network that has less than a quarter of it: the network that has the most, and more than a
quarter, gives up its newest place.  A fixed quarter would refuse an office behind one address while the rest is empty.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Final

from safeconduct._core.directory import Need, QueuePosition
from safeconduct.directories.locks import renew_in_children
from safeconduct.errors import ConfigurationError, Unavailable

_SHARE_OF_A_NETWORK: Final = 4


class ComparisonQueue:
    """
    Give turns and slots; never blocks, and whoever must wait is woken.

    Args:
        at_once: How many comparisons may run at once.
        waiting: How many more may wait.
        at_once_per_network: How many of those that run may come from one network; *at_once* where it is None.

    Raises:
        ConfigurationError: If nothing could ever run.
    """

    def __init__(self, *, at_once: int, waiting: int, at_once_per_network: int | None = None) -> None:
        if at_once < 1:
            raise ConfigurationError(f"at_once must be 1 or more, got {at_once}")
        self._at_once = at_once
        self._at_once_per_network = at_once if at_once_per_network is None else at_once_per_network
        self._limit = waiting
        self._share = max(1, waiting // _SHARE_OF_A_NETWORK)
        self.drop_inherited()
        renew_in_children(self)

    def drop_inherited(self) -> None:
        """Forget who runs and who waits: they are in the parent."""
        self._guard = threading.Lock()
        self._turns: dict[Hashable, QueuePosition] = {}
        self._running: set[QueuePosition] = set()
        #: By network, in the order in which the next slot is offered; in each the longest wait first.
        self._waiting: dict[str, dict[QueuePosition, None]] = {}
        self._count = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._count

    @property
    def running(self) -> int:
        """How many comparisons run."""
        return len(self._running)

    def ask(self, place: QueuePosition, needs: Need, wake: Callable[[], None]) -> bool:
        """
        Give *place* what it needs, or let it wait.

        Args:
            place: A turn is asked for first, then a slot.
            needs: What is asked for.
            wake: Called from any thread, once, when *place* has what it needs or is refused; must not block, and
                raises ``RuntimeError`` if nobody is there to be woken.

        Returns:
            Whether it was given at once.

        Raises:
            Unavailable: If it would have to wait and the queue is full.
        """
        with self._guard:
            if self._give(place, needs):
                return True
            self._free_a_place(place)
            place.needs, place.wake = needs, wake
            self._waiting.setdefault(place.network, {})[place] = None
            self._count += 1
            return False

    def has(self, place: QueuePosition, needs: Need) -> bool:
        """Say whether *place* has what it asked for; it waits no longer."""
        with self._guard:
            self._stop_waiting(place)
            return self._turns.get(place.key) is place if needs == "turn" else place in self._running

    def leave_slot(self, place: QueuePosition) -> None:
        """Give the slot back, from whichever thread; harmless where there is none."""
        with self._guard:
            self._stop_waiting(place)
            self._running.discard(place)
            if place.is_over:
                self._pass_turn(place)
            self._fill()

    def leave(self, place: QueuePosition) -> None:
        """End *place*; its turn passes on now, or when the comparison has stopped."""
        with self._guard:
            self._stop_waiting(place)
            place.is_over = True
            if place not in self._running:
                self._pass_turn(place)
                self._fill()

    def _give(self, place: QueuePosition, needs: Need) -> bool:
        if needs == "turn":
            return self._turns.setdefault(place.key, place) is place
        if not self._may_run(place):
            return False
        self._running.add(place)
        return True

    def _may_run(self, place: QueuePosition) -> bool:
        if len(self._running) >= self._at_once:
            return False
        if self._at_once_per_network >= self._at_once:
            return True
        return sum(other.network == place.network for other in self._running) < self._at_once_per_network

    def _free_a_place(self, place: QueuePosition) -> None:
        if self._count < self._limit:
            return
        nobody: dict[QueuePosition, None] = {}
        most = max(self._waiting.values(), key=len, default=nobody)
        if len(self._waiting.get(place.network, ())) >= self._share or len(most) <= self._share:
            raise Unavailable("too many passwords wait to be checked")
        newest = next(reversed(most))
        self._stop_waiting(newest)
        self._rouse(newest)

    def _stop_waiting(self, place: QueuePosition) -> None:
        if place.needs is None:
            return
        place.needs = None
        neighbours = self._waiting[place.network]
        del neighbours[place]
        if not neighbours:
            del self._waiting[place.network]
        self._count -= 1

    def _pass_turn(self, place: QueuePosition) -> None:
        if self._turns.get(place.key) is not place:
            return
        del self._turns[place.key]
        # Whoever has the same key is in the same network.
        for other in self._waiting.get(place.network, ()):
            if other.needs == "turn" and other.key == place.key:
                self._turns[place.key] = other
                self._stop_waiting(other)
                self._rouse(other)
                return

    def _fill(self) -> None:
        while (place := self._next()) is not None:
            self._running.add(place)
            self._stop_waiting(place)
            self._rouse(place)

    def _next(self) -> QueuePosition | None:
        if len(self._running) >= self._at_once:
            return None
        for network, places in self._waiting.items():
            place = next((place for place in places if place.needs == "slot" and self._may_run(place)), None)
            if place is not None:
                # The others are offered the next slot first.
                self._waiting[network] = self._waiting.pop(network)
                return place
        return None

    def _rouse(self, place: QueuePosition) -> None:
        try:
            place.wake()
        except RuntimeError:
            # Its loop has ended without a word: nobody will leave for it.
            place.is_over = True
            self._running.discard(place)
            self._pass_turn(place)
