"""Report the wrong fields of a configuration, and show wrong values without their secrets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeGuard

from safeconduct.errors import ConfigurationError


def is_table(value: object) -> TypeGuard[Mapping[object, object]]:
    """Return whether *value* is a mapping."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether *value* is a list or a tuple; a text is neither."""
    return isinstance(value, list | tuple)


MASK: Final = "***"
_LONGEST_SHOWN: Final = 80
_LARGEST_SHOWN: Final = 10**20
_USERINFO: Final = r"(?s)//.*@"
_PLAIN_URL: Final = r"(?a)([a-z+]+)://(?:.*@)?([\w.-]*|\[[\w:.]+\])(:\d+)?(/[^?#@]*)?(\?.*)?"

#: An incomplete URL: only a word, or the local machine without the slashes before it.
_WORD: Final = r"(?a)([a-z+]{1,16}):?/{0,3}"
_HERE: Final = r"(?a)(?:[a-z+]{1,16}:/?)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?(?:/\d{0,5})?"
_TYPING_ERROR: Final = 0.75
_SCHEMES: Final = ("none", "memory", "redis", "valkey", "unix", "redis+sentinel", "redis+cluster")


class Problem:
    """A wrong field: its dotted *name*, and a *message* with the value that was seen and the one that is wanted."""

    __slots__ = ("message", "name")

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        self.message = message


class FieldPath:
    """The path of the value that is being read, and the list to which problems with it are added."""

    __slots__ = ("base", "name", "problems")

    def __init__(self, name: str = "", problems: list[Problem] | None = None, *, base: Path | None = None) -> None:
        self.name = name
        self.problems = [] if problems is None else problems
        #: The folder that relative file paths start from; None leaves them unchanged.
        self.base = base

    def field(self, name: str) -> "FieldPath":
        """Return the path of the field *name* of this one."""
        return FieldPath(f"{self.name}.{name}" if self.name else name, self.problems, base=self.base)

    def item(self, index: int) -> "FieldPath":
        """Return the path of an item of this list."""
        return FieldPath(f"{self.name}[{index}]", self.problems, base=self.base)

    def refuse(self, seen: str, wanted: str) -> None:
        """Report that the value is *seen*, already masked, and not *wanted*."""
        self.report(f"got {seen}, wanted {wanted}")

    def report(self, message: str) -> None:
        """Report what is wrong with the value."""
        self.problems.append(Problem(self.name, message))


def raise_for(problems: Iterable[Problem], *, where: str = "") -> None:
    """
    Raise one error for all *problems*, if there are any.

    Raises:
        ConfigurationError: With one line for each field, below a heading that ends with *where*.
    """
    messages: dict[str, list[str]] = {}
    for problem in problems:
        messages.setdefault(problem.name, []).append(problem.message)
    if messages:
        lines = (f"\n  {name}: {'; '.join(each)}" for name, each in messages.items())
        raise ConfigurationError(f"wrong configuration{where}:{''.join(lines)}")


def shown(value: object) -> str:
    """Return *value* as an error may show it: short, and without the contents of a table or a list."""
    if isinstance(value, str | Path):
        text = repr(re.sub(_USERINFO, f"//{MASK}@", str(value)))
        return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN // 2]}…'"
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < _LARGEST_SHOWN):
        return repr(value)
    if is_table(value):
        return "a table"
    return "a list" if is_list(value) else f"a value of type {type(value).__name__}"


def shown_url(url: str) -> str:
    """
    Return *url* without user, password and query; of a text that is no URL, the scheme at most.

    An incomplete URL is shown whole, so that the mistake can be seen.
    """
    word = re.fullmatch(_WORD, url)
    # Any other word may be a password that was put into the wrong field.
    if re.fullmatch(_HERE, url) or (word is not None and nearest(word[1], _SCHEMES, likeness=_TYPING_ERROR)):
        return repr(url)
    found = re.fullmatch(_PLAIN_URL, url)
    if found is None:
        scheme, separator, _ = url.partition("://")
        return repr(f"{scheme}://{MASK}") if separator and scheme.replace("+", "").isalpha() else repr(MASK)
    scheme, host, port, path, query = found.groups(default="")
    userinfo = f"{MASK}@" if "@" in url else ""
    return repr(f"{scheme}://{userinfo}{host}{port}{path}{f'?{MASK}' if query else ''}")


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.5) -> str:
    """Return a clause with the *known* word most similar to *name*, or an empty text."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a wrong configuration needs it

    lowered = {word.lower(): word for word in known}
    found = get_close_matches(name.lower()[:_LONGEST_SHOWN], lowered, n=1, cutoff=likeness)
    return f", the nearest is {lowered[found[0]]!r}" if found else ""
