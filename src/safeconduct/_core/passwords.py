"""A user name and a password, proven: the turn of their account, then the throttle, then the directory in its bound."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from safeconduct._core.directory import Account, People, QueuePosition
from safeconduct._core.throttle import Throttle, Try, skeleton
from safeconduct._http.authorization import BOM, CONTROL, MAX_PART_BYTES
from safeconduct.errors import BadCredentials, Unavailable
from safeconduct.events import Event, SignInFailed


@dataclass(frozen=True, slots=True)
class Attempt:
    """A name and a password whose turn it is; at most one of an account and network in a process."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    network: str
    place: QueuePosition = field(repr=False)


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
        async with self.turn(username, password, network=network) as attempt:
            return await self.prove_in_turn(attempt, scheme=scheme, has_device=has_device, asks_again=asks_again)

    @asynccontextmanager
    async def turn(self, username: str, password: str, *, network: str) -> AsyncGenerator[Attempt]:
        """
        Wait for the turn of this account in this network, which others who name it have had by then.

        Raises:
            BadCredentials: If the name or the password is none that anybody has.
            Unavailable: If the turn does not come in time, or too many wait.
        """
        # Equal timing is promised for what fits only: this costs neither a try nor a hash.
        refuse_misfit_name(username)
        _refuse_misfit(password, _NOT_IN_A_PASSWORD)
        async with self._people.lock((skeleton(username), network), network) as place:
            yield Attempt(username, password, network, place)

    async def prove_in_turn(
        self, attempt: Attempt, *, scheme: str, has_device: bool = False, asks_again: bool = False
    ) -> Account:
        """Do what ``prove`` does, within a turn that was waited for."""
        counted = await self._throttle.begin(attempt.username, network=attempt.network, has_device=has_device)
        try:
            account = await self._find(attempt, asks_again=asks_again)
        except Unavailable:
            await self._throttle.withdraw(counted)
            raise
        if account is None:
            await self._throttle.fail(counted)
            raise self._failed(counted, scheme)
        await self._throttle.succeed(counted)
        return account

    async def _find(self, attempt: Attempt, *, asks_again: bool) -> Account | None:
        account = await self._people.check(attempt.username, attempt.password, attempt.place)
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


#: As in Basic; and a name in a log or a header must not begin a line of its own.
_NOT_IN_A_NAME = re.compile(f"{CONTROL.pattern}|\\A{BOM}")
#: What hashes and directories written in C take for the end.
_NOT_IN_A_PASSWORD = re.compile("\0")


def refuse_misfit_name(username: str) -> None:
    """
    Return if *username* is a name that somebody may have.

    Raises:
        BadCredentials: If it is too long, no Unicode, or has a control character.
    """
    _refuse_misfit(username, _NOT_IN_A_NAME)


def _refuse_misfit(text: str, misfit: re.Pattern[str]) -> None:
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        # The error holds the text: nothing of it may stay with ours.
        raise BadCredentials("the user name or the password is not Unicode") from None
    if len(octets) > MAX_PART_BYTES:
        raise BadCredentials("the user name or the password is too long")
    if misfit.search(text):
        raise BadCredentials("the user name or the password has a control character")
