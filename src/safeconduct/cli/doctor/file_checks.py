"""Check the files that the configuration names, keys and users, and the clients."""

import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from safeconduct._keys.clients import load_client
from safeconduct._keys.folder import read_own_keys
from safeconduct._keys.generate import made_at
from safeconduct._keys.keyset import KeySet
from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.config import Config
from safeconduct.config.regular_files import read_regular_file
from safeconduct.directories import Cost
from safeconduct.directories.users_file_format import UnreadableUsers, read_users
from safeconduct.errors import ConfigurationError

_OLD_DAYS: Final = 365
_SECONDS_PER_DAY: Final = 86400
_BY_GROUP_OR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check_files(config: Config) -> Iterator[Finding]:
    """Check the keys, the users file and the clients."""
    if isinstance(config.keys, str | Path) and not str(config.keys).startswith("env:"):
        yield from _keys(Path(config.keys), config)
    yield from _users(config)
    yield from _clients(config)


def _keys(path: Path, config: Config) -> Iterator[Finding]:
    try:
        keys = read_own_keys(path)
    except ConfigurationError as error:
        yield fail("keys", str(error), "`safeconduct keys new` makes a folder with a key.")
        return
    for state in ("active", "next", "retired"):
        kids = [f"{entry.key.kid} ({entry.key.written})" for entry in keys.entries if entry.state == state]
        if kids:
            yield ok("keys", f"{state}: {', '.join(kids)}")
    if not any(entry.state == "active" and entry.key.use == "sig" for entry in keys.entries):
        yield fail(
            "keys",
            "there is no active signing key: no token can be issued",
            "`safeconduct keys new`, or `keys rotate`.",
        )
    for kid, reason in keys.skipped:
        yield warn("keys", f"{kid or 'a key without kid'} cannot be used: {reason}", "Remove or replace its file.")
    yield from _ages(keys)
    yield _secrets(keys, config)
    yield from _permissions("keys", [path, *path.glob("*.json")] if path.is_dir() else [path])


def _ages(keys: KeySet) -> Iterator[Finding]:
    for entry in keys.entries:
        made = made_at(entry.key.kid or "")
        if entry.state == "active" and made is not None and time.time() - made > _OLD_DAYS * _SECONDS_PER_DAY:
            yield warn(
                "keys",
                f"{entry.key.kid} is older than {_OLD_DAYS} days",
                "`keys new`, and `keys rotate` some time later.",
            )


def _secrets(keys: KeySet, config: Config) -> Finding:
    if keys.derived_keys is not None:
        return ok("keys", f"safeconduct-secrets is there, version {keys.derived_keys.current}")
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
                "there is no users file: the application must bring a directory",
                "Auth(config, directory=…), or login.users.",
            )
        return
    try:
        records = read_users(read_regular_file(path)[0].decode())
    except (OSError, ValueError, UnreadableUsers) as error:
        reason = str(error) if isinstance(error, UnreadableUsers) else type(error).__name__
        is_missing = isinstance(error, FileNotFoundError)
        remedy = "`safeconduct users add NAME` creates it." if is_missing else "Correct it: nobody can sign in by it."
        yield fail("users", f"{path} cannot be read: {reason}", remedy)
        return
    if not records:
        yield warn("users", f"there is no user in {path}: nobody can sign in", "`safeconduct users add NAME` adds one.")
    else:
        disabled = sum(record.account.disabled for record in records.values())
        yield ok("users", f"{len(records)} users in {path}, {disabled} disabled; it is read again when it changes")
    if weak := [name for name, record in records.items() if record.cost.is_below(Cost())]:
        yield warn(
            "users",
            f"hashes weaker than those that are written now: {', '.join(weak[:5])}{', …' if weak[5:] else ''}",
            "A sign-in renews the hash, if the application may write the file; `users add NAME --replace` does so too.",
        )
    yield from _permissions("users", [path])


def _clients(config: Config) -> Iterator[Finding]:
    usable = 0
    asking = [entry.client_id for entry in config.clients if set(entry.grants) - {"self_signed"}]
    if asking and config.endpoints.enabled is False:
        yield warn(
            "clients",
            f"{', '.join(asking)}: the grants other than self_signed have no effect, since no endpoint is served",
            "Remove endpoints.enabled = false, or these grants.",
        )
    for entry in config.clients:
        try:
            load_client(entry, lambda _: None)
        except ConfigurationError as error:
            yield fail(
                "clients",
                str(error).removeprefix("clients: "),
                "Set the variable, or draw a longer secret with `safeconduct clients new`.",
            )
        else:
            usable += 1
    if usable:
        signing = sum("self_signed" in entry.grants for entry in config.clients)
        yield ok(
            "clients", f"{usable} of {len(config.clients)} clients are usable; {signing} may sign their own tokens"
        )


def _permissions(subject: str, paths: list[Path]) -> Iterator[Finding]:
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            # A dangling link: the finding about unusable keys names it.
            continue
        if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            bits = 0o700 if path.is_dir() else 0o600
            yield fail(
                subject, f"{path} can be read or written by other users of the machine", f"chmod {bits:o} {path}"
            )
        elif mode & _BY_GROUP_OR_OTHERS and not path.is_dir():
            yield warn(subject, f"{path} can be read by its group", f"chmod 600 {path}, unless the server needs it.")
