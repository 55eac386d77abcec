"""The files of a key source, as they look from outside and as they read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from safeconduct._keys.keyset import MAX_KEYS
from safeconduct._tokens.reader import read_object
from safeconduct.config.regular_files import NotRegularFile, read_regular_file
from safeconduct.errors import MalformedToken

MAX_FILE_BYTES: Final = 1024 * 1024

Documents = Mapping[str, Mapping[str, Any]]
"""What each file holds, by the file's name."""


class Sight(NamedTuple):
    """A file as it looks from outside; a change of any of these is a change of the keys."""

    name: str
    modified_ns: int = 0
    changed_ns: int = 0
    size: int = 0
    inode: int = 0
    mode: int = 0


class Reading(NamedTuple):
    """What one reading of a source found."""

    documents: Documents
    #: Why a file could not be read, by its name; a document of it is that of an earlier reading.
    unreadable: Mapping[str, str]

    @property
    def trouble(self) -> str:
        """What could not be read, in words; empty if everything could."""
        return "; ".join(f"{name}: {reason}" for name, reason in self.unreadable.items())


def look_at(path: Path) -> tuple[Sight, ...]:
    """
    Return what lies at *path*, as far as it can be seen without reading it.

    Raises:
        OSError: If the folder can't be listed, or the file can't be found.
    """
    if not path.is_dir():
        return (_sight(path),)
    return tuple(_sight_or_name(each) for each in key_files(path))


def key_files(folder: Path) -> list[Path]:
    """
    Return the files of a folder that are meant as keys.

    Raises:
        OSError: If it can't be listed.
    """
    return sorted(each for each in folder.iterdir() if each.suffix == ".json" and not each.name.startswith("."))


def read_folder(folder: Path, before: Documents) -> Reading:
    """
    Read each file of a folder by itself: what is wrong with one is nothing to the others.

    Args:
        folder: Where they lie.
        before: What the files held when they were last read.

    Raises:
        OSError: If it can't be listed.
    """
    documents: dict[str, Mapping[str, Any]] = {}
    unreadable: dict[str, str] = {}
    files = key_files(folder)
    if len(files) > MAX_KEYS:
        # Which of them are too many nobody can say; those that were there go on, and removals among them hold.
        unreadable[folder.name] = f"more than {MAX_KEYS} files"
        files = [each for each in files if each.name in before]
    for path in files:
        name = path.name
        try:
            documents[name] = _read_jwk(path)
        except (FileNotFoundError, NotADirectoryError, NotRegularFile) as error:
            # The file that held the key is gone; what has its name now is a dangling link, a folder or a FIFO.
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
        OSError: If it can't be read.
        MalformedToken: If it is no JSON object.
    """
    data, _ = read_regular_file(path, at_most_bytes=MAX_FILE_BYTES)
    return Reading({path.name: read_object(data)}, {})


def _read_jwk(path: Path) -> Mapping[str, Any]:
    """Read one file of a folder; a JWK with another kid than the file's name is left for the set to skip."""
    jwk = read_object(read_regular_file(path, at_most_bytes=MAX_FILE_BYTES)[0])
    return jwk if jwk.setdefault("kid", path.stem) == path.stem else {"kid": path.stem}


def _sight(path: Path) -> Sight:
    status = path.stat()
    return Sight(path.name, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_mode)


def _sight_or_name(path: Path) -> Sight:
    try:
        return _sight(path)
    except OSError:
        return Sight(path.name)
