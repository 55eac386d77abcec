"""
Read a whole file at a path that a user gives, if it is a regular file.

Opening a FIFO waits for a writer, and opening a device may do anything.  So the file type is checked before the file is
opened, the file is opened without blocking, and the type is checked again.
"""

import errno
import os
import stat
from pathlib import Path


class NotRegularFile(OSError):
    """The path leads to something other than a regular file."""


class FileTooLarge(OSError):
    """The file is larger than the caller allows."""


def read_regular_file(path: Path, *, at_most_bytes: int | None = None) -> tuple[bytes, os.stat_result]:
    """
    Return the contents of the file at *path*, and its status.

    Args:
        path: The file, or a link to it.
        at_most_bytes: The maximum size; None for any size.

    Raises:
        NotRegularFile: If the path leads to a folder, a FIFO, a socket or a device.
        FileTooLarge: If the file is larger than *at_most_bytes*.
        OSError: If the file can't be read.
    """
    _require_regular(path, path.stat())
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        # The file may have been replaced since the first check.
        _require_regular(path, status)
        data = file.read() if at_most_bytes is None else file.read(at_most_bytes + 1)
    if at_most_bytes is not None and len(data) > at_most_bytes:
        raise FileTooLarge(errno.EFBIG, f"larger than {at_most_bytes} bytes", str(path))
    return data, status


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularFile(errno.EINVAL, f"{_kind(status.st_mode)}, not a regular file", str(path))


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")
