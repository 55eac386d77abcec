"""
Where an issuer's keys lie: a folder of JWKs, a file with a JWK Set, or a variable of the environment.

The source is looked at at most once a second, and once more when a token names an unknown key.  Only the command line
writes.  A key that was removed is refused from the next look on, whatever else cannot be read; a source that cannot be
read at all says nothing about its keys, and those that were read last stay in use:

=======================================================  =============================================  ================
what a look finds                                        keys in use                                    event
=======================================================  =============================================  ================
a file of the folder is gone                             all but its key                                `KeysReloaded`
a file is a dangling link, a folder, FIFO, socket …      all but its key; it is never opened            `KeysUnreadable`
a file cannot be read: rights, disk, size, no JSON yet   its key as it was last read; none if it is new `KeysUnreadable`
a file holds JSON, but no usable key                     all but its key                                `KeySkipped`
more than 100 files                                      those of before that are still there           `KeysUnreadable`
the folder is empty, or no file of it holds a key        none: every token of the issuer is refused     `KeysGone`
the folder is gone, or cannot be listed                  those of before                                `KeysUnreadable`
the file with the set is gone, unreadable, or no set     those of before                                `KeysUnreadable`
the file with the set holds no usable key                none: every token of the issuer is refused     `KeysGone`
everything can be read again, and there are keys         what is there                                  `KeysRecovered`
=======================================================  =============================================  ================

At the start there is nothing of before: what cannot be read is left out, and without a key the process does not start.
"""

import json
import os
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from safeconduct._keys.files import Documents, Reading, Sight, look_at, read_file, read_folder
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer_policy import OWN_ALGORITHMS
from safeconduct._tokens.key_table import KeyTable
from safeconduct.errors import ConfigurationError, MalformedToken
from safeconduct.events import (
    Event,
    KeyExposed,
    KeysGone,
    KeySkipped,
    KeysRecovered,
    KeysReloaded,
    KeysUnreadable,
)

LOOK_EVERY_SECONDS: Final = 1.0
_ENVIRONMENT: Final = "env:"

Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of the source; replaced whole, so that no thread sees the keys of two looks mixed."""

    sights: tuple[Sight, ...]
    documents: Documents = field(repr=False)
    keys: KeySet
    #: What could not be read, as it was told.
    trouble: str = ""

    @property
    def is_gone(self) -> bool:
        return not any(entry.key.use == "sig" for entry in self.keys.entries)


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
        self._how: dict[str, Any] = {"algorithms": algorithms, "is_own": is_own}
        self._look_at = monotonic() + LOOK_EVERY_SECONDS
        self._look_for_unknown_at = monotonic()
        self._is_watched = not self._source.startswith(_ENVIRONMENT)
        self._state = self._first_state(environ)
        self._tell_keys(self._state)
        if self._state.trouble:
            listener(KeysUnreadable(reason=self._state.trouble))

    def current(self) -> KeySet:
        """Return the keys, the same object until they change."""
        if self._monotonic() >= self._look_at:
            self._look()
        return self._state.keys

    def table(self) -> KeyTable:
        """Return what the verifier asks, the same object until the keys change."""
        return self.current().table

    def look_again(self) -> None:
        """Look for a key that a token names and nobody knows, at most once a second however many such tokens come."""
        now = self._monotonic()
        if now >= self._look_for_unknown_at:
            self._look_for_unknown_at = now + LOOK_EVERY_SECONDS
            self._look()

    def _look(self) -> None:
        """Look whether the source has changed, and take what is there now."""
        self._look_at = self._monotonic() + LOOK_EVERY_SECONDS
        if not self._is_watched:
            return
        before = self._state
        try:
            # Before they are read, so that what changes meanwhile is seen at the next look.
            sights = look_at(Path(self._source))
            if sights == before.sights and not before.trouble:
                return
            after = self._read(sights, before)
        except (OSError, MalformedToken, ConfigurationError) as error:
            after = replace(before, trouble=_told(self._source, error, is_own=self._how["is_own"]))
        self._state = after
        self._tell_change(before, after)

    def _read(self, sights: tuple[Sight, ...], before: _State) -> _State:
        path = Path(self._source)
        reading = read_folder(path, before.documents) if path.is_dir() else read_file(path)
        if reading.documents == before.documents:
            return replace(before, sights=sights, trouble=reading.trouble)
        keys = _keys_of(reading, is_folder=path.is_dir(), **self._how)
        return _State(sights, reading.documents, keys, reading.trouble)

    def _first_state(self, environ: Mapping[str, str]) -> _State:
        if not self._is_watched:
            state = _State((), {}, _keys_in(environ, self._source.removeprefix(_ENVIRONMENT), **self._how))
        else:
            try:
                state = self._read(look_at(Path(self._source)), _State((), {}, KeySet()))
            except (OSError, MalformedToken) as error:
                raise ConfigurationError(_told(self._source, error, is_own=self._how["is_own"])) from None
        if not state.keys.entries:
            raise ConfigurationError(
                f"keys: no usable key in {self._source!r}; make one with `safeconduct keys new`"
                + "".join(f"; {kid or 'a key without kid'}: {reason}" for kid, reason in state.keys.skipped)
            )
        return state

    def _tell_change(self, before: _State, after: _State) -> None:
        if after.trouble and after.trouble != before.trouble:
            self._listener(KeysUnreadable(reason=after.trouble))
        if after.keys is not before.keys:
            self._tell_keys(after)
            if not after.is_gone:
                self._listener(KeysReloaded(keys=len(after.keys.entries)))
            elif not before.is_gone:
                self._listener(KeysGone(source=self._source))
        if (before.trouble or before.is_gone) and not (after.trouble or after.is_gone):
            self._listener(KeysRecovered(source=self._source))

    def _tell_keys(self, state: _State) -> None:
        for kid, reason in state.keys.skipped:
            self._listener(KeySkipped(kid=kid, reason=reason))
        for sight in state.sights:
            if stat.S_ISREG(sight.mode) and sight.mode & stat.S_IROTH:
                self._listener(KeyExposed(file=sight.name))


def read_keys(path: Path, **how: Any) -> KeySet:
    """
    Read a folder of JWKs or a file with a JWK Set; the other keywords are those of ``KeySet.read``.

    A file of a folder that cannot be read is named among what was skipped.

    Raises:
        ConfigurationError: If the path, or the file with the set, cannot be read.
    """
    try:
        is_folder = path.is_dir()
        return _keys_of(read_folder(path, {}) if is_folder else read_file(path), is_folder=is_folder, **how)
    except (OSError, MalformedToken) as error:
        raise ConfigurationError(_told(str(path), error, is_own=how.get("is_own", False))) from None


def write_key(folder: Path, jwk: Mapping[str, Any], *, replaces: bool = True) -> Path:
    """
    Write one JWK so that a reader sees either nothing, the old one or the new one whole.

    Args:
        folder: Where it goes; made, for its owner alone, if it is missing.
        jwk: The key; its kid becomes the file's name.
        replaces: Whether there may be a file of this name already.

    Raises:
        ConfigurationError: If the kid cannot be a file's name, or is taken.
    """
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid or kid.startswith(".") or Path(kid).name != kid or "\0" in kid:
        raise ConfigurationError(f"kid must be usable as a file's name, got {kid!r}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{kid}.json"
    if not replaces and os.path.lexists(target):
        # It may hold a key that could not be read, and that tokens and sessions depend on.
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


def _keys_of(reading: Reading, *, is_folder: bool, **how: Any) -> KeySet:
    documents = reading.documents
    if not is_folder:
        return KeySet.read(*documents.values(), **how)
    keys = KeySet.of(documents.values(), **how)
    unread = [(name.removesuffix(".json"), why) for name, why in reading.unreadable.items() if name not in documents]
    return replace(keys, skipped=(*keys.skipped, *unread))


def _keys_in(environ: Mapping[str, str], name: str, **how: Any) -> KeySet:
    if name not in environ:
        raise ConfigurationError(f"keys: the environment has no variable {name!r}")
    return KeySet.parse(environ[name].encode("utf-8", "surrogateescape"), **how)


def _told(source: str, error: OSError | MalformedToken | ConfigurationError, *, is_own: bool) -> str:
    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, MalformedToken):
        return f"keys: {source!r} must be a JWK Set in JSON, got {error.reason}"
    # The keys of somebody else are not ours to make.
    remedy = "; make one with `safeconduct keys new`" if is_own and isinstance(error, FileNotFoundError) else ""
    return f"keys: cannot read {source!r}: {error.strerror}{remedy}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
