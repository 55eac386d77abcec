"""Make a directory of functions."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction

from safeconduct._core.directory import Account
from safeconduct._core.wrapped_app import described
from safeconduct.errors import ConfigurationError

Check = Callable[[str, str], Account | None]
Lookup = Callable[[str], Account | None]
AsyncCheck = Callable[[str, str], Awaitable[Account | None]]
AsyncLookup = Callable[[str], Awaitable[Account | None]]


class CallableDirectory:
    """
    A directory made of plain functions, which may block.

    Args:
        check: Takes a user name and a password and returns the account, or None, in the same time.
        lookup: Takes a subject and returns the account as it is now, or None.  Without it the directory is static:
            roles, scopes and level stay as they were at sign-in.

    Raises:
        ConfigurationError: If one of them is no function, or is async; ``AsyncCallableDirectory`` is for those.
    """

    def __init__(self, check: Check, lookup: Lookup | None = None) -> None:
        _require_functions(check, lookup)
        for name, function in (("check", check), ("lookup", lookup)):
            if iscoroutinefunction(function):
                raise ConfigurationError(
                    f"{name} must be a plain function, got an async one: use AsyncCallableDirectory"
                )
        self._check = check
        self._lookup = lookup
        self.static = lookup is None

    def check(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None."""
        return self._check(username, password)

    def lookup(self, subject: str) -> Account | None:
        """
        Return the account as it is now, or None.

        Raises:
            LookupError: If the directory is static.
        """
        if self._lookup is None:
            raise LookupError("the directory is static")
        return self._lookup(subject)


class AsyncCallableDirectory:
    """
    A directory made of awaitable functions, which must not block; for ASGI alone.

    Args:
        check: Takes a user name and a password and returns the account, or None, in the same time.
        lookup: Takes a subject and returns the account as it is now, or None.  Without it the directory is static:
            roles, scopes and level stay as they were at sign-in.

    Raises:
        ConfigurationError: If one of them is no function.
    """

    def __init__(self, check: AsyncCheck, lookup: AsyncLookup | None = None) -> None:
        _require_functions(check, lookup)
        self._check = check
        self._lookup = lookup
        self.static = lookup is None

    async def acheck(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None."""
        return await self._check(username, password)

    async def alookup(self, subject: str) -> Account | None:
        """
        Return the account as it is now, or None.

        Raises:
            LookupError: If the directory is static.
        """
        if self._lookup is None:
            raise LookupError("the directory is static")
        return await self._lookup(subject)


def _require_functions(check: object, lookup: object) -> None:
    for name, function in (("check", check), ("lookup", lookup)):
        if (name, function) != ("lookup", None) and (isinstance(function, type) or not callable(function)):
            raise ConfigurationError(f"{name} must be a function, got {described(function)}")
