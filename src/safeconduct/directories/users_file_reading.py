"""Read a users file from the disk, and tell its versions apart."""

import os
from pathlib import Path
from typing import NamedTuple

from safeconduct.config.regular_files import NotRegularFile, read_regular_file
from safeconduct.directories.users_file_format import UnreadableUsers, UserRecord, read_users


class FileVersion(NamedTuple):
    """What changes when a file is written or replaced."""

    modified_ns: int
    size: int
    inode: int


def read_users_file(path: Path) -> tuple[dict[str, UserRecord], FileVersion]:
    """
    Return the users in the file at *path*, and its version.

    Raises:
        UnreadableUsers: If it cannot be opened, or is not a users file.
    """
    try:
        data, status = read_regular_file(path)
        text = data.decode()
    except NotRegularFile as error:
        raise UnreadableUsers(f"it is {error.strerror}") from error
    except OSError as error:
        raise UnreadableUsers(f"it can't be opened: {type(error).__name__}") from error
    except UnicodeDecodeError:
        raise UnreadableUsers("it is not UTF-8") from None
    return read_users(text), _version(status)


def version_of(path: Path) -> FileVersion:
    """
    Return the version of the file at *path* without reading it.

    Raises:
        UnreadableUsers: If there is none.
    """
    try:
        return _version(path.stat())
    except OSError as error:
        raise UnreadableUsers(f"it can't be found: {type(error).__name__}") from error


def _version(status: os.stat_result) -> FileVersion:
    return FileVersion(status.st_mtime_ns, status.st_size, status.st_ino)
