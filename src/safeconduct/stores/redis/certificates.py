"""Keep the TLS context of connections until one of its files changes."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_State = tuple[tuple[int, ...] | None, ...]


@dataclass(slots=True, unsafe_hash=True)
class Certificates:
    """
    Make the TLS context that verifies servers, and shows our own certificate to a server that asks for one.

    It is shared by all connections, since reading the authorities of a system takes longer than a handshake, and would
    block an event loop each time.

    Args:
        files: Paths, under redis-py's names for them: ``ssl_ca_certs``, ``ssl_certfile`` and ``ssl_keyfile``.  Without
            ``ssl_ca_certs`` the authorities of the system are trusted.
    """

    # Part of the hash, so never assigned again.
    files: tuple[tuple[str, str], ...]
    #: Receives the reason when files cannot be read and those from before stay in use.
    on_unreadable: Callable[[str], None] = field(default=lambda _: None, init=False, compare=False, repr=False)
    _cached: tuple[_State, ssl.SSLContext] | None = field(default=None, init=False, compare=False, repr=False)

    def context(self) -> ssl.SSLContext:
        """
        Return the context for a new connection: the one from before if no file has changed, or the new ones do not fit.

        Raises:
            OSError: If a file cannot be read, or a key does not belong to its certificate, and none was read before.
        """
        files = dict(self.files)
        authorities = files.get("ssl_ca_certs")
        # Before they are read, so that the next connection notices a change in between.
        state = tuple(map(_state_of, files.values() if authorities else [*files.values(), *_system_paths()]))
        cached = self._cached
        if cached is not None and cached[0] == state:
            return cached[1]
        try:
            context = _new_context(files)
        except OSError as error:
            if cached is None:
                raise
            self.on_unreadable(f"{', '.join(files) or 'the authorities of the system'}: {error}")
            # While files are being replaced, one may be missing or incomplete, or a key not belong to its certificate.
            # The files from before stay in use; the next connection tries again.
            return cached[1]
        self._cached = state, context
        return context


def _new_context(files: dict[str, str]) -> ssl.SSLContext:
    # Certificate and name are checked by default.
    context = ssl.create_default_context(cafile=files.get("ssl_ca_certs"))
    if "ssl_certfile" in files:
        context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
    return context


def _system_paths() -> list[str]:
    paths = ssl.get_default_verify_paths()
    # Each is None where the system has no such file or folder.
    return [path for path in (paths.cafile, paths.capath) if path]


def _state_of(path: str) -> tuple[int, ...] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
