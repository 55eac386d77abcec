"""Replace a file whole, one writer at a time; who reads it meanwhile has the old one or the new one."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def only_writer(path: Path, *, waits: bool = True) -> Generator[None]:
    """
    Let nobody else write *path* meanwhile.

    Raises:
        BlockingIOError: If somebody else does, and this one does not wait.
        OSError: If its folder can't be opened.
    """
    with only_writer_into(path.resolve().parent, waits=waits):
        yield


@contextmanager
def only_writer_into(path: Path, *, waits: bool = True) -> Generator[None]:
    """
    Let nobody else write into the folder *path* meanwhile.

    Raises:
        BlockingIOError: If somebody else does, and this one does not wait.
        OSError: If it can't be opened.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        # The new name is not there for good before its folder is written.
        os.fsync(folder)
    finally:
        os.close(folder)


def replace_file(path: Path, text: str, *, keeps_rights: bool = False) -> None:
    """
    Replace *path* by a file with *text*.

    Args:
        path: The file, or a link to it, which stays.
        text: All of the new file.
        keeps_rights: Whether owner and mode must be those of the old one; else the new one is for its owner alone,
            who is that of the old one where the writer may give files away.

    Raises:
        OSError: If it can't be written; the old one stays then.
    """
    target = path.resolve()
    # Opened for its owner alone (0600).
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if target.exists():
                _give_away(descriptor, target.stat(), keeps_rights=keeps_rights)
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def _give_away(descriptor: int, old: os.stat_result, *, keeps_rights: bool) -> None:
    if keeps_rights:
        os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        return
    # An administrator who writes must not lock the server out of its own file.
    with suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
