"""Define what an application provides to say who its users are, and the port through which the core asks it."""

import math
from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeGuard, cast

from safeconduct.config.shown_values import shown
from safeconduct.errors import ConfigurationError
from safeconduct.principal import CLIENT_SUBJECT, LEVELS, Level


def is_text(value: object) -> TypeGuard[str]:
    """Say whether *value* is a text that is not empty and has a UTF-8 form: lone surrogates have none."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def are_texts(value: object) -> TypeGuard[Collection[str]]:
    """Say whether *value* is a collection of texts and nothing else; a single text is not."""
    if not isinstance(value, list | tuple | set | frozenset):
        return False
    return all(is_text(word) for word in cast("Collection[object]", value))


def is_instant_or_none(value: object) -> TypeGuard[float | None]:
    """Say whether *value* is None or a finite number of seconds since the epoch."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value is None
    # An integer may be too large for a float, and is finite.
    return value >= 0 and (isinstance(value, int) or math.isfinite(value))


class WrongAccount(ConfigurationError):
    """Raised for an ``Account`` with wrong fields; *fields* names them, without their values."""

    def __init__(self, fields: Collection[str], *lines: str) -> None:
        """Keep the names of the wrong *fields*, and one line for each."""
        super().__init__("\n  ".join(("wrong Account:", *lines)))
        self.fields = tuple(fields)


class _Field(NamedTuple):
    is_right: Callable[[object], bool]
    wanted: str


_TEXTS: Final = 'a list of texts, such as ["admin"]'


def _is_person(value: object) -> bool:
    # A client that is named so would have the rights of the person, and the person those of the client.
    return is_text(value) and not value.startswith(CLIENT_SUBJECT)


def _is_text_or_none(value: object) -> bool:
    return value is None or is_text(value)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


_FIELDS: Final = {
    "subject": _Field(_is_person, f"a text that is not empty and does not begin with {CLIENT_SUBJECT}"),
    "roles": _Field(are_texts, _TEXTS),
    "scopes": _Field(are_texts, _TEXTS),
    "level": _Field(LEVELS[1:].__contains__, f"one of {', '.join(LEVELS[1:])}"),
    "display_name": _Field(_is_text_or_none, "a text that is not empty, or None"),
    "disabled": _Field(_is_flag, "True or False"),
    "cut_off": _Field(is_instant_or_none, "seconds since the epoch, such as time.time(), or None"),
}


def check_account(account: Any) -> None:
    """
    Check the fields of a new account.

    Raises:
        WrongAccount: If a field is wrong.
    """
    wrong = [name for name, field in _FIELDS.items() if not field.is_right(getattr(account, name))]
    if wrong:
        raise WrongAccount(
            wrong, *(f"{name}: got {shown(getattr(account, name))}, wanted {_FIELDS[name].wanted}" for name in wrong)
        )


Need = Literal["lock", "slot"]
"""What a password comparison waits for, in this order: the lock of its account and network, then a hashing slot."""


class QueuePosition:
    """
    One password comparison, from when it asks for its lock until it ends.

    Args:
        key: Its account and network; two comparisons with the same key never run at once.
        network: The network that it comes from.
        until: When it stops waiting, by the clock of the thread or task that waits.
    """

    __slots__ = ("is_over", "key", "needs", "network", "until", "wake")

    def __init__(self, key: Hashable, network: str, until: float) -> None:
        self.key = key
        self.network = network
        self.until = until
        #: What it waits for; None while it waits for nothing.
        self.needs: Need | None = None
        self.wake: Callable[[], None] = _wake_nothing
        #: Whether its result is not needed any more; a thread that cannot be stopped may still hold a slot.
        self.is_over = False


def _wake_nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Account:
    """
    What a directory knows about a user who may sign in.

    *cut_off* ends everything that goes back to a sign-in at or before that instant, in seconds since the epoch.
    """

    subject: str
    roles: Sequence[str] = field(default=(), kw_only=True)
    scopes: Sequence[str] = field(default=(), kw_only=True)
    level: Level = field(default="explicit", kw_only=True)
    display_name: str | None = field(default=None, kw_only=True)
    disabled: bool = field(default=False, kw_only=True)
    cut_off: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Check the account."""
        check_account(self)

    @property
    def earliest_ms(self) -> int:
        """From when tokens are not cut off: the first second after *cut_off*, in milliseconds; 0 without one."""
        return 0 if self.cut_off is None else (math.floor(self.cut_off) + 1) * 1000


class Directory(Protocol):
    """Say who the users are, with blocking methods; an application provides it."""

    def check(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        ...

    def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None if there is none."""
        ...


class AsyncDirectory(Protocol):
    """Say who the users are, with awaitable methods; one class may be a ``Directory`` as well."""

    async def acheck(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        ...

    async def alookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None if there is none."""
        ...


class DirectoryPort(Protocol):
    """
    A directory as the core sees it: behind a ``DirectAdapter`` or a ``ThreadPoolAdapter``.

    Raises ``Unavailable`` if the directory fails, a comparison waits for too long, or too many wait.
    """

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``: then what a sign-in found holds until the next one."""
        ...

    def lock(self, key: Hashable, network: str) -> AbstractAsyncContextManager[QueuePosition]:
        """Let one comparison at a time in among those with the same *key*, which come from *network*."""
        ...

    async def check(self, username: str, password: str, position: QueuePosition) -> Account | None:
        """Return the account if the password is right, else None; *position* comes from ``lock``."""
        ...

    async def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        ...

    def close(self) -> None:
        """Answer no new question; those under way are still answered."""
        ...
