"""
Compare what goes back to a sign-in with the account as the directory has it: deleted, disabled or cut off.

At renewals and refreshes the directory is asked each time.  With ``login.cut_off = "cached"`` an account is also
compared at every request, as it was looked up at most ``revocation.staleness_seconds`` ago.
"""

import logging
import math
from collections.abc import Collection
from typing import Final, Protocol

from safeconduct._core.decision import NO_ACCOUNT, AccountQuestion, CachedResult, Proof
from safeconduct._core.directory import Account
from safeconduct._core.event_dispatcher import write_log
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.principal import CLIENT_SUBJECT, Identity, Principal

_logger: Final = logging.getLogger("safeconduct.directories")


def refuse_future_cut_off(earliest_ms: float, *, now_ms: int, leeway_ms: int) -> None:
    """
    Return if a token that is issued at *earliest_ms* is valid at once.

    A cut-off that is further in the future than clocks may differ is a mistake, such as milliseconds for seconds.
    It lets no one in and ends no session.

    Raises:
        Unavailable: If the cut-off lies in the future.
    """
    if now_ms + leeway_ms < earliest_ms < math.inf:
        write_log(_logger, logging.CRITICAL, "the directory answered with an Account whose cut_off is in the future")
        raise Unavailable("the cut_off of the account lies in the future")


def earliest_ms_of(account: Account | None) -> float:
    """Return from when on sign-ins of *account* count, in milliseconds; infinity if it is gone or disabled."""
    return math.inf if account is None or account.disabled else account.earliest_ms


def require_current(account: Account | None, *, since_ms: int, now_ms: int, leeway_ms: int) -> Account:
    """
    Return *account* if what goes back to a sign-in at *since_ms* still counts.

    Raises:
        RevokedToken: If it is gone, disabled, or cut off at or after that second.
        Unavailable: If its cut-off lies in the future.
    """
    earliest_ms = earliest_ms_of(account)
    refuse_future_cut_off(earliest_ms, now_ms=now_ms, leeway_ms=leeway_ms)
    if account is None or since_ms < earliest_ms:
        raise RevokedToken("the account is gone, disabled or cut off")
    return account


def goes_back_to(issued_ms: int, auth_time: int | None) -> int:
    """Return the instant that an account's cut-off is compared with, in milliseconds."""
    # A token may be issued while the account is being cut off: the sign-in that it goes back to decides.
    return issued_ms if auth_time is None else min(issued_ms, auth_time * 1000)


class AccountLookups(Protocol):
    """Look accounts up, and remember for a while from when on their sign-ins count, see ``earliest_ms_of``."""

    def recall(self, subject: str, now: float) -> float | None:
        """Return what is known of *subject* at *now*, None if it must be looked up."""
        ...

    async def look_up(self, subject: str, now: float) -> float:
        """
        Return what the directory says of *subject*, once for all who ask at the same time.

        Raises:
            Unavailable: If the directory cannot be asked, or takes too long.
        """
        ...


class AccountChecks:
    """
    Check at every request whether an account is deleted, disabled or cut off.

    Asked about are the users of our own issuer, and those of Basic; other issuers and clients are not in the directory.

    Args:
        lookups: Looks accounts up.
        issuers: The issuers whose subjects are in the directory.
        leeway_ms: How far clocks may differ.
    """

    def __init__(self, lookups: AccountLookups, *, issuers: Collection[str], leeway_ms: int) -> None:
        self._lookups = lookups
        self._recall = lookups.recall
        self._issuers = frozenset(issuers)
        self._leeway_ms = leeway_ms

    def still_counts(self, cached: CachedResult, now: float) -> bool:
        """Say whether ``check`` would return for *cached* without a look-up."""
        asked = cached.account
        if asked is None:
            asked = cached.account = self._question(cached.passed.identity, cached.passed.proof)
        if asked is NO_ACCOUNT:
            return True
        earliest_ms = self._recall(asked.subject, now)
        return earliest_ms is not None and asked.since_ms >= earliest_ms

    async def check(self, identity: Identity, proof: Proof, *, now: float) -> None:
        """
        Return if the account of *identity* has not ended what *proof* goes back to.

        Raises:
            RevokedToken: If it is gone, disabled, or cut off.
            Unavailable: If the directory cannot be asked, or the cut-off lies in the future.
        """
        asked = self._question(identity, proof)
        if asked is NO_ACCOUNT:
            return
        earliest_ms = self._recall(asked.subject, now)
        if earliest_ms is None:
            earliest_ms = await self._lookups.look_up(asked.subject, now)
        refuse_future_cut_off(earliest_ms, now_ms=int(now * 1000), leeway_ms=self._leeway_ms)
        if asked.since_ms < earliest_ms:
            raise RevokedToken("the account is gone, disabled or cut off")

    async def check_anew(self, subject: str, *, since_ms: int, now: float) -> None:
        """
        Return if the account of *subject*, a user of ours, has not ended what goes back to *since_ms*.

        The directory is asked, whatever is remembered: a new token would outlive a cut-off that is not known yet.

        Raises:
            RevokedToken: If the account is gone, disabled, or cut off.
            Unavailable: If the directory cannot be asked, or the cut-off lies in the future.
        """
        earliest_ms = await self._lookups.look_up(subject, now)
        refuse_future_cut_off(earliest_ms, now_ms=int(now * 1000), leeway_ms=self._leeway_ms)
        if since_ms < earliest_ms:
            raise RevokedToken("the account is gone, disabled or cut off")

    def _question(self, identity: Identity, proof: Proof | None) -> AccountQuestion:
        if not isinstance(identity, Principal) or proof is None or identity.issuer not in self._issuers:
            return NO_ACCOUNT
        subject = identity.subject
        if proof.api_key is not None or _is_client(identity):
            # A client is not in the directory, and the owner of an API key was asked for with it.
            return NO_ACCOUNT
        since_ms = proof.question.issued_ms if proof.proven_ms is None else proof.proven_ms
        return AccountQuestion(subject, goes_back_to(since_ms, identity.auth_time))


def _is_client(principal: Principal) -> bool:
    """Say whether a principal of our own issuer is a client and not a user, who may have the name of one."""
    if principal.subject.startswith(CLIENT_SUBJECT):
        return True
    # Nobody acts for a client, and it has no session.
    is_own_name = principal.subject == principal.client_id
    return is_own_name and principal.actor is None and principal.session_id is None
