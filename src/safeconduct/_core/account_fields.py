"""What the fields of an account may hold, told when the account is made."""

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple, TypeGuard, cast

from safeconduct.config.problems import shown
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS


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
