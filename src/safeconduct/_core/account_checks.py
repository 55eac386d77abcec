"""Compare what goes back to a sign-in with the account as the directory has it: deleted, disabled or cut off."""

import logging
from typing import Final

from safeconduct._core.directory import Account
from safeconduct._core.event_dispatcher import write_log
from safeconduct.errors import RevokedToken, Unavailable

_logger: Final = logging.getLogger("safeconduct.directories")


def refuse_future_cut_off(earliest_ms: float, *, now_ms: int, leeway_ms: int) -> None:
    """
    Return if a token that is issued at *earliest_ms* is valid at once.

    A cut-off that is further in the future than clocks may differ is a mistake, such as milliseconds for seconds.
    It lets no one in and ends no session.

    Raises:
        Unavailable: If the cut-off lies in the future.
    """
    if earliest_ms > now_ms + leeway_ms:
        write_log(_logger, logging.CRITICAL, "the directory answered with an Account whose cut_off is in the future")
        raise Unavailable("the cut_off of the account lies in the future")


def require_current(account: Account | None, *, since_ms: int, now_ms: int, leeway_ms: int) -> Account:
    """
    Return *account* if what goes back to a sign-in at *since_ms* still counts.

    Raises:
        RevokedToken: If it is gone, disabled, or cut off at or after that second.
        Unavailable: If its cut-off lies in the future.
    """
    if account is None or account.disabled:
        raise RevokedToken("the account is gone or disabled")
    refuse_future_cut_off(account.earliest_ms, now_ms=now_ms, leeway_ms=leeway_ms)
    if since_ms < account.earliest_ms:
        raise RevokedToken("the account was cut off")
    return account
