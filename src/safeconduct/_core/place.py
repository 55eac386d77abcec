"""A place among those who want to have a password compared: made and moved by the port of the directory alone."""

from collections.abc import Callable, Hashable
from typing import Literal

Need = Literal["turn", "slot"]
"""What a comparison needs, in this order: the turn of its account and network, and one of the slots for hashing."""


class Place:
    """
    One comparison, from when it asks for its turn to its end.

    Args:
        key: Its account and network; two with one key never run at once.
        network: Where it comes from.
        until: When it stops waiting, by the clock of whoever waits.
    """

    __slots__ = ("is_over", "key", "needs", "network", "until", "wake")

    def __init__(self, key: Hashable, network: str, until: float) -> None:
        self.key = key
        self.network = network
        self.until = until
        #: What it waits for; None while it waits for nothing.
        self.needs: Need | None = None
        self.wake: Callable[[], None] = _nobody
        #: Whether nobody is interested any more; a slot may still be taken, by a thread that can't be stopped.
        self.is_over = False


def _nobody() -> None:
    """Wake nobody."""
