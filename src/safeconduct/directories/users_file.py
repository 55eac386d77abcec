"""Look users up in a JSON file with Argon2id hashes, the built-in directory."""

import hashlib
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from safeconduct._core.directory import Account
from safeconduct._core.event_dispatcher import log_fault, write_log
from safeconduct._http.authorization import MAX_PART_BYTES
from safeconduct.directories.argon2id import (
    Cost,
    HashingFailed,
    hash_password,
    is_password,
    require_argon2,
    unmatchable_hash,
)
from safeconduct.directories.atomic_write import lock_file, replace_file
from safeconduct.directories.users_file_format import UnreadableUsers, UserRecord, name_problem, read_users, write_users
from safeconduct.directories.users_file_reading import FileVersion, read_users_file, version_of
from safeconduct.directories.validation import octets_of
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS, Level

_CHECK_FILE_SECONDS: Final = 1.0
#: How long no new hash is computed after one could not be written.
_RETRY_REHASH_SECONDS: Final = 60.0
_logger = logging.getLogger("safeconduct.directories")


def _log_unreadable(reason: str) -> None:
    write_log(_logger, logging.ERROR, "the users file can't be read, the users of before stay: %s", reason)


def _log_readable() -> None:
    write_log(_logger, logging.INFO, "the users file can be read again")


@dataclass(frozen=True, slots=True)
class _Users:
    """The users in one version of the file."""

    version: FileVersion
    by_name: Mapping[str, UserRecord]
    by_subject: Mapping[str, Account]
    #: The hashes that unknown users are checked against: each cost in the file, as often as users have it.
    decoy_hashes: Sequence[str]

    @classmethod
    def of(cls, records: Mapping[str, UserRecord], version: FileVersion, default: Cost) -> "_Users":
        costs = Counter(record.cost for record in records.values()) or Counter([default])
        decoy_hashes = [phc for cost, users in costs.items() for phc in [unmatchable_hash(cost)] * users]
        by_subject = {record.account.subject: record.account for record in records.values()}
        return cls(version, records, by_subject, decoy_hashes)


class UsersFile:
    """
    Users in a JSON file, in the format of ``users_file_format``.

    At a sign-in, but at most once a second, the file is read again if it has changed.  If it cannot be read then, the
    users from before stay.  A user who is not in it takes as long as one who is: a hash of a cost that some user has.

    A user who signs in with a hash of less than *cost* gets a new hash, if the file can be replaced by one with the
    same owner and mode.  If it cannot, the old hash stays, a warning is logged, and the sign-in succeeds.

    Args:
        path: The file.
        cost: The cost of new hashes.
        on_unreadable: Called with a sentence if a new version of the file cannot be read, once for each reason.
        on_readable: Called when it can be read again.
        clock: Seconds that never go back.

    Raises:
        ConfigurationError: If the file can't be read, or the ``argon2`` extra is missing.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        cost: Cost = Cost(),  # noqa: B008 - frozen
        on_unreadable: Callable[[str], None] = _log_unreadable,
        on_readable: Callable[[], None] = _log_readable,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        require_argon2()
        self._path = Path(path)
        self._cost = cost
        self._on_unreadable = on_unreadable
        self._on_readable = on_readable
        self._clock = clock
        # An unknown user must get the same cost each time, and nobody may be able to predict which.
        self._decoy_key = secrets.token_bytes(16)
        self._reported: str | None = None
        self._rehash_at = clock()
        self._check_file_at = clock() + _CHECK_FILE_SECONDS
        try:
            self._users = self._read()
        except UnreadableUsers as error:
            remedy = "; make one with `safeconduct users add NAME`" if not os.path.lexists(path) else ""
            raise ConfigurationError(f"users must be a users file, got {str(path)!r}: {error}{remedy}") from error

    @classmethod
    def create(cls, path: Path | str, *, cost: Cost = Cost()) -> "UsersFile":  # noqa: B008 - frozen
        """Open *path*, and create a file without users if it does not exist; for the command line."""
        require_argon2()
        with lock_file(Path(path)):
            if not Path(path).exists():
                replace_file(Path(path), write_users({}))
        return cls(path, cost=cost)

    def check(self, username: str, password: str) -> Account | None:
        """
        Return the account if the password is right, else None.

        Both are compared as they are.  A hash is computed too if the user is unknown or disabled, or the password is
        longer than 1,024 bytes.
        """
        users = self._current()
        record = users.by_name.get(username)
        octets = octets_of(password, at_most=MAX_PART_BYTES)
        matches = is_password(octets or b"", self._decoy_hash(users, username) if record is None else record.phc)
        if record is None or octets is None or record.account.disabled or not matches:
            return None
        if record.cost.is_below(self._cost):
            self._rehash(username, record, octets)
        return record.account

    def lookup(self, subject: str) -> Account | None:
        """Return the account as the file has it now, or None."""
        return self._current().by_subject.get(subject)

    def add(
        self,
        username: str,
        password: str,
        *,
        roles: Sequence[str] = (),
        scopes: Sequence[str] = (),
        display_name: str | None = None,
        level: Level = LEVELS[2],
        subject: str | None = None,
        replaces: bool = False,
    ) -> Account:
        """
        Write a user into the file; for the command line.

        The file is replaced in one step, and only its owner can read it.  Two writers at once do not lose a user.

        Args:
            username: The name to sign in with.
            password: 1 to 1,024 bytes.
            roles: The user's roles.
            scopes: The user's scopes.
            display_name: The name to show.
            level: The level that the password proves.
            subject: The name in tokens, which never changes; the user name by default.
            replaces: Whether to replace a user of this name; of the old entry only the cut-off stays.

        Raises:
            ConfigurationError: If the name is taken, or anything does not fit ``users_file_format``.
        """
        octets = octets_of(password, at_most=MAX_PART_BYTES)
        if problem := name_problem(username):
            raise ConfigurationError(f"username {problem}, got {username!r}")
        if not octets:
            raise ConfigurationError(f"password must be Unicode of 1 to {MAX_PART_BYTES} bytes")
        account = Account(subject or username, roles=roles, scopes=scopes, level=level, display_name=display_name)
        record = UserRecord(account, hash_password(octets, self._cost), self._cost)
        with self._changing() as records:
            if username in records and not replaces:
                raise ConfigurationError(f"username must be new, got {username!r}, which the file has: use --replace")
            if username in records:
                # Otherwise the tokens that it ended would be valid again.
                account = replace(account, cut_off=records[username].account.cut_off)
            self._write({**records, username: replace(record, account=account)})
        return account

    def cut_off(self, username: str, at: float) -> Account:
        """
        End everything of a user that goes back to a sign-in at *at* or before; for the command line.

        Raises:
            ConfigurationError: If the file has no such user.
        """
        with self._changing() as records:
            record = _named(records, username)
            account = replace(record.account, cut_off=max(at, record.account.cut_off or 0))
            self._write({**records, username: replace(record, account=account)})
        return account

    def remove(self, username: str) -> Account:
        """
        Take a user out of the file, and return the account that they had; for the command line.

        Raises:
            ConfigurationError: If the file has no such user.
        """
        with self._changing() as records:
            account = _named(records, username).account
            self._write({name: record for name, record in records.items() if name != username})
        return account

    def accounts(self) -> dict[str, Account]:
        """Return the account of each user name; for the command line."""
        return {name: record.account for name, record in self._current().by_name.items()}

    @contextmanager
    def _changing(self) -> Generator[dict[str, UserRecord]]:
        try:
            with lock_file(self._path):
                yield dict(self._read().by_name)
        except UnreadableUsers as error:
            raise ConfigurationError(f"the users file can't be changed: {error}") from error

    def _write(self, records: Mapping[str, UserRecord], *, keeps_rights: bool = False) -> None:
        text = write_users(records)
        # Write nothing that could not be read back.
        read_users(text)
        replace_file(self._path, text, keeps_rights=keeps_rights)
        self._users = self._read()

    def _rehash(self, username: str, record: UserRecord, password: bytes) -> None:
        """Hash *password* at the current cost and write it; log a failure, since the sign-in must succeed anyway."""
        if self._clock() < self._rehash_at:
            return
        try:
            self._write_hash(username, record, hash_password(password, self._cost))
        except BlockingIOError:
            # Another process is writing; the next sign-in will do.
            return
        except (HashingFailed, OSError, UnreadableUsers) as error:
            self._rehash_at = self._clock() + _RETRY_REHASH_SECONDS
            sentence = "a user's hash can't be renewed, the old one stays: %s"
            write_log(_logger, logging.WARNING, sentence, _reason(error))

    def _write_hash(self, username: str, record: UserRecord, phc: str) -> None:
        with lock_file(self._path, waits=False):
            records = dict(self._read().by_name)
            # The password may have been changed, or rehashed, since it was read.
            if records.get(username) != record:
                return
            self._write({**records, username: replace(record, phc=phc, cost=self._cost)}, keeps_rights=True)

    def _current(self) -> _Users:
        now = self._clock()
        if now >= self._check_file_at:
            self._check_file_at = now + _CHECK_FILE_SECONDS
            self._read_if_changed()
        # Two threads at once read the same file twice; each sets all users by one assignment.
        return self._users

    def _read_if_changed(self) -> None:
        try:
            if version_of(self._path) != self._users.version:
                self._users = self._read()
            if self._reported is not None:
                self._reported = None
                self._on_readable()
        except UnreadableUsers as error:
            self._report(str(error))

    def _report(self, reason: str) -> None:
        if reason != self._reported:
            self._reported = reason
            try:
                self._on_unreadable(reason)
            except Exception as fault:  # noqa: BLE001 - an author's hook; the users from before stay all the same
                log_fault(_logger, "on_unreadable failed", fault)

    def _read(self) -> _Users:
        return _Users.of(*read_users_file(self._path), self._cost)

    def _decoy_hash(self, users: _Users, username: str) -> str:
        digest = hashlib.blake2b(username.encode("utf-8", "surrogatepass"), key=self._decoy_key, digest_size=8).digest()
        return users.decoy_hashes[int.from_bytes(digest, "big") % len(users.decoy_hashes)]


def _named(records: Mapping[str, UserRecord], username: str) -> UserRecord:
    if username not in records:
        raise ConfigurationError(f"username must be one that the file has, got {username!r}")
    return records[username]


def _reason(error: Exception) -> str:
    # The text of an `OSError` would repeat the path.
    return str(error) if isinstance(error, UnreadableUsers) else type(error).__name__
