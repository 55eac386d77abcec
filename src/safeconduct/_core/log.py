"""Write to the standard log so that what listens there cannot change an answer."""

import contextlib
import logging
import sys
from collections.abc import Mapping


def write_log(
    logger: logging.Logger, level: int, message: str, *arguments: object, extra: Mapping[str, object] | None = None
) -> None:
    """
    Write one line to *logger*; an exception of a handler, a filter or a record factory ends here.

    ``logging`` itself guards only the handlers that it brings.  What is no ``Exception`` passes: it is an interrupt,
    an exit, or a cancellation by the loop or by gevent, and not ours to swallow.
    """
    try:
        logger.log(level, message, *arguments, extra=extra, stacklevel=2)
    except Exception as fault:  # noqa: BLE001 - the log is the application's; it must not decide about a request
        _tell_of(fault)


def _tell_of(fault: Exception) -> None:
    """Say that the log is broken, in the way and under the condition of ``logging.Handler.handleError``."""
    if logging.raiseExceptions and sys.stderr:
        # A closed or a full stream is no reason to fail either.
        with contextlib.suppress(Exception):
            # The class alone: the text of the exception may hold what was to be logged.
            sys.stderr.write(f"safeconduct: the log raised {type(fault).__name__}\n")
