"""The files that a configuration names: keys and users, whether they can be used, and who else may read them."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from safeconduct._keys.folder import read_keys
from safeconduct._keys.keyset import KeySet
from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.cli.keys import created_at
from safeconduct.config import Config
from safeconduct.config.regular_files import read_regular_file
from safeconduct.directories.users_file_format import UnreadableUsers, read_users
from safeconduct.errors import ConfigurationError

_OLD_DAYS: Final = 365
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def examine_files(config: Config) -> Iterator[Finding]:
    """Look at the keys and at the users."""
    if isinstance(config.keys, str | Path) and not str(config.keys).startswith("env:"):
        yield from _keys(Path(config.keys), config)
    yield from _users(config)


def _keys(path: Path, config: Config) -> Iterator[Finding]:
    try:
        keys = read_keys(path, is_own=True)
    except ConfigurationError as error:
        yield fail("keys", str(error), "`safeconduct keys new` makes a folder with a key.")
        return
    for state in ("active", "next", "retired"):
        kids = [f"{entry.key.kid} ({entry.key.written})" for entry in keys.entries if entry.state == state]
        if kids:
            yield ok("keys", f"{state}: {', '.join(kids)}")
    if not any(entry.state == "active" and entry.key.use == "sig" for entry in keys.entries):
        yield fail("keys", "no active key signs: no token can be issued", "`safeconduct keys new`, or `keys rotate`.")
    for kid, reason in keys.skipped:
        yield warn("keys", f"{kid or 'a key without kid'} cannot be used: {reason}", "Remove or replace its file.")
    yield from _ages(keys)
    yield _secrets(keys, config)
    yield from _permissions("keys", [path, *path.glob("*.json")] if path.is_dir() else [path])


def _ages(keys: KeySet) -> Iterator[Finding]:
    for entry in keys.entries:
        created = created_at(entry.key.kid or "")
        if entry.state == "active" and created is not None and (datetime.now(UTC) - created).days > _OLD_DAYS:
            yield warn(
                "keys",
                f"{entry.key.kid} is older than {_OLD_DAYS} days",
                "`keys new`, and `keys rotate` some time later.",
            )


def _secrets(keys: KeySet, config: Config) -> Finding:
    if keys.secrets is not None:
        return ok("keys", f"safeconduct-secrets is there, version {keys.secrets.current}")
    remedy = "`safeconduct keys new --secrets` makes it."
    if "basic" in config.sources or (config.login.users is not None and config.endpoints.enabled is not False):
        return fail("keys", "safeconduct-secrets is missing, and passwords and sessions need it", remedy)
    return warn("keys", "safeconduct-secrets is missing: passwords and sessions will need it", remedy)


def _users(config: Config) -> Iterator[Finding]:
    path = config.login.users
    if path is None:
        if "basic" in config.sources:
            yield warn(
                "directory",
                "no users file: the application must bring a directory",
                "Auth(config, directory=…), or login.users.",
            )
        return
    try:
        records = read_users(read_regular_file(path)[0].decode())
    except (OSError, ValueError, UnreadableUsers) as error:
        told = str(error) if isinstance(error, UnreadableUsers) else type(error).__name__
        yield fail("users", f"{path} cannot be read: {told}", "`safeconduct users add` begins one.")
        return
    disabled = sum(record.account.disabled for record in records.values())
    yield ok("users", f"{len(records)} users in {path}, {disabled} disabled; it is looked at again when it changes")
    yield from _permissions("users", [path])


def _permissions(subject: str, paths: list[Path]) -> Iterator[Finding]:
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            # A dangling link: it was named among the keys that cannot be used.
            continue
        if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            bits = 0o700 if path.is_dir() else 0o600
            yield fail(subject, f"{path} is open to other users of the machine", f"chmod {bits:o} {path}")
        elif mode & _OTHERS and not path.is_dir():
            yield warn(subject, f"{path} is readable for its group", f"chmod 600 {path}, unless the server needs it.")
