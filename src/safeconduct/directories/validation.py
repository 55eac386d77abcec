"""Check what a directory returns: an ``Account`` or None; anything else is ``Unavailable``."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from safeconduct._core.directory import Account, WrongAccount
from safeconduct._core.event_dispatcher import log_fault, write_log
from safeconduct.errors import Unavailable

_logger = logging.getLogger("safeconduct.directories")


class WrongAnswer(Exception):
    """Raised by a directory for what the application's part of it returned; the text says what, without its values."""


@contextmanager
def translate_errors() -> Generator[None]:
    """
    Raise ``Unavailable`` for whatever a directory raises, which says nothing about the password.

    At ERROR the log gets the class and the places of the traceback alone: the text of the error may hold the password.
    """
    try:
        yield
    except WrongAccount as error:
        raise _wrong_answer(f"an Account whose {' and '.join(error.fields)} is of the wrong kind") from error
    except WrongAnswer as error:
        raise _wrong_answer(str(error)) from error
    except Exception as error:
        log_fault(_logger, "the directory failed", error)
        raise Unavailable("the directory failed") from error


def checked_account(answer: Any) -> Account | None:
    """
    Return what ``check`` returned.

    Raises:
        Unavailable: If it is neither an account nor None.
    """
    if answer is None:
        return None
    if not isinstance(answer, Account):
        raise _wrong_answer(f"{type(answer).__name__} instead of an Account or None")
    return answer


def checked_lookup(answer: Any, subject: str) -> Account | None:
    """
    Return what ``lookup(subject)`` returned.

    Raises:
        Unavailable: If it is neither None nor the account of *subject*.
    """
    account = checked_account(answer)
    if account is not None and account.subject != subject:
        raise _wrong_answer("the account of another subject")
    return account


def _wrong_answer(answer: str) -> Unavailable:
    write_log(_logger, logging.CRITICAL, "the directory answered with %s; nobody can sign in", answer)
    return Unavailable(f"the directory answered with {answer}")


def octets_of(text: str, *, at_most: int) -> bytes | None:
    """Return *text* in UTF-8, or None if it cannot be encoded or is longer than *at_most* bytes."""
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return None
    return octets if len(octets) <= at_most else None
