"""What a forked child must not inherit: locks that a thread of the parent holds, and pools without their threads."""

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that holds locks or threads."""

    def drop_inherited(self) -> None:
        """Begin anew, in a child process."""
        ...


_living: WeakSet[Forkable] = WeakSet()


def renew_in_children(thing: Forkable) -> None:
    """Have *thing* begin anew in each forked child, for as long as it lives."""
    _living.add(thing)


def _drop_all() -> None:
    for thing in list(_living):
        thing.drop_inherited()


os.register_at_fork(after_in_child=_drop_all)
