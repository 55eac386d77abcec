"""Close an ``Auth`` when the interpreter ends, without keeping it alive until then."""

import atexit
import weakref
from typing import Protocol


class Closable(Protocol):
    """Holds connections until it is closed."""

    def close(self) -> None:
        """Close them; idempotent."""
        ...


def close_at_exit(closable: Closable) -> None:
    """Close *closable* when the interpreter ends, if it is alive then."""
    alive: weakref.ref[Closable] = weakref.ref(closable)

    def close() -> None:
        living = alive()
        if living is not None:
            living.close()

    atexit.register(close)
    weakref.finalize(closable, atexit.unregister, close)
