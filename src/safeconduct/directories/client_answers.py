"""Check what an application says of a client: a ``Client`` or None; anything else is ``Unavailable``."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from safeconduct._core.event_dispatcher import log_fault, write_log
from safeconduct.config.clients import Client
from safeconduct.directories.locks import ConcurrencyLimit
from safeconduct.errors import Unavailable

DEADLINE_SECONDS: Final = 2.0
"""How long a request waits for the clients."""

AT_ONCE: Final = 64
"""How many names are asked about at once, of clients and as many again of unknown ones."""

_logger = logging.getLogger("safeconduct.clients")


def new_limits() -> dict[bool, ConcurrencyLimit]:
    """Return how many names may be asked about at once: of known clients, and of others."""
    return {is_known: ConcurrencyLimit(AT_ONCE, "too many clients are being looked up") for is_known in (True, False)}


@contextmanager
def translate_errors() -> Generator[None]:
    """
    Raise ``Unavailable`` for whatever the clients raise, which says nothing about a token.

    At ERROR the log gets the class and the places of the traceback alone: the text of the error may hold a secret.
    """
    try:
        yield
    except Exception as error:
        log_fault(_logger, "the clients failed", error)
        raise Unavailable("the clients failed") from error


def checked_client(answer: Any, client_id: str) -> Client | None:
    """
    Return what ``find(client_id)`` returned.

    Raises:
        Unavailable: If it is neither None nor the client of that name.
    """
    if answer is None or (isinstance(answer, Client) and answer.client_id == client_id):
        return answer
    name = "another client" if isinstance(answer, Client) else type(answer).__name__
    write_log(_logger, logging.CRITICAL, "the clients answered with %s instead of the Client or None", name)
    raise Unavailable("the clients answered with something else")
