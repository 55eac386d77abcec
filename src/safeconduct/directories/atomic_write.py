"""Replace a file in one step, one writer at a time; a reader sees the old file or the new one."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def lock_file(path: Path, *, waits: bool = True) -> Generator[None]:
    """
    Keep other writers from *path* while the block runs.

    Raises:
        BlockingIOError: If *waits* is false and another writer holds the lock.
        OSError: If the folder of *path* cannot be opened.
    """
    # The folder is locked, since the file itself is replaced.
    with lock_folder(path.resolve().parent, waits=waits):
        yield


@contextmanager
def lock_folder(path: Path, *, waits: bool = True) -> Generator[None]:
    """
    Keep other writers from the folder *path* while the block runs.

    Raises:
        BlockingIOError: If *waits* is false and another writer holds the lock.
        OSError: If it cannot be opened.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        # A new name survives a crash only once its folder is written.
        os.fsync(folder)
    finally:
        os.close(folder)


def replace_file(path: Path, text: str, *, keeps_rights: bool = False) -> None:
    """
    Replace *path* with a file that holds *text*.

    Args:
        path: The file, or a link to it, which stays.
        text: The content of the new file.
        keeps_rights: Whether the owner and mode must be those of the old file.  If not, only the owner can read it; the
            owner is that of the old file if the writer may give files away.

    Raises:
        OSError: If it cannot be written; the old file stays.
    """
    target = path.resolve()
    # `mkstemp` creates it with mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if target.exists():
                _take_over_rights(descriptor, target.stat(), keeps_rights=keeps_rights)
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def _take_over_rights(descriptor: int, old: os.stat_result, *, keeps_rights: bool) -> None:
    if keeps_rights:
        os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        return
    # An administrator who writes must not lock the server out of its own file.
    with suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
