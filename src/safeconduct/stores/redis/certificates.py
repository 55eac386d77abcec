"""Read the certificates by which servers are verified once for all connections, and again when their files change."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

_State = tuple[tuple[int, ...] | None, ...]


@dataclass(slots=True, unsafe_hash=True)
class Certificates:
    """
    Verify servers by their certificates, and prove our own identity where a server asks for that.

    Reading the authorities of a system takes longer than a handshake, and blocks an event loop meanwhile.

    Args:
        files: The paths by redis-py's names: of the authorities, of our own certificate and of its key.  Without the
            first the system's authorities are trusted.
    """

    # Never assigned again, so that the hash stays the same.
    files: tuple[tuple[str, str], ...]
    _read: tuple[_State, ssl.SSLContext] | None = field(default=None, init=False, compare=False, repr=False)

    def context(self) -> ssl.SSLContext:
        """
        Return the context for a new connection; the same one as before if no file has changed, or one is half written.

        Raises:
            OSError: If a file cannot be read, or a key does not belong to its certificate, and none was read before.
        """
        files = dict(self.files)
        authorities = files.get("ssl_ca_certs")
        # Looked at before they are read: what changes in between is noticed by the next connection.
        state = tuple(map(_state_of, files.values() if authorities else [*files.values(), *_system_paths()]))
        known = self._read
        if known is not None and known[0] == state:
            return known[1]
        try:
            context = _new_context(files)
        except OSError:
            if known is None:
                raise
            # In the middle of an exchange, a file is missing or incomplete, or a key is still that of another
            # certificate.  What was trusted before counts until all can be read; the next connection looks again.
            return known[1]
        self._read = state, context
        return context


def _new_context(files: dict[str, str]) -> ssl.SSLContext:
    # Certificate and name are checked by default.
    context = ssl.create_default_context(cafile=files.get("ssl_ca_certs"))
    if "ssl_certfile" in files:
        context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
    return context


def _system_paths() -> list[str]:
    paths = ssl.get_default_verify_paths()
    # Each is None where there is no such file, or no such folder.
    return [path for path in (paths.cafile, paths.capath) if path]


def _state_of(path: str) -> tuple[int, ...] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
