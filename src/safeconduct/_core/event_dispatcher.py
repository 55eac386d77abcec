"""Report events to the log and to every listener, none of which can change how a request is answered."""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Final, Protocol, runtime_checkable

from safeconduct.events import Event

Listener = Callable[[Event], None]
"""A plain function that takes an event and does not block."""


@runtime_checkable
class Tracer(Protocol):
    """A listener that makes a span for each step of a request, too."""

    def span(self, name: str) -> AbstractContextManager[object]:
        """Return a context manager that is entered before the step *name* and left after it; it must not block."""
        ...


_LOGGER: Final = logging.getLogger("safeconduct")


class EventDispatcher:
    """
    Hand each event to the log and to every listener; a listener that raises is logged and changes nothing.

    Only an ``Exception`` is suppressed: an interrupt, an exit or a cancellation goes on.
    """

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners = tuple(listeners)

    def __call__(self, event: Event) -> None:
        """Log *event* and pass it to every listener."""
        # As %r, so that nothing in a field can begin a log line of its own (ASVS 16.4.1).
        write_log(_LOGGER, event.log_level, "%r", event, extra={"event": event})
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as fault:  # noqa: BLE001 - an author's hook must not decide about a request
                write_log(_LOGGER, logging.ERROR, "listener %r raised %s", listener, type(fault).__name__)


def write_log(
    logger: logging.Logger, level: int, message: str, *arguments: object, extra: Mapping[str, object] | None = None
) -> None:
    """
    Write one line to *logger*, and suppress exceptions of its handlers, filters and record factories.

    ``logging`` itself guards only its own handlers.  Only an ``Exception`` is suppressed: an interrupt, an exit, or a
    cancellation by the event loop or by gevent goes on.
    """
    try:
        logger.log(level, message, *arguments, extra=extra, stacklevel=2)
    except Exception as fault:  # noqa: BLE001 - the application's logging must not decide about a request
        _report_to_stderr(fault)


def _report_to_stderr(fault: Exception) -> None:
    """Report that logging is broken, as ``logging.Handler.handleError`` does and under the same conditions."""
    if logging.raiseExceptions and sys.stderr:
        # A closed or full stream must not fail the request either.
        with contextlib.suppress(Exception):
            # Only the class: the text of the exception may quote what was to be logged.
            sys.stderr.write(f"safeconduct: the log raised {type(fault).__name__}\n")
