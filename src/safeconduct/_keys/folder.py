"""
Where an issuer's keys lie: a folder of JWKs, a file with a JWK Set, or a variable of the environment.

Reading is looked at again at most once a second; what cannot be read leaves the old keys in place and is an event.
Only the command line writes.
"""

import json
import os
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.policy import OWN_ALGORITHMS
from safeconduct._tokens.reader import read_object
from safeconduct._tokens.table import KeyTable
from safeconduct.errors import ConfigurationError, MalformedToken
from safeconduct.events import Event, KeyExposed, KeySkipped, KeysReloaded, KeysUnreadable

LOOK_EVERY_SECONDS: Final = 1.0
_ENVIRONMENT: Final = "env:"
_MAX_FILE_BYTES: Final = 1024 * 1024

Listener = Callable[[Event], None]


class _Sight(NamedTuple):
    """A file as it looks from outside; a change of any of these is a change of the keys."""

    name: str
    modified_ns: int
    changed_ns: int
    size: int
    inode: int
    mode: int


class KeyFolder:
    """
    The keys at one *source*, as they are now.

    Read once when it is made, so that an application with unusable keys does not start.  Later a thread that comes
    while another one reads goes on with the old keys.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        monotonic: Callable[[], float],
        listener: Listener,
        environ: Mapping[str, str],
        algorithms: Collection[str] = OWN_ALGORITHMS,
        is_own: bool = True,
    ) -> None:
        """
        Take the *source*: a folder, a file, or ``env:NAME``.

        Args:
            source: Where the keys lie.
            monotonic: Seconds that only grow.
            listener: Who is told of what was found.
            environ: Where ``env:NAME`` is looked up.
            algorithms: What the owner of the keys may use.
            is_own: Whether they are ours, with states and derived secrets.

        Raises:
            ConfigurationError: If there is no usable key; says how to make one.
        """
        self._source = str(source)
        self._monotonic = monotonic
        self._listener = listener
        self._environ = environ
        self._how: dict[str, Any] = {"algorithms": algorithms, "is_own": is_own}
        self._look_at = monotonic() + LOOK_EVERY_SECONDS
        self._failed = ""
        self._seen: tuple[_Sight, ...] = self._look()
        self._keys = self._load(is_strict=False)
        self._tell()

    def current(self) -> KeySet:
        """Return the keys, the same object until they change."""
        if self._monotonic() >= self._look_at:
            self.look_again()
        return self._keys

    def table(self) -> KeyTable:
        """Return what the verifier asks, the same object until the keys change."""
        return self.current().table

    def look_again(self) -> None:
        """Look whether the source has changed, unless that was done within the last second."""
        now = self._monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_SECONDS
        try:
            seen = self._look()
            if seen == self._seen:
                return
            keys = self._load(is_strict=True)
        except ConfigurationError as error:
            if self._failed != str(error):
                self._failed = str(error)
                self._listener(KeysUnreadable(reason=self._failed))
            return
        self._failed, self._seen, self._keys = "", seen, keys
        self._tell()
        self._listener(KeysReloaded(keys=len(keys.entries)))

    def _tell(self) -> None:
        for kid, reason in self._keys.skipped:
            self._listener(KeySkipped(kid=kid, reason=reason))
        for sight in self._seen:
            if sight.mode & stat.S_IROTH:
                self._listener(KeyExposed(file=sight.name))

    def _look(self) -> tuple[_Sight, ...]:
        """Return what is there, as far as it can be seen without reading it."""
        if self._source.startswith(_ENVIRONMENT):
            return ()
        try:
            return tuple(_sight(path) for path in _files(Path(self._source)))
        except OSError as error:
            raise _unreadable(self._source, error, is_own=self._how["is_own"]) from None

    def _load(self, *, is_strict: bool) -> KeySet:
        if self._source.startswith(_ENVIRONMENT):
            name = self._source.removeprefix(_ENVIRONMENT)
            if name not in self._environ:
                raise ConfigurationError(f"keys: the environment has no variable {name!r}")
            keys = KeySet.parse(self._environ[name].encode("utf-8", "surrogateescape"), **self._how)
        else:
            keys = read_keys(Path(self._source), is_strict=is_strict, **self._how)
        if not keys.entries:
            raise ConfigurationError(
                f"keys: no usable key in {self._source!r}; make one with `safeconduct keys new`"
                + "".join(f"; {kid or 'a key without kid'}: {reason}" for kid, reason in keys.skipped)
            )
        return keys


def read_keys(path: Path, *, is_strict: bool = False, **how: Any) -> KeySet:
    """
    Read a folder of JWKs or a file with a JWK Set; the other keywords are those of ``KeySet.read``.

    Args:
        path: Where they lie.
        is_strict: Whether a file of a folder that is no JSON at all spoils the whole, as one half copied should.
        how: For ``KeySet.read``.

    Raises:
        ConfigurationError: If the path or the file cannot be read.
    """
    try:
        if not path.is_dir():
            return KeySet.parse(_read(path), **how)
        return KeySet.of([_read_jwk(each, is_strict=is_strict) for each in _files(path)], **how)
    except OSError as error:
        raise _unreadable(str(path), error, is_own=how.get("is_own", False)) from None


def write_key(folder: Path, jwk: Mapping[str, Any]) -> Path:
    """
    Write one JWK so that a reader sees either nothing, the old one or the new one whole.

    Args:
        folder: Where it goes; made, for its owner alone, if it is missing.
        jwk: The key; its kid becomes the file's name.

    Raises:
        ConfigurationError: If the kid cannot be a file's name.
    """
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid or kid.startswith(".") or Path(kid).name != kid or "\0" in kid:
        raise ConfigurationError(f"kid must be usable as a file's name, got {kid!r}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{kid}.json"
    temporary = folder / f".{kid}.{os.getpid()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(json.dumps(dict(jwk), indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(folder)
    return target


def remove_key(folder: Path, kid: str) -> None:
    """Remove the file of the key *kid*, if there is one."""
    (folder / f"{kid}.json").unlink(missing_ok=True)
    _sync_folder(folder)


def _unreadable(source: str, error: OSError, *, is_own: bool) -> ConfigurationError:
    # The keys of somebody else are not ours to make.
    remedy = "; make one with `safeconduct keys new`" if is_own and isinstance(error, FileNotFoundError) else ""
    return ConfigurationError(f"keys: cannot read {source!r}: {error.strerror}{remedy}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.iterdir() if each.suffix == ".json" and not each.name.startswith("."))


def _sight(path: Path) -> _Sight:
    status = path.stat()
    return _Sight(path.name, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_mode)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MAX_FILE_BYTES + 1)
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigurationError(f"keys: {str(path)!r} is larger than 1 MB")
    return data


def _read_jwk(path: Path, *, is_strict: bool) -> Mapping[str, Any]:
    """Read one file of a folder; what is no JWK is left for the set to skip under the file's name."""
    try:
        jwk = read_object(_read(path))
    except (MalformedToken, ConfigurationError):
        if is_strict:
            raise ConfigurationError(f"keys: {path.name!r} is not a JWK") from None
        return {"kid": path.stem}
    return jwk if jwk.setdefault("kid", path.stem) == path.stem else {"kid": path.stem}
