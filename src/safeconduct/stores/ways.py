"""Which connections the running code may use: those of its loop, or those of all threads."""

from typing import Protocol

from safeconduct.stores.wire import Wire


class Ways(Protocol):
    """Finds the wire that the running code may use."""

    def wire(self) -> Wire:
        """Return it; raises ``Unavailable`` if there shall be none."""
        ...

    async def close(self) -> None:
        """Drop its connections."""
        ...
