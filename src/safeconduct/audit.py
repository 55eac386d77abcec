"""Write an audit trail: every event as a line of JSON in a file."""

import json
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from typing import Final

from safeconduct.events import Event, RequestRefused, to_mapping

#: The lines name subjects, so only the user of the process may read them; an ACL may admit a log shipper.
_MODE: Final = 0o600


def is_audited(event: Event) -> bool:
    """Return True for every event except a request without a credential, which anyone sends who is not signed in."""
    return not (isinstance(event, RequestRefused) and event.error == "MissingCredential")


class AuditTrail:
    """
    Append events to a file, as a listener: ``Auth(config, listeners=[trail])``.

    A line has the ``time`` (RFC 3339, UTC), the ``event``, its ``severity`` and its fields; nothing in a field can
    begin a line of its own.  A file that was renamed or removed is opened anew, so that ``logrotate`` needs neither a
    signal nor ``copytruncate``.  Several processes may write to one file.  If a line cannot be written, the logger
    ``safeconduct`` says so, and the request goes on.

    Args:
        path: The file; it is created with mode 0600.
        includes: Says whether an event is written. Default: all but requests without a credential.
        clock: Returns the time in seconds since the epoch.

    Raises:
        OSError: If the file cannot be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        includes: Callable[[Event], bool] = is_audited,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = _File(path, encoding="utf-8")
        self._includes = includes
        self._clock = clock

    def __call__(self, event: Event) -> None:
        """
        Write *event* if it is to be audited.

        Raises:
            OSError: If it cannot be written.
        """
        if self._includes(event):
            moment = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
            line = json.dumps({"time": moment.replace("+00:00", "Z"), **to_mapping(event)}, separators=(",", ":"))
            self._file.handle(logging.makeLogRecord({"msg": line}))

    def close(self) -> None:
        """Close the file; idempotent."""
        self._file.close()


class _File(WatchedFileHandler):
    """Append lines to a file that only its owner can read, and raise what keeps them from being written."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_open_privately)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the name is logging's
        raise  # noqa: PLE0704 - called while an exception is handled


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, _MODE)
