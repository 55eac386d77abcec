"""What an author writes to say who the users are, and the port behind which the core asks it."""

from collections.abc import Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from safeconduct._core.account_fields import check_account
from safeconduct._core.place import Place
from safeconduct.principal import Level


@dataclass(frozen=True, slots=True)
class Account:
    """What a directory knows of a user who may sign in."""

    subject: str
    roles: Sequence[str] = field(default=(), kw_only=True)
    scopes: Sequence[str] = field(default=(), kw_only=True)
    level: Level = field(default="explicit", kw_only=True)
    display_name: str | None = field(default=None, kw_only=True)
    disabled: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Check the account."""
        check_account(self)


class Directory(Protocol):
    """What an author writes, blocking: who the users are."""

    def check(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        ...

    def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None if there is none."""
        ...


class AsyncDirectory(Protocol):
    """The same, awaitable; one class may have both faces."""

    async def acheck(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        ...

    async def alookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None if there is none."""
        ...


class People(Protocol):
    """
    A directory behind one of the three ports ``Inline``, ``Pooled``, ``Native``.

    Raises ``Unavailable`` where the directory fails, somebody waits for too long, or too many wait.
    """

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``: what a sign-in found holds until the next one."""
        ...

    def turn(self, key: Hashable, network: str) -> AbstractAsyncContextManager[Place]:
        """Let one at a time in among those with the same *key*, which come from *network*."""
        ...

    async def check(self, username: str, password: str, place: Place) -> Account | None:
        """Return the account if the password is right, else None; *place* is what ``turn`` gave."""
        ...

    async def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        ...

    def close(self) -> None:
        """Answer no more; what is under way is answered."""
        ...
