"""What a directory says, checked at the border: an ``Account``, None, or else ``Unavailable``."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from safeconduct._core.directory import Account, WrongAccount
from safeconduct._core.event_dispatcher import write_log
from safeconduct.errors import Unavailable

_logger = logging.getLogger("safeconduct.directories")


@contextmanager
def translated() -> Generator[None]:
    """
    Turn whatever a directory raises into ``Unavailable``; it says nothing about the password.

    The log gets the class's name alone, since the text of a foreign error may hold the password, and a traceback's
    frames hold it too.
    """
    try:
        yield
    except WrongAccount as error:
        raise _nonsense(f"an Account whose {' and '.join(error.fields)} is of the wrong kind") from error
    except Exception as error:
        write_log(_logger, logging.ERROR, "the directory failed: %s", type(error).__name__)
        raise Unavailable("the directory failed") from error


def checked(answer: Any) -> Account | None:
    """
    Return what ``check`` answered.

    Raises:
        Unavailable: If it is neither an account nor None.
    """
    if answer is None:
        return None
    if not isinstance(answer, Account):
        raise _nonsense(f"{type(answer).__name__} instead of an Account or None")
    return answer


def looked_up(answer: Any, subject: str) -> Account | None:
    """
    Return what ``lookup(subject)`` answered.

    Raises:
        Unavailable: As ``checked``, and if it is the account of somebody else.
    """
    account = checked(answer)
    if account is not None and account.subject != subject:
        raise _nonsense("the account of another subject")
    return account


def _nonsense(what: str) -> Unavailable:
    write_log(_logger, logging.CRITICAL, "the directory answered with %s; nobody can sign in", what)
    return Unavailable(f"the directory answered with {what}")


def octets_of(text: str, *, at_most: int) -> bytes | None:
    """Return *text* in UTF-8, or None where that can't be or is longer than *at_most* bytes."""
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return None
    return octets if len(octets) <= at_most else None
