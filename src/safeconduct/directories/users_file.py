"""The built-in directory: a JSON file of users with Argon2id hashes."""

import hashlib
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from safeconduct._core.directory import Account
from safeconduct._core.log import write_log
from safeconduct._http.authorization import MAX_PART_BYTES
from safeconduct.config.regular_files import NotRegularFile, read_regular_file
from safeconduct.directories.argon2id import (
    Cost,
    HashingFailed,
    hash_password,
    is_password,
    require_argon2,
    unmatched,
)
from safeconduct.directories.atomic_write import lock_file, replace_file
from safeconduct.directories.users_file_format import UnreadableUsers, UserRecord, name_problem, read_users, write_users
from safeconduct.directories.validation import octets_of
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS, Level

_LOOK_EVERY_SECONDS: Final = 1.0
#: Where a new hash can't be written, it is not tried again, and not hashed in vain, for so long.
_RENEW_AGAIN_SECONDS: Final = 60.0
_logger = logging.getLogger("safeconduct.directories")

Stamp = tuple[int, int, int]


def _log(reason: str) -> None:
    write_log(_logger, logging.ERROR, "the users file can't be read, the users of before stay: %s", reason)


def _log_end() -> None:
    write_log(_logger, logging.INFO, "the users file can be read again")


@dataclass(frozen=True, slots=True)
class _Book:
    """One reading of the file."""

    stamp: Stamp
    by_name: Mapping[str, UserRecord]
    by_subject: Mapping[str, Account]
    #: What strangers are checked against: one hash for each cost in the file, as often as users have it.
    decoy_hashes: Sequence[str]

    @classmethod
    def of(cls, records: Mapping[str, UserRecord], stamp: Stamp, default: Cost) -> "_Book":
        costs = Counter(record.cost for record in records.values()) or Counter([default])
        decoy_hashes = [phc for cost, users in costs.items() for phc in [unmatched(cost)] * users]
        by_subject = {record.account.subject: record.account for record in records.values()}
        return cls(stamp, records, by_subject, decoy_hashes)


class UsersFile:
    """
    Users in a JSON file, whose form ``user_records`` tells.

    It is looked at once a second at most, when somebody signs in, and read again if it changed.  What can't be read
    changes nothing.  A user who is not in it costs the same hash as one who is: at a cost that some user has.

    Who signs in with a hash that cost less than *cost* gets a new one, if the file can be replaced by one with the same
    owner and mode; if not, the old one stays, the log tells, and he is signed in all the same.

    Args:
        path: The file.
        cost: What new hashes cost.
        on_unreadable: Told in one sentence what is wrong with a new version of the file, once for each reason.
        on_readable: Told when that is over.
        clock: Seconds that never go back.

    Raises:
        ConfigurationError: If the file can't be read, or the ``argon2`` extra is missing.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        cost: Cost = Cost(),  # noqa: B008 - frozen
        on_unreadable: Callable[[str], None] = _log,
        on_readable: Callable[[], None] = _log_end,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        require_argon2()
        self._path = Path(path)
        self._cost = cost
        self._on_unreadable = on_unreadable
        self._on_readable = on_readable
        self._clock = clock
        # Which of several costs a stranger is given must be the same each time, and nobody's guess.
        self._key = secrets.token_bytes(16)
        self._told: str | None = None
        self._renew_at = clock()
        self._look_at = clock() + _LOOK_EVERY_SECONDS
        try:
            self._book = self._read()
        except UnreadableUsers as error:
            raise ConfigurationError(f"users must be a users file, got {str(path)!r}: {error}") from error

    @classmethod
    def create(cls, path: Path | str, *, cost: Cost = Cost()) -> "UsersFile":  # noqa: B008 - frozen
        """Open *path*, and begin a file without users where there is none; for the command line."""
        with lock_file(Path(path)):
            if not Path(path).exists():
                replace_file(Path(path), write_users({}))
        return cls(path, cost=cost)

    def check(self, username: str, password: str) -> Account | None:
        """
        Return the account if the password is right, else None.

        Both are compared as they are.  Who is unknown, disabled, or submits more than 1,024 bytes costs one hash too.
        """
        book = self._current()
        record = book.by_name.get(username)
        octets = octets_of(password, at_most=MAX_PART_BYTES)
        matches = is_password(octets or b"", self._stranger(book, username) if record is None else record.phc)
        if record is None or octets is None or record.account.disabled or not matches:
            return None
        if record.cost.is_below(self._cost):
            self._renew(username, record, octets)
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

        The file is replaced whole, readable by its owner alone; two who write at once do not lose each other's user.

        Args:
            username: As he will submit it.
            password: 1 to 1,024 bytes.
            roles: His roles.
            scopes: His scopes.
            display_name: What to call him.
            level: What his password proves.
            subject: His lasting name; the user name where it is left out.
            replaces: Whether a user of this name may be there already; all that was known of him goes.

        Raises:
            ConfigurationError: If the name is taken, or anything is not as ``user_records`` tells.
        """
        octets = octets_of(password, at_most=MAX_PART_BYTES)
        problem = name_problem(username)
        if problem is not None:
            raise ConfigurationError(f"username {problem}, got {username!r}")
        if not octets:
            raise ConfigurationError(f"password must be Unicode of 1 to {MAX_PART_BYTES} bytes")
        account = Account(subject or username, roles=roles, scopes=scopes, level=level, display_name=display_name)
        self._write(username, UserRecord(account, hash_password(octets, self._cost), self._cost), replaces=replaces)
        return account

    def _write(self, username: str, record: UserRecord, *, replaces: bool) -> None:
        with lock_file(self._path):
            try:
                records = dict(self._read().by_name)
                if username in records and not replaces:
                    raise ConfigurationError(f"username must be new, got {username!r}, which the file has")
                text = write_users({**records, username: record})
                # Nothing is written that could not be read back.
                read_users(text)
            except UnreadableUsers as error:
                raise ConfigurationError(f"the user can't be added: {error}") from error
            replace_file(self._path, text)
        self._book = self._read()

    def _renew(self, username: str, record: UserRecord, password: bytes) -> None:
        """Hash *password* at the present cost; what keeps it from being written keeps nobody from signing in."""
        if self._clock() < self._renew_at:
            return
        try:
            self._write_anew(username, record, hash_password(password, self._cost))
        except BlockingIOError:
            # Somebody else is writing; there will be another sign-in.
            return
        except (HashingFailed, OSError, UnreadableUsers) as error:
            self._renew_at = self._clock() + _RENEW_AGAIN_SECONDS
            sentence = "a user's hash can't be renewed, the old one stays: %s"
            write_log(_logger, logging.WARNING, sentence, _reason(error))

    def _write_anew(self, username: str, record: UserRecord, phc: str) -> None:
        with lock_file(self._path, waits=False):
            records = dict(self._read().by_name)
            # The password may have been changed, or the hash renewed, since it was read.
            if records.get(username) != record:
                return
            text = write_users({**records, username: replace(record, phc=phc, cost=self._cost)})
            # Nothing is written that could not be read back.
            read_users(text)
            replace_file(self._path, text, keeps_rights=True)
        self._book = self._read()

    def _current(self) -> _Book:
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY_SECONDS
            self._look()
        # Two threads that look at once read the same file twice; each publishes a whole book by one assignment.
        return self._book

    def _look(self) -> None:
        try:
            if _stamp_of(self._path) != self._book.stamp:
                self._book = self._read()
            if self._told is not None:
                self._told = None
                self._on_readable()
        except UnreadableUsers as error:
            self._tell(str(error))

    def _tell(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            try:
                self._on_unreadable(reason)
            except Exception as fault:  # noqa: BLE001 - an author's hook; the users of before stay, told or not
                write_log(_logger, logging.ERROR, "on_unreadable raised %s", type(fault).__name__)

    def _read(self) -> _Book:
        try:
            data, status = read_regular_file(self._path)
            text = data.decode()
        except NotRegularFile as error:
            raise UnreadableUsers(f"it is {error.strerror}") from error
        except OSError as error:
            raise UnreadableUsers(f"it can't be opened: {type(error).__name__}") from error
        except UnicodeDecodeError:
            raise UnreadableUsers("it is not UTF-8") from None
        return _Book.of(read_users(text), _stamp(status), self._cost)

    def _stranger(self, book: _Book, username: str) -> str:
        digest = hashlib.blake2b(username.encode("utf-8", "surrogatepass"), key=self._key, digest_size=8).digest()
        return book.decoy_hashes[int.from_bytes(digest, "big") % len(book.decoy_hashes)]


def _reason(error: Exception) -> str:
    # An OSError names the path, and there is no need to.
    return str(error) if isinstance(error, UnreadableUsers) else type(error).__name__


def _stamp_of(path: Path) -> Stamp:
    try:
        return _stamp(path.stat())
    except OSError as error:
        raise UnreadableUsers(f"it can't be found: {type(error).__name__}") from error


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino
