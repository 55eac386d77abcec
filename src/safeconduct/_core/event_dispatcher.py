"""Report events to the log and to every listener, none of which can change how a request is answered."""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import fields
from typing import Final, Protocol, runtime_checkable

from safeconduct._core.log_lines import LINES, PERIOD_SECONDS, LineBudget, places_of, printable
from safeconduct.events import Event, Fault, HookFailed, RequestRefused

Listener = Callable[[Event], None]
"""A plain function that takes an event and does not block."""


@runtime_checkable
class Tracer(Protocol):
    """A listener that makes a span for each step of a request, too."""

    def span(self, name: str) -> AbstractContextManager[object]:
        """Return a context manager that is entered before the step *name* and left after it; it must not block."""
        ...


_LOGGER: Final = logging.getLogger("safeconduct")
_LEFT_OUT: Final = "%d refusals before this one were left out of the log"
_LIMIT_REACHED: Final = "refusals are left out of the log from here: it gets %d in %d seconds"
#: How ``logging`` begins the error for an attribute that a record has already.
_OVERWRITTEN: Final = '("Attempt to overwrite'


class EventDispatcher:
    """
    Hand each event to the log and to every listener; a listener that raises is logged and changes nothing.

    Only an ``Exception`` is suppressed: an interrupt, an exit or a cancellation goes on.

    Args:
        listeners: They get every event.
        clock: The current time in seconds.  The log gets a bounded number of refusals in a minute, since anyone can
            cause them.
    """

    def __init__(self, listeners: Iterable[Listener] = (), *, clock: Callable[[], float]) -> None:
        self._listeners = tuple(listeners)
        # Requests without a credential, which are many on any public server, do not use up the lines of the others.
        self._budgets = {level: LineBudget(clock) for level in (logging.INFO, logging.WARNING)}

    def __call__(self, event: Event) -> None:
        """Log *event* and pass it to every listener."""
        if isinstance(event, RequestRefused):
            self._log_refusal(event)
        else:
            _log_event(event)
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as fault:  # noqa: BLE001 - an author's hook must not decide about a request
                log_fault(_LOGGER, f"the listener {_name_of(listener)} failed", fault)

    def _log_refusal(self, event: RequestRefused) -> None:
        level = event.log_level
        if not _LOGGER.isEnabledFor(level):
            return
        ration = self._budgets[level].take()
        if ration.left_out:
            write_log(_LOGGER, level, _LEFT_OUT, ration.left_out, extra={"left_out": ration.left_out})
        if ration.is_written:
            _log_event(event)
        if ration.is_last:
            write_log(_LOGGER, level, _LIMIT_REACHED, LINES, PERIOD_SECONDS)


def report_fault(announce: Listener, fault: BaseException, *, where: str) -> None:
    """Announce an exception that must not have been raised, and write its traceback to the log at DEBUG."""
    announce(Fault(error=type(fault).__name__, where=where, places=places_of(fault)))
    _log_traceback(_LOGGER, "a fault", fault)


def report_failed_hook(announce: Listener, fault: BaseException, *, hook: str) -> None:
    """Announce that a hook of the application failed, and write the traceback to the log at DEBUG."""
    announce(HookFailed(error=type(fault).__name__, hook=hook, places=places_of(fault)))
    _log_traceback(_LOGGER, "a failed hook", fault)


def log_fault(logger: logging.Logger, what: str, fault: BaseException) -> None:
    """
    Log at ERROR that code of the application raised *fault*, and at DEBUG the whole traceback.

    The line at ERROR has the class of *fault* and the places that it went through, and not its message, which may quote
    a password or a token.
    """
    name, places = type(fault).__name__, places_of(fault)
    extra = {"error": name, "places": places}
    message = "%s: %s at %s"
    write_log(
        logger, logging.ERROR, message, what, printable(name), ", ".join(places) or "?", extra=extra, stacklevel=2
    )
    _log_traceback(logger, what, fault)


def _log_event(event: Event) -> None:
    named = {field.name: getattr(event, field.name) for field in fields(event)}
    # As %r, so that nothing in a field can begin a log line of its own (ASVS 16.4.1).
    write_log(_LOGGER, event.log_level, "%r", event, extra={"event": event, **named})


def _log_traceback(logger: logging.Logger, what: str, fault: BaseException) -> None:
    write_log(logger, logging.DEBUG, "the traceback of %s", what, exc_info=fault, stacklevel=2)


def _name_of(listener: object) -> str:
    # Not its representation, which may show what it holds.
    return printable(str(getattr(listener, "__qualname__", type(listener).__qualname__)))


def write_log(
    logger: logging.Logger,
    level: int,
    message: str,
    *arguments: object,
    extra: Mapping[str, object] | None = None,
    exc_info: BaseException | None = None,
    stacklevel: int = 1,
) -> None:
    """
    Write one line to *logger*, and suppress exceptions of its handlers, filters and record factories.

    ``logging`` itself guards only its own handlers.  Only an ``Exception`` is suppressed: an interrupt, an exit, or a
    cancellation by the event loop or by gevent goes on.
    """
    place = stacklevel + 1
    try:
        try:
            logger.log(level, message, *arguments, extra=extra, exc_info=exc_info, stacklevel=place)
        except KeyError as fault:
            # The application's record factory has set an attribute of the same name, such as ``request_id``.
            if extra is None or not str(fault.args[:1]).startswith(_OVERWRITTEN):
                raise
            logger.log(level, message, *arguments, exc_info=exc_info, stacklevel=place)
    except Exception as fault:  # noqa: BLE001 - the application's logging must not decide about a request
        _report_to_stderr(fault)


def _report_to_stderr(fault: Exception) -> None:
    """Report that logging is broken, as ``logging.Handler.handleError`` does and under the same conditions."""
    if logging.raiseExceptions and sys.stderr:
        # A closed or full stream must not fail the request either.
        with contextlib.suppress(Exception):
            # Only the class: the text of the exception may quote what was to be logged.
            sys.stderr.write(f"safeconduct: the log raised {type(fault).__name__}\n")
