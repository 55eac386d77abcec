"""``safeconduct users``: the built-in users file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from safeconduct.cli.context import Settings, pass_settings
from safeconduct.cli.output import CommandFailed, UsageError, json_option, print_record, tell
from safeconduct.cli.standard_input import read_standard_input, require_standard_input
from safeconduct.directories import UsersFile

DEFAULT_FILE: Final = Path("users.json")
#: "…passwords are at least 8 characters in length" — ASVS 6.2.1
MIN_PASSWORD_LETTERS: Final = 8

file_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="[default: login.users, else users.json]"
)
stdin_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, without its line's end."
)


@click.group()
def users() -> None:
    """Add a user to the users file, or check a password."""


@users.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role; may come more than once.")
@click.option("--scope", "scopes", multiple=True, help="A scope; may come more than once.")
@click.option("--replace", is_flag=True, help="Replace a user of this name, with all that is known of him.")
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
    """Add a user; the file is begun where there is none.  The password is asked for, twice."""
    path = _path(settings, file)
    password = _read_password() if password_stdin else _ask_password(is_new=True)
    if len(password) < MIN_PASSWORD_LETTERS:
        raise UsageError(f"The password must have at least {MIN_PASSWORD_LETTERS} characters.")
    UsersFile.create(path).add(name, password, roles=roles, scopes=scopes, replaces=replace)
    tell(f"wrote {name} to {path}")


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
    """Say whether a password is right, and who it is; status 1 if it is wrong.  No try is counted."""
    directory = UsersFile(_path(settings, file))
    password = _read_password() if password_stdin else _ask_password(is_new=False)
    account = directory.check(name, password)
    if account is None:
        raise CommandFailed("The user is unknown or disabled, or the password is wrong.")
    record = {
        "subject": account.subject,
        "display_name": account.display_name,
        "roles": list(account.roles),
        "scopes": list(account.scopes),
        "level": account.level,
    }
    print_record(record, as_json=as_json)


def _path(settings: Settings, file: Path | None) -> Path:
    config = settings.config_if_any() if file is None else None
    return file or (config.login.users if config is not None else None) or DEFAULT_FILE


def _read_password() -> str:
    return read_standard_input("The password").removesuffix("\n").removesuffix("\r")


def _ask_password(*, is_new: bool) -> str:
    require_standard_input("The password")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=is_new, err=True)
    return password
