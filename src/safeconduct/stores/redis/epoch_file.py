"""
A local file with the latest that the processes of a machine know of a store, so that it outlives all of them.

A process that knows something later than the store's data proves a loss; where every one has ended, the file knows.
Several processes share it: each reads, merges and replaces it under a lock, and a reader sees one whole state.
"""

import fcntl
import json
import logging
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safeconduct._core.log import write_log
from safeconduct.errors import ConfigurationError
from safeconduct.stores.redis.marks import Mark, is_later

_VERSION: Final = 1
_logger = logging.getLogger("safeconduct.stores")


class EpochFile:
    """
    Keep marks in a file.

    Args:
        path: Where it is, or will be.

    Raises:
        ConfigurationError: If its folder is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_told = False
        if not path.parent.is_dir():
            raise ConfigurationError(f"revocation.epoch_file: {path.parent} is no folder, wanted one that exists")

    def read(self) -> dict[int, Mark]:
        """
        Return the marks by their shards; none where there is no file yet.

        Raises:
            ConfigurationError: If it cannot be read: what it knew would be forgotten.
        """
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        try:
            return _marks(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._unreadable(error) from error

    def merge(self, marks: Mapping[int, Mark]) -> bool:
        """
        Write *marks*, where they are later than what the file has; False if that fails, which is told once.

        Another process that is writing just now is not waited for, since an event loop may run here: False, and the
        marks are written with the next ones.
        """
        try:
            with self._alone(fcntl.LOCK_EX | fcntl.LOCK_NB):
                known = self.read()
                later = {shard: mark for shard, mark in marks.items() if _is_news(mark, known.get(shard))}
                if later:
                    self._replace(known | later)
        except BlockingIOError:
            return False
        except (OSError, ConfigurationError) as error:
            self._tell(type(error).__name__)
            return False
        return True

    def put(self, marks: Mapping[int, Mark]) -> None:
        """
        Write *marks* and forget everything else: an operator believes the store as it is.

        Raises:
            OSError: If it cannot be written.
        """
        with self._alone(fcntl.LOCK_EX):
            self._replace(marks)

    def _tell(self, reason: str) -> None:
        if not self._is_told:
            self._is_told = True
            write_log(_logger, logging.ERROR, "revocation.epoch_file cannot be written: %s", reason)

    def _replace(self, marks: Mapping[int, Mark]) -> None:
        written = {
            str(shard): {
                "epoch": mark.epoch,
                "epoch_ms": mark.started_ms,
                "line": mark.line.hex(),
                "head": mark.head.decode(),
            }
            for shard, mark in sorted(marks.items())
        }
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_text(json.dumps({"version": _VERSION, "shards": written}), "utf-8")
        draft.replace(self._path)

    @contextmanager
    def _alone(self, operation: int) -> Generator[None]:
        # A file of its own: the other one is replaced, and a lock on what was replaced holds nobody off.
        with self._path.with_name(f"{self._path.name}.lock").open("a") as lock:
            fcntl.flock(lock, operation)
            yield

    def _unreadable(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"revocation.epoch_file: {self._path} cannot be read ({type(error).__name__}), wanted the file as it was "
            "written; without it a loss of the store's data may go unnoticed: remove it to accept that"
        )


def _is_news(mark: Mark, known: Mark | None) -> bool:
    return known is None or (mark != known and is_later(mark, known))


def _marks(content: Any) -> dict[int, Mark]:
    if content["version"] != _VERSION:
        raise ValueError("another version")
    return {int(shard): _mark(fields) for shard, fields in content["shards"].items()}


def _mark(fields: Any) -> Mark:
    mark = Mark(str(fields["epoch"]), int(fields["epoch_ms"]), bytes.fromhex(fields["line"]), fields["head"].encode())
    # Whether it can be compared is found out now, and not by a request.
    _ = mark.place
    return mark
