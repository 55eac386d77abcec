"""What comes on standard input, which may be closed (``<&-``)."""

import sys
from typing import cast

from safeconduct.cli.output import UsageError


def read_standard_input(what: str) -> str:
    """
    Return all of standard input.

    Args:
        what: What is wanted there, for the error: "The password".

    Raises:
        Complaint: If it is closed, or no UTF-8.
    """
    require_standard_input(what)
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise UsageError(f"{what} on standard input is no UTF-8.") from None


def require_standard_input(what: str) -> None:
    """
    Return if standard input is open, to read *what* or to ask for it.

    Raises:
        Complaint: If it is closed.
    """
    # Python has None there, whatever the type says.
    if cast("object", sys.stdin) is None:
        raise UsageError(f"{what} cannot be read: standard input is closed.")
