"""Read the files of a key source, and see from their status whether they have changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from safeconduct._keys.keyset import MAX_KEYS
from safeconduct._tokens.reader import read_object
from safeconduct.config.regular_files import NotRegularFile, read_regular_file
from safeconduct.errors import MalformedToken

MAX_FILE_BYTES: Final = 1024 * 1024

Documents = Mapping[str, Mapping[str, Any]]
"""The content of each file, by its name."""


class FileStatus(NamedTuple):
    """The status of a file; if any part of it changes, the file is read again."""

    name: str
    modified_ns: int = 0
    changed_ns: int = 0
    size: int = 0
    inode: int = 0
    mode: int = 0


class Reading(NamedTuple):
    """The result of reading a source once."""

    documents: Documents
    #: Why a file could not be read, by its name; its document, if there is one, is from an earlier reading.
    unreadable: Mapping[str, str]

    @property
    def problem(self) -> str:
        """Describe what could not be read; empty if everything could."""
        return "; ".join(f"{name}: {reason}" for name, reason in self.unreadable.items())


def statuses_of(path: Path) -> tuple[FileStatus, ...]:
    """
    Return the status of the file, or of each key file in the folder, at *path*.

    Raises:
        OSError: If the folder can't be listed, or the file can't be found.
    """
    if not path.is_dir():
        return (_status(path),)
    return tuple(_status_or_name(each) for each in key_files(path))


def key_files(folder: Path) -> list[Path]:
    """
    Return the files of a folder that are meant as keys: ``*.json``, not hidden.

    Raises:
        OSError: If the folder can't be listed.
    """
    return sorted(each for each in folder.iterdir() if each.suffix == ".json" and not each.name.startswith("."))


def read_folder(folder: Path, before: Documents) -> Reading:
    """
    Read each file of a folder by itself, so that an unreadable file does not affect the others.

    Args:
        folder: The folder.
        before: The documents from the last reading.

    Raises:
        OSError: If the folder can't be listed.
    """
    documents: dict[str, Mapping[str, Any]] = {}
    unreadable: dict[str, str] = {}
    files = key_files(folder)
    if len(files) > MAX_KEYS:
        # It is unknown which files are too many, so only files that were read before stay in use.
        unreadable[folder.name] = f"more than {MAX_KEYS} files"
        files = [each for each in files if each.name in before]
    for path in files:
        name = path.name
        try:
            documents[name] = _read_jwk(path)
        except (FileNotFoundError, NotADirectoryError, NotRegularFile) as error:
            # The file with the key is gone: its name is now that of a dangling link, a folder, a FIFO or the like.
            unreadable[name] = str(error.strerror)
        except (OSError, MalformedToken) as error:
            unreadable[name] = str(error.strerror) if isinstance(error, OSError) else "not a JWK"
            if name in before:
                documents[name] = before[name]
    return Reading(documents, unreadable)


def read_file(path: Path) -> Reading:
    """
    Read a file with a JWK Set.

    Raises:
        OSError: If the file can't be read.
        MalformedToken: If it contains no JSON object.
    """
    data, _ = read_regular_file(path, at_most_bytes=MAX_FILE_BYTES)
    return Reading({path.name: read_object(data)}, {})


def _read_jwk(path: Path) -> Mapping[str, Any]:
    """Read a file of a folder; a JWK whose kid differs from the file name becomes one that the key set skips."""
    jwk = read_object(read_regular_file(path, at_most_bytes=MAX_FILE_BYTES)[0])
    return jwk if jwk.setdefault("kid", path.stem) == path.stem else {"kid": path.stem}


def _status(path: Path) -> FileStatus:
    status = path.stat()
    return FileStatus(path.name, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_mode)


def _status_or_name(path: Path) -> FileStatus:
    try:
        return _status(path)
    except OSError:
        return FileStatus(path.name)
