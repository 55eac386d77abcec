"""Ask the directory what the owner of an API key has now, at most once in ``revocation.staleness_seconds``."""

from collections.abc import Callable

from safeconduct._core.account_checks import require_current
from safeconduct._core.api_keys.records import KeyRights, StoredApiKey
from safeconduct._core.directory import Account, DirectoryPort
from safeconduct.errors import RevokedToken

_CAPACITY = 10_000
"""How many accounts are remembered."""

#: Requests that came together may read the clock in another order than they are served; a clock that went back further
#: than this must not prolong what is known.
_DISORDER_SECONDS = 1.0


class KeyOwners:
    """
    Find out what the owners of API keys have, for one world.

    Only owners of keys whose secret was shown are asked for, so nobody can fill the memory with names of their own.

    Args:
        directory: Returns the directory; None where there is none, and what a key was made with holds.
        staleness_seconds: How long an account is not looked up again.
        leeway_ms: How far clocks may differ.
    """

    def __init__(
        self,
        directory: Callable[[], DirectoryPort | None],
        *,
        staleness_seconds: float,
        leeway_ms: int,
    ) -> None:
        self._directory = directory
        self._leeway_ms = leeway_ms
        self._staleness_seconds = staleness_seconds
        self._half = _CAPACITY // 2
        # Two generations, as in ``BasicCredentials``.
        self._younger: dict[str, tuple[float, Account | None]] = {}
        self._older: dict[str, tuple[float, Account | None]] = {}

    async def rights(self, record: StoredApiKey, *, now: float) -> KeyRights:
        """
        Return what a key may do now.

        Raises:
            RevokedToken: If its owner is disabled, gone, or cut off since the key was made.
            Unavailable: If the directory cannot be asked.
        """
        scopes, roles = frozenset(record.scopes), frozenset(record.roles)
        directory = self._directory()
        if directory is None or directory.is_static:
            # Nobody says what the owner has now: what the key was made with holds.
            return self._rights(scopes, roles, record.subject, now)
        asked_at, account = await self._account(directory, record.subject, now)
        # A key that was made before the account was cut off has ended, like a token of that time.
        account = require_current(
            account, since_ms=record.created_ms, now_ms=int(now * 1000), leeway_ms=self._leeway_ms
        )
        scopes, roles = scopes & frozenset(account.scopes), roles & frozenset(account.roles)
        return self._rights(scopes, roles, account.display_name or record.subject, asked_at)

    async def account(self, subject: str) -> Account | None:
        """
        Return the account of a user as it is now; None if nobody says.

        Raises:
            RevokedToken: If the user is disabled, or there is no such user.
            Unavailable: If the directory cannot be asked.
        """
        directory = self._directory()
        if directory is None or directory.is_static:
            return None
        account = await directory.lookup(subject)
        if account is None or account.disabled:
            raise RevokedToken("the user is disabled or unknown")
        return account

    def _rights(self, scopes: frozenset[str], roles: frozenset[str], name: str, asked_at: float) -> KeyRights:
        return KeyRights(scopes, roles, name, asked_at - _DISORDER_SECONDS, asked_at + self._staleness_seconds)

    async def _account(self, directory: DirectoryPort, subject: str, now: float) -> tuple[float, Account | None]:
        known = self._younger.get(subject) or self._older.get(subject)
        if known is not None and known[0] - _DISORDER_SECONDS <= now < known[0] + self._staleness_seconds:
            return known
        found = now, await directory.lookup(subject)
        if len(self._younger) >= self._half:
            # The older one first: a thread that looks in between finds the same accounts twice, not none.
            self._older, self._younger = self._younger, {}
        self._younger[subject] = found
        return found
