"""A user name and a password, proven: the throttle first, then the directory within its bound."""

from collections.abc import Callable
from dataclasses import replace

from safeconduct._core.ports import Account, People
from safeconduct._core.throttle import Throttle, Try
from safeconduct._http.credentials import MAX_PART_BYTES
from safeconduct.errors import BadCredentials, Unavailable
from safeconduct.events import Event, SignInFailed


class Passwords:
    """
    Prove user names and passwords.

    Args:
        people: The directory behind one of its ports.
        throttle: The gate before every comparison.
        announce: Told of every failure.
    """

    def __init__(self, people: People, throttle: Throttle, *, announce: Callable[[Event], None]) -> None:
        self._people = people
        self._throttle = throttle
        self._announce = announce

    async def prove(
        self,
        username: str,
        password: str,
        *,
        network: str,
        scheme: str,
        has_device: bool = False,
        asks_again: bool = False,
    ) -> Account:
        """
        Check *password* and return the account.

        A request that is cancelled meanwhile has used its try up: the password was, or will be, compared.

        Args:
            username: As it was submitted.
            password: As it was submitted: neither cut nor normalised.
            network: From ``network_of``.
            scheme: How it came, for the event.
            has_device: Whether the caller holds a device cookie of this very account.
            asks_again: Whether the directory is also asked what the account is now: on a step-up and in Basic.

        Raises:
            BadCredentials: If the name or the password is wrong, or the account is gone or disabled: alike.
            TooManyAttempts: If a bound of the throttle is reached; nothing was compared.
            Unavailable: If the directory can't be asked; the try does not count.
        """
        # Equal timing is promised for what fits only: this costs neither a try nor a hash.
        _refuse_misfit(username)
        _refuse_misfit(password)
        counted = await self._throttle.begin(username, network=network, has_device=has_device)
        try:
            account = await self._find(username, password, asks_again=asks_again)
        except Unavailable:
            await self._throttle.withdraw(counted)
            raise
        if account is None:
            raise self._failed(counted, scheme)
        await self._throttle.succeed(counted)
        return account

    async def _find(self, username: str, password: str, *, asks_again: bool) -> Account | None:
        account = await self._people.check(username, password)
        if account is None or account.disabled:
            return None
        if not asks_again or self._people.is_static:
            return account
        current = await self._people.lookup(account.subject)
        if current is None or current.disabled:
            return None
        # What was proven just now is the check's word, everything else that of the look-up.
        return replace(current, level=account.level)

    def _failed(self, counted: Try, scheme: str) -> BadCredentials:
        self._announce(SignInFailed(account=counted.account, scheme=scheme))
        return BadCredentials("the user name or the password is wrong")


def _refuse_misfit(text: str) -> None:
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        # The error holds the text: nothing of it may stay with ours.
        raise BadCredentials("the user name or the password is not Unicode") from None
    if len(octets) > MAX_PART_BYTES:
        raise BadCredentials("the user name or the password is too long")
