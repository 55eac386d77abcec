"""Tell every listener what happened; the standard ``logging`` hears everything first."""

import logging
from collections.abc import Callable, Iterable
from typing import Final

from safeconduct._core.log import write_log
from safeconduct.events import Event

Listener = Callable[[Event], None]
"""A plain function that takes an event and does not block."""

_LOGGER: Final = logging.getLogger("safeconduct")


class EventDispatcher:
    """
    Hands an event to the log and to each listener; one that raises is logged and changes nothing.

    Only an ``Exception`` counts as that: an interrupt, an exit or a cancellation goes on to whoever it is for.
    """

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners = tuple(listeners)

    def __call__(self, event: Event) -> None:
        """Tell everybody."""
        # As %r, so that nothing in a field can begin a line of its own (ASVS 16.4.1).
        write_log(_LOGGER, event.log_level, "%r", event, extra={"event": event})
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as fault:  # noqa: BLE001 - an author's hook must not decide about a request
                write_log(_LOGGER, logging.ERROR, "listener %r raised %s", listener, type(fault).__name__)
