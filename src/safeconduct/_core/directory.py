"""What an author writes to say who the users are, and the port behind which the core asks it."""

from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeGuard, cast

from safeconduct.config.field_errors import shown
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS, Level


def is_text(value: object) -> TypeGuard[str]:
    """Whether *value* is a text that is not empty and can be written in UTF-8: lone surrogates can't."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def are_texts(value: object) -> TypeGuard[Collection[str]]:
    """Whether *value* holds texts and nothing else; a text itself does not."""
    if not isinstance(value, list | tuple | set | frozenset):
        return False
    return all(is_text(word) for word in cast("Collection[object]", value))


class WrongAccount(ConfigurationError):
    """An account that cannot be; *fields* names what is wrong in it, without what was given."""

    def __init__(self, fields: Collection[str], *lines: str) -> None:
        """Keep the names of the *fields*, and one line for each."""
        super().__init__("\n  ".join(("wrong Account:", *lines)))
        self.fields = tuple(fields)


class _Field(NamedTuple):
    is_right: Callable[[object], bool]
    wanted: str


_TEXTS: Final = 'a list of texts, such as ["admin"]'


def _is_text_or_none(value: object) -> bool:
    return value is None or is_text(value)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


_FIELDS: Final = {
    "subject": _Field(is_text, "a text that is not empty"),
    "roles": _Field(are_texts, _TEXTS),
    "scopes": _Field(are_texts, _TEXTS),
    "level": _Field(LEVELS[1:].__contains__, f"one of {', '.join(LEVELS[1:])}"),
    "display_name": _Field(_is_text_or_none, "a text that is not empty, or None"),
    "disabled": _Field(_is_flag, "True or False"),
}


def check_account(account: Any) -> None:
    """
    Check the fields of an account that is being made.

    Raises:
        WrongAccount: If a field is wrong.
    """
    wrong = [name for name, field in _FIELDS.items() if not field.is_right(getattr(account, name))]
    if wrong:
        raise WrongAccount(
            wrong, *(f"{name}: got {shown(getattr(account, name))}, wanted {_FIELDS[name].wanted}" for name in wrong)
        )


Need = Literal["lock", "slot"]
"""What a comparison needs, in this order: the lock of its account and network, and one of the slots for hashing."""


class QueuePosition:
    """
    One comparison, from when it asks for its lock to its end.

    Args:
        key: Its account and network; two with one key never run at once.
        network: Where it comes from.
        until: When it stops waiting, by the clock of whoever waits.
    """

    __slots__ = ("is_over", "key", "needs", "network", "until", "wake")

    def __init__(self, key: Hashable, network: str, until: float) -> None:
        self.key = key
        self.network = network
        self.until = until
        #: What it waits for; None while it waits for nothing.
        self.needs: Need | None = None
        self.wake: Callable[[], None] = _nobody
        #: Whether nobody is interested any more; a slot may still be taken, by a thread that can't be stopped.
        self.is_over = False


def _nobody() -> None:
    """Wake nobody."""


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
    A directory behind ``DirectAdapter`` or ``ThreadPoolAdapter``.

    Raises ``Unavailable`` where the directory fails, somebody waits for too long, or too many wait.
    """

    @property
    def is_static(self) -> bool:
        """Whether the directory has no ``lookup``: what a sign-in found holds until the next one."""
        ...

    def lock(self, key: Hashable, network: str) -> AbstractAsyncContextManager[QueuePosition]:
        """Let one at a time in among those with the same *key*, which come from *network*."""
        ...

    async def check(self, username: str, password: str, position: QueuePosition) -> Account | None:
        """Return the account if the password is right, else None; *position* comes from ``lock``."""
        ...

    async def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        ...

    def close(self) -> None:
        """Answer no more; what is under way is answered."""
        ...
