"""``safeconduct users``: add users to the users file, list, check and remove them, and cut them off."""

import time
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any, Final

import click

from safeconduct.cli.context import Settings, pass_settings
from safeconduct.cli.output import (
    CommandFailed,
    UsageError,
    as_text,
    json_option,
    print_note,
    print_record,
    print_table,
)
from safeconduct.cli.standard_input import ask_password, read_password
from safeconduct.directories import UsersFile
from safeconduct.directories.users_file_format import name_problem

DEFAULT_FILE: Final = Path("users.json")
#: "…passwords are at least 8 characters in length" — ASVS 6.2.1
MIN_PASSWORD_CHARACTERS: Final = 8

file_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="[default: login.users, else users.json]"
)
stdin_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, without the end of its line."
)


@click.group()
def users() -> None:
    """Add, list, check and remove the users of the users file, or end what was issued to one."""


@users.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role; may be repeated.")
@click.option("--scope", "scopes", multiple=True, help="A scope; may be repeated.")
@click.option(
    "--replace",
    is_flag=True,
    help="Replace the user of this name; only the cut-off stays.",
)
@file_option
@stdin_option
@pass_settings
def add(
    settings: Settings,
    name: str,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    replace: bool,  # noqa: FBT001 - click passes every option by its name
    file: Path | None,
    password_stdin: bool,  # noqa: FBT001 - as above
) -> None:
    """Add a user, and create the file if it does not exist.  The password is asked for, twice."""
    path = _path(settings, file)
    password = read_password() if password_stdin else ask_password(is_new=True)
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise UsageError(f"The password must have at least {MIN_PASSWORD_CHARACTERS} characters.")
    if problem := name_problem(name):
        # A file without users would be left otherwise.
        raise UsageError(f"username {problem}, got {name!r}")
    UsersFile.create(path).add(name, password, roles=roles, scopes=scopes, replaces=replace)
    print_note(f"wrote {name} to {path}")


@users.command()
@click.argument("name")
@file_option
@stdin_option
@json_option
@pass_settings
def check(
    settings: Settings,
    name: str,
    file: Path | None,
    password_stdin: bool,  # noqa: FBT001 - click passes every option by its name
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Check a password and print the user; the status is 1 if it is wrong.  No attempt is counted."""
    directory = UsersFile(_path(settings, file))
    password = read_password() if password_stdin else ask_password(is_new=False)
    account = directory.check(name, password)
    if account is None:
        raise CommandFailed("The user is unknown or disabled, or the password is wrong.")
    record = {
        "subject": account.subject,
        "display_name": account.display_name,
        "roles": list(account.roles),
        "scopes": list(account.scopes),
        "level": account.level,
        "cut_off": account.cut_off,
    }
    print_record(record, as_json=as_json)


@users.command("list")
@file_option
@json_option
@pass_settings
def list_users(
    settings: Settings,
    file: Path | None,
    as_json: bool,  # noqa: FBT001 - click passes every option by its name
) -> None:
    """List the users, without their hashes."""
    accounts = UsersFile(_path(settings, file)).accounts()
    rows = [
        {
            "name": name,
            "subject": account.subject,
            "roles": list(account.roles),
            "scopes": list(account.scopes),
            "level": account.level,
            "disabled": account.disabled,
            "cut_off": account.cut_off,
        }
        for name, account in sorted(accounts.items())
    ]
    print_table(rows, as_json=as_json)


@users.command()
@click.argument("name")
@file_option
@pass_settings
def remove(settings: Settings, name: str, file: Path | None) -> None:
    """Remove a user, who cannot sign in or renew a token any more; `revoke subject` ends the tokens that they have."""
    path = _path(settings, file)
    subject = as_text(quote(UsersFile(path).remove(name).subject))
    print_note(f"removed {name} from {path}")
    print_note(f"their tokens pass until they expire: to end them, safeconduct revoke subject {subject}")


@users.command("cut-off")
@click.argument("name")
@file_option
@pass_settings
def cut_off(settings: Settings, name: str, file: Path | None) -> None:
    """End everything of a user that goes back to a sign-in until now; they may sign in again."""
    path = _path(settings, file)
    UsersFile(path).cut_off(name, int(time.time()))
    print_note(f"wrote the cut-off of {name} to {path}")


def _path(settings: Settings, file: Path | None) -> Path:
    config = settings.config_if_any() if file is None else None
    return file or (config.login.users if config is not None else None) or DEFAULT_FILE
