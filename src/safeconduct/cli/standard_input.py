"""Read tokens and passwords from standard input, which may be closed (``<&-``)."""

import sys
from typing import cast

import click

from safeconduct.cli.output import UsageError


def read_token(argument: str) -> str:
    """Return the token in *argument*, or the one on standard input if *argument* is ``-``."""
    return (read_standard_input("TOKEN") if argument == "-" else argument).strip()


def read_password() -> str:
    """Return the password on standard input, without the end of its line."""
    return read_standard_input("The password").removesuffix("\n").removesuffix("\r")


def ask_password(*, is_new: bool) -> str:
    """Ask for a password; ask for a new one twice."""
    require_standard_input("The password")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=is_new, err=True)
    return password


def read_standard_input(subject: str) -> str:
    """
    Return all of standard input.

    Args:
        subject: What it should hold, as the first words of an error: "The password".

    Raises:
        UsageError: If it is closed or is not UTF-8.
    """
    require_standard_input(subject)
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise UsageError(f"{subject} on standard input is not UTF-8.") from None


def require_standard_input(subject: str) -> None:
    """
    Raise unless standard input is open.

    Raises:
        UsageError: If it is closed.
    """
    # Python has None there, although the type does not say so.
    if cast("object", sys.stdin) is None:
        raise UsageError(f"{subject} cannot be read: standard input is closed.")
