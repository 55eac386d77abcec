"""Check a user name and a password: in the account's turn, within the throttle's limits, against the directory."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from safeconduct._core.directory import Account, DirectoryPort, QueuePosition
from safeconduct._core.throttle import Throttle, skeleton
from safeconduct._http.authorization import BOM, CONTROL, MAX_PART_BYTES
from safeconduct.errors import BadCredentials, Unavailable
from safeconduct.events import Event, SignInFailed

#: As in Basic; and a name in a log or a header must not begin a new line.
_NOT_IN_A_NAME = re.compile(f"{CONTROL.pattern}|\\A{BOM}")
#: Hashes and directories written in C read it as the end.
_NOT_IN_A_PASSWORD = re.compile("\0")


@dataclass(frozen=True, slots=True)
class QueuedCheck:
    """A name and a password whose turn it is; a process checks one at a time for each account and network."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    network: str
    position: QueuePosition = field(repr=False)


class Passwords:
    """
    Check user names and passwords.

    Args:
        directory: Checks passwords and looks up accounts.
        throttle: Limits the attempts, before anything is compared.
        announce: Sends an event for every failure.
    """

    def __init__(self, directory: DirectoryPort, throttle: Throttle, *, announce: Callable[[Event], None]) -> None:
        self._directory = directory
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

        A request that is cancelled meanwhile has used up its attempt: the password was compared, or will be.

        Args:
            username: The name as it was submitted.
            password: The password as it was submitted: neither cut nor normalized.
            network: From ``network_of``.
            scheme: How they came, for the event.
            has_device: Whether the browser has a device cookie for this account.
            asks_again: Whether to look the account up after the check as well, as step-up and Basic do.

        Raises:
            BadCredentials: If the name or the password is wrong, or if the account is deleted or disabled.
            TooManyAttempts: If a limit of the throttle is reached; nothing was compared.
            Unavailable: If the directory cannot be asked; the attempt does not count.
        """
        async with self.turn(username, password, network=network) as check:
            return await self.prove_in_turn(check, scheme=scheme, has_device=has_device, asks_again=asks_again)

    @asynccontextmanager
    async def turn(self, username: str, password: str, *, network: str) -> AsyncGenerator[QueuedCheck]:
        """
        Wait until earlier checks of the same account and network are over.

        Raises:
            BadCredentials: If the name or the password is one that nobody can have.
            Unavailable: If it takes too long, or too many checks are waiting.
        """
        # These cost neither an attempt nor a hash: equal timing is promised only for what a user may have.
        _refuse_unusable(username, _NOT_IN_A_NAME)
        _refuse_unusable(password, _NOT_IN_A_PASSWORD)
        async with self._directory.lock((skeleton(username), network), network) as position:
            yield QueuedCheck(username, password, network, position)

    async def prove_in_turn(
        self, check: QueuedCheck, *, scheme: str, has_device: bool = False, asks_again: bool = False
    ) -> Account:
        """Check a password as ``prove`` does, in a turn that has come."""
        attempt = await self._throttle.begin(check.username, network=check.network, has_device=has_device)
        try:
            account = await self._find(check, asks_again=asks_again)
        except Unavailable:
            await self._throttle.withdraw(attempt)
            raise
        if account is None:
            await self._throttle.fail(attempt)
            self._announce(SignInFailed(account=attempt.account, scheme=scheme))
            raise BadCredentials("the user name or the password is wrong")
        await self._throttle.succeed(attempt)
        return account

    async def _find(self, check: QueuedCheck, *, asks_again: bool) -> Account | None:
        account = await self._directory.check(check.username, check.password, check.position)
        if account is None or account.disabled:
            return None
        if not asks_again or self._directory.is_static:
            return account
        current = await self._directory.lookup(account.subject)
        if current is None or current.disabled:
            return None
        # Only the check knows how the user was authenticated; everything else is as the look-up says.
        return replace(current, level=account.level)


def refuse_unusable_name(username: str) -> None:
    """
    Return if *username* is a name that a user may have.

    Raises:
        BadCredentials: If it is too long, not Unicode, or has a control character.
    """
    _refuse_unusable(username, _NOT_IN_A_NAME)


def _refuse_unusable(text: str, forbidden: re.Pattern[str]) -> None:
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        # The error holds the text, and none of it may stay in ours.
        raise BadCredentials("the user name or the password is not Unicode") from None
    if len(octets) > MAX_PART_BYTES:
        raise BadCredentials("the user name or the password is too long")
    if forbidden.search(text):
        raise BadCredentials("the user name or the password has a control character")
