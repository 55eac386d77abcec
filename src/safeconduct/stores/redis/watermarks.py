"""
Keep a high-watermark for each shard: the latest that a process knows of a store's data, in memory and in a local file.

A *line* names the changes that one run of a server made to the data, a *head* the latest of them.  A process that knows
a head that the data does not have proves that the data was set back to an earlier state; the scripts compare the two.
Where every process has ended, the file knows: the processes of a machine share it, each reads, merges and replaces it
under a lock, and a reader always sees one whole state.
"""

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from safeconduct._core.event_dispatcher import write_log
from safeconduct.errors import ConfigurationError

_NO_HEAD: Final = b"0-0"
_WRITTEN_EVERY_SECONDS: Final = 1.0
_VERSION: Final = 1
_logger = logging.getLogger("safeconduct.stores")


@dataclass(frozen=True, slots=True)
class Watermark:
    """The latest state of a shard's data that a process has seen."""

    epoch: str
    #: When the epoch began.
    started_ms: int
    #: Which run of the server made the latest changes; drawn at random by the script that noticed the run.
    line: bytes
    #: The id of a change in the shard's log; ids grow.
    head: bytes = _NO_HEAD

    @property
    def order(self) -> tuple[int, int]:
        """The head as two numbers, by which watermarks of one epoch are compared."""
        milliseconds, _, number = self.head.partition(b"-")
        return int(milliseconds), int(number)

    def is_later_than(self, known: "Watermark") -> bool:
        """Return whether this watermark knows at least as much as *known*."""
        if self.epoch != known.epoch:
            return self.started_ms >= known.started_ms
        # Of two lines the one with the larger head knows more, whichever came first.
        return self.order >= known.order


#: What scripts are sent about a shard of which this process has seen nothing.
UNKNOWN: Final = Watermark(epoch="", started_ms=0, line=b"", head=b"")


class Watermarks:
    """
    Keep the latest watermark of each shard; both worlds share one instance.

    Args:
        file: Where the watermarks outlive the process; None where they end with it.
        monotonic: A clock that never goes back, in seconds.
    """

    __slots__ = ("_file", "_lock", "_monotonic", "_written_at", "known", "pending")

    def __init__(self, file: "EpochFile | None" = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._monotonic = monotonic
        #: By shard.
        self.known: dict[int, Watermark] = {} if file is None else file.read()
        #: Those that the file does not have yet.
        self.pending: dict[int, Watermark] = {}
        self._written_at = float("-inf")
        self.reset_lock()

    def reset_lock(self) -> None:
        """Make a lock that no thread holds: in a new process, or a forked one, which keeps its parent's watermarks."""
        self._lock = threading.Lock()

    def keep(self, shard: int, watermark: Watermark, *, is_own: bool = False) -> None:
        """
        Keep the watermark of a reply, unless the reply was late and a later watermark is known.

        The changes of other processes are written at most once a second, this process's own (*is_own*) at once.
        """
        known = self.known.get(shard)
        if watermark != known:
            with self._lock:
                known = self.known.get(shard)
                if known is None or watermark.is_later_than(known):
                    self.known[shard] = watermark
                    if self._file is not None:
                        self.pending[shard] = watermark
        if self.pending and (is_own or self._is_due()):
            self.flush()

    def flush(self) -> None:
        """Write the watermarks that the file does not have yet."""
        if self._file is None:
            return
        with self._lock:
            pending, self.pending = self.pending, {}
            self._written_at = self._monotonic()
            if pending and not self._file.merge(pending):
                self.pending = pending

    def _is_due(self) -> bool:
        return self._monotonic() - self._written_at >= _WRITTEN_EVERY_SECONDS


class EpochFile:
    """
    Keep watermarks in a local file, ``revocation.epoch_file``.

    Args:
        path: The file; it need not exist yet.

    Raises:
        ConfigurationError: If its folder does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_logged = False
        if not path.parent.is_dir():
            raise ConfigurationError(f"revocation.epoch_file: {path.parent} is not a folder; wanted an existing one")

    def read(self) -> dict[int, Watermark]:
        """
        Return the watermarks by shard; none where there is no file yet.

        Raises:
            ConfigurationError: If it cannot be read, because what it knew would be forgotten.
        """
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        try:
            return _read_watermarks(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._unreadable(error) from error

    def merge(self, watermarks: Mapping[int, Watermark]) -> bool:
        """
        Write those of *watermarks* that are later than the file's; return False if that fails, which is logged once.

        Another process that is writing is not waited for, because this may run on an event loop: the result is False,
        and the watermarks are written with the next ones.
        """
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                known = self.read()
                later = {shard: each for shard, each in watermarks.items() if _is_news(each, known.get(shard))}
                if later:
                    self._replace(known | later)
        except BlockingIOError:
            return False
        except (OSError, ConfigurationError) as error:
            self._log_once(type(error).__name__)
            return False
        return True

    def put(self, watermarks: Mapping[int, Watermark]) -> None:
        """
        Write *watermarks* and forget all others, because an operator accepts the store as it is.

        Raises:
            OSError: If it cannot be written.
        """
        with self._locked(fcntl.LOCK_EX):
            self._replace(watermarks)

    def _log_once(self, reason: str) -> None:
        if not self._is_logged:
            self._is_logged = True
            write_log(_logger, logging.ERROR, "revocation.epoch_file cannot be written: %s", reason)

    def _replace(self, watermarks: Mapping[int, Watermark]) -> None:
        written = {
            str(shard): {
                "epoch": watermark.epoch,
                "epoch_ms": watermark.started_ms,
                "line": watermark.line.hex(),
                "head": watermark.head.decode(),
            }
            for shard, watermark in sorted(watermarks.items())
        }
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_text(json.dumps({"version": _VERSION, "shards": written}), "utf-8")
        draft.replace(self._path)

    @contextmanager
    def _locked(self, operation: int) -> Generator[None]:
        # A separate file, because a lock on a file that is replaced excludes no one.
        with self._path.with_name(f"{self._path.name}.lock").open("a") as lock:
            fcntl.flock(lock, operation)
            yield

    def _unreadable(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"revocation.epoch_file: {self._path} cannot be read ({type(error).__name__}), wanted the file as it was "
            "written.  Without it a loss of the store's data may go unnoticed; remove the file to accept that"
        )


def _is_news(watermark: Watermark, known: Watermark | None) -> bool:
    return known is None or (watermark != known and watermark.is_later_than(known))


def _read_watermarks(content: Any) -> dict[int, Watermark]:
    if content["version"] != _VERSION:
        raise ValueError("another version")
    return {int(shard): _read_watermark(fields) for shard, fields in content["shards"].items()}


def _read_watermark(fields: Any) -> Watermark:
    line, head = bytes.fromhex(fields["line"]), fields["head"].encode()
    watermark = Watermark(str(fields["epoch"]), int(fields["epoch_ms"]), line, head)
    # A head that cannot be compared is found now, and not by a request.
    _ = watermark.order
    return watermark
