"""
Watch the source of an issuer's keys: a folder of JWKs, a file with a JWK Set, or an environment variable.

The source is checked at most once a second, and once more when a token names an unknown key.  Only the command line
writes to it.  A key that was removed is refused from the next check on, even if other files cannot be read.  If the
source as a whole cannot be read, the keys from the last reading stay in use:

=======================================================  =============================================  ================
finding                                                  keys in use                                    event
=======================================================  =============================================  ================
a file of the folder is gone                             all but its key                                `KeysReloaded`
a file is a dangling link, a folder, FIFO, socket …      all but its key; it is never opened            `KeysUnreadable`
a file cannot be read: rights, disk, size, no JSON yet   its key as last read; none if it is new        `KeysUnreadable`
a file contains JSON, but no usable key                  all but its key                                `KeySkipped`
more than 100 files                                      earlier ones whose files are still there       `KeysUnreadable`
the folder is empty, or no file of it contains a key     none: every token of the issuer is refused     `KeysGone`
the folder is gone, or cannot be listed                  those of the last reading                      `KeysUnreadable`
the file with the set is gone, unreadable, or no set     those of the last reading                      `KeysUnreadable`
the file with the set contains no usable key             none: every token of the issuer is refused     `KeysGone`
everything can be read again, and there are keys         those of the source                            `KeysRecovered`
=======================================================  =============================================  ================

The first reading has no earlier one: unreadable files are left out, and without a key the process does not start.
"""

import json
import os
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from safeconduct._core.event_dispatcher import Listener
from safeconduct._keys.files import Documents, FileStatus, Reading, read_file, read_folder, statuses_of
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer_policy import OWN_ALGORITHMS
from safeconduct._tokens.key_table import KeyTable
from safeconduct.errors import ConfigurationError, MalformedToken
from safeconduct.events import (
    KeyExposed,
    KeysGone,
    KeySkipped,
    KeysRecovered,
    KeysReloaded,
    KeysUnreadable,
)

CHECK_INTERVAL_SECONDS: Final = 1.0
_ENVIRONMENT: Final = "env:"


@dataclass(frozen=True, slots=True)
class _State:
    """The last reading of the source; replaced as a whole, so that no thread sees two readings mixed."""

    statuses: tuple[FileStatus, ...]
    documents: Documents = field(repr=False)
    keys: KeySet
    #: What could not be read, as it was announced.
    problem: str = ""

    @property
    def has_no_keys(self) -> bool:
        return not any(entry.key.use == "sig" for entry in self.keys.entries)


class KeyFolder:
    """
    The present keys of one *source*.

    The source is read in the constructor, so that an application without usable keys does not start.  Later, while one
    thread reads the source again, the others use the old keys.
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
        Read the source.

        Args:
            source: A folder, a file, or ``env:NAME``.
            monotonic: Returns the seconds of a clock that never goes back.
            listener: Receives the events.
            environ: Where ``env:NAME`` is looked up.
            algorithms: The canonical names of the algorithms that the issuer may use.
            is_own: Whether the keys are our own, so that they have states and others are derived from them.

        Raises:
            ConfigurationError: If there is no usable key; the message says how to make one.
        """
        self._source = str(source)
        self._monotonic = monotonic
        self._listener = listener
        self._algorithms = algorithms
        self._is_own = is_own
        self._next_check = monotonic() + CHECK_INTERVAL_SECONDS
        self._next_check_for_unknown = monotonic()
        self._is_watched = not self._source.startswith(_ENVIRONMENT)
        self._state = self._first_state(environ)
        self._announce_keys(self._state)
        if self._state.problem:
            listener(KeysUnreadable(reason=self._state.problem))

    def current(self) -> KeySet:
        """Return the keys, the same object until they change."""
        if self._monotonic() >= self._next_check:
            self._check()
        return self._state.keys

    def table(self) -> KeyTable:
        """Return the table that the verifier looks keys up in, the same object until the keys change."""
        return self.current().table

    def reload(self) -> None:
        """Reload the keys because a token named an unknown one, at most once a second."""
        now = self._monotonic()
        if now >= self._next_check_for_unknown:
            self._next_check_for_unknown = now + CHECK_INTERVAL_SECONDS
            self._check()

    def read_again(self) -> None:
        """Read the source now if it has changed, even if it was just checked."""
        self._next_check_for_unknown = self._monotonic()
        self._check()

    def _check(self) -> None:
        """Read the source again if it has changed."""
        self._next_check = self._monotonic() + CHECK_INTERVAL_SECONDS
        if not self._is_watched:
            return
        before = self._state
        try:
            # The status comes before the reading, so that the next check sees a change in between.
            statuses = statuses_of(Path(self._source))
            if statuses == before.statuses and not before.problem:
                return
            after = self._read(statuses, before)
        except (OSError, MalformedToken, ConfigurationError) as error:
            after = replace(before, problem=_describe(self._source, error, is_own=self._is_own))
        self._state = after
        self._announce_change(before, after)

    def _read(self, statuses: tuple[FileStatus, ...], before: _State) -> _State:
        path = Path(self._source)
        reading = read_folder(path, before.documents) if path.is_dir() else read_file(path)
        if reading.documents == before.documents:
            return replace(before, statuses=statuses, problem=reading.problem)
        keys = _key_set(reading, is_folder=path.is_dir(), algorithms=self._algorithms, is_own=self._is_own)
        return _State(statuses, reading.documents, keys, reading.problem)

    def _first_state(self, environ: Mapping[str, str]) -> _State:
        if not self._is_watched:
            state = _State((), {}, self._keys_in(environ, self._source.removeprefix(_ENVIRONMENT)))
        else:
            try:
                state = self._read(statuses_of(Path(self._source)), _State((), {}, KeySet()))
            except (OSError, MalformedToken) as error:
                raise ConfigurationError(_describe(self._source, error, is_own=self._is_own)) from None
        if not state.keys.entries:
            raise ConfigurationError(
                f"keys: no usable key in {self._source!r}; make one with `safeconduct keys new`"
                + "".join(f"; {kid or 'a key without kid'}: {reason}" for kid, reason in state.keys.skipped)
            )
        return state

    def _keys_in(self, environ: Mapping[str, str], name: str) -> KeySet:
        if name not in environ:
            raise ConfigurationError(f"keys: the environment has no variable {name!r}")
        data = environ[name].encode("utf-8", "surrogateescape")
        return KeySet.parse(data, algorithms=self._algorithms, is_own=self._is_own)

    def _announce_change(self, before: _State, after: _State) -> None:
        if after.problem and after.problem != before.problem:
            self._listener(KeysUnreadable(reason=after.problem))
        if after.keys is not before.keys:
            self._announce_keys(after)
            if not after.has_no_keys:
                self._listener(KeysReloaded(keys=len(after.keys.entries)))
            elif not before.has_no_keys:
                self._listener(KeysGone(source=self._source))
        if (before.problem or before.has_no_keys) and not (after.problem or after.has_no_keys):
            self._listener(KeysRecovered(source=self._source))

    def _announce_keys(self, state: _State) -> None:
        for kid, reason in state.keys.skipped:
            self._listener(KeySkipped(kid=kid, reason=reason))
        # The public keys of another issuer are no secret; a key that was skipped may be one.
        if not (self._is_own or state.keys.skipped or any(entry.key.is_private for entry in state.keys.entries)):
            return
        for status in state.statuses:
            if stat.S_ISREG(status.mode) and status.mode & stat.S_IROTH:
                self._listener(KeyExposed(file=status.name))


def read_own_keys(path: Path) -> KeySet:
    """
    Read our own keys once, from a folder of JWKs or a file with a JWK Set.

    A file of a folder that cannot be read is listed among the skipped keys.

    Raises:
        ConfigurationError: If the path, or the file with the set, cannot be read.
    """
    try:
        is_folder = path.is_dir()
        reading = read_folder(path, {}) if is_folder else read_file(path)
        return _key_set(reading, is_folder=is_folder, algorithms=OWN_ALGORITHMS, is_own=True)
    except (OSError, MalformedToken) as error:
        raise ConfigurationError(_describe(str(path), error, is_own=True)) from None


def write_key(folder: Path, jwk: Mapping[str, Any], *, replaces: bool = True) -> Path:
    """
    Write a JWK atomically: a reader sees no file, the whole old one, or the whole new one.

    Args:
        folder: The key folder; created with access for its owner only if it is missing.
        jwk: The key; its kid becomes the file name.
        replaces: Whether the file may exist already.

    Raises:
        ConfigurationError: If the kid cannot be a file name, or the file exists and must not.
    """
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid or kid.startswith(".") or Path(kid).name != kid or "\0" in kid:
        raise ConfigurationError(f"kid must be usable as a file name, got {kid!r}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{kid}.json"
    if not replaces and os.path.lexists(target):
        # The file may contain an unreadable key that tokens and sessions depend on.
        raise ConfigurationError(f"kid must be new, got {kid!r}: {str(target)!r} is there; repair it, or move it away")
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


def _key_set(reading: Reading, *, is_folder: bool, algorithms: Collection[str], is_own: bool) -> KeySet:
    documents = reading.documents
    if not is_folder:
        return KeySet.read(*documents.values(), algorithms=algorithms, is_own=is_own)
    keys = KeySet.of(documents.values(), algorithms=algorithms, is_own=is_own)
    unread = [(name.removesuffix(".json"), why) for name, why in reading.unreadable.items() if name not in documents]
    return replace(keys, skipped=(*keys.skipped, *unread))


def _describe(source: str, error: OSError | MalformedToken | ConfigurationError, *, is_own: bool) -> str:
    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, MalformedToken):
        return f"keys: {source!r} must be a JWK Set in JSON, got {error.reason}"
    # We cannot make the keys of another issuer.
    remedy = "; make one with `safeconduct keys new`" if is_own and isinstance(error, FileNotFoundError) else ""
    return f"keys: cannot read {source!r}: {error.strerror}{remedy}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
