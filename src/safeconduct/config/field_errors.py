"""What is wrong with a configuration, one problem a field, and how a wrong value is shown without its secrets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeGuard

from safeconduct.errors import ConfigurationError


def is_table(value: object) -> TypeGuard[Mapping[object, object]]:
    """Say whether *value* is a mapping."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Say whether *value* is a list or a tuple; a text is none, though its letters could be counted."""
    return isinstance(value, list | tuple)


MASK: Final = "***"
_LONGEST_SHOWN: Final = 80
_LARGEST_SHOWN: Final = 10**20
_USERINFO: Final = r"(?s)//.*@"
_PLAIN_URL: Final = r"(?a)([a-z+]+)://(?:.*@)?([\w.-]*|\[[\w:.]+\])(:\d+)?(/[^?#@]*)?(\?.*)?"

#: What is meant as a URL and lacks something: no more than a word, or this machine without the slashes before it.
_WORD: Final = r"(?a)([a-z+]{1,16}):?/{0,3}"
_HERE: Final = r"(?a)(?:[a-z+]{1,16}:/?)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?(?:/\d{0,5})?"
_TYPING_ERROR: Final = 0.75
_SCHEMES: Final = ("none", "memory", "redis", "valkey", "unix", "redis+sentinel", "redis+cluster")


class Problem:
    """One wrong field: its dotted *name*, and in *said* what was seen and what is wanted."""

    __slots__ = ("name", "said")

    def __init__(self, name: str, said: str) -> None:
        self.name = name
        self.said = said


class FieldPath:
    """Where a value stands that is being read, and where to tell what is wrong with it."""

    __slots__ = ("base", "name", "problems")

    def __init__(self, name: str = "", problems: list[Problem] | None = None, *, base: Path | None = None) -> None:
        self.name = name
        self.problems = [] if problems is None else problems
        #: The folder that relative paths start from; None leaves them as they are.
        self.base = base

    def field(self, name: str) -> "FieldPath":
        """Return the place of the field *name* of this one."""
        return FieldPath(f"{self.name}.{name}" if self.name else name, self.problems, base=self.base)

    def item(self, index: int) -> "FieldPath":
        """Return the place of one item of a list."""
        return FieldPath(f"{self.name}[{index}]", self.problems, base=self.base)

    def refuse(self, seen: str, wanted: str) -> None:
        """Tell that *seen* stands here, already masked, where *wanted* should."""
        self.say(f"got {seen}, wanted {wanted}")

    def say(self, said: str) -> None:
        """Tell what is wrong here."""
        self.problems.append(Problem(self.name, said))


def raise_for(problems: Iterable[Problem], *, where: str = "") -> None:
    """
    Raise one error for all *problems*, if there are any.

    Raises:
        ConfigurationError: With one line for each field, below a head that ends in *where*.
    """
    said: dict[str, list[str]] = {}
    for problem in problems:
        said.setdefault(problem.name, []).append(problem.said)
    if said:
        lines = (f"\n  {name}: {'; '.join(sentences)}" for name, sentences in said.items())
        raise ConfigurationError(f"wrong configuration{where}:{''.join(lines)}")


def shown(value: object) -> str:
    """Return *value* as an error may show it: short, and nothing from inside a table or a list."""
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
    Return *url* without user, password and query; of what is no URL, the scheme at most.

    What looks like a URL with something left out is shown whole, so that the slip is seen.
    """
    word = re.fullmatch(_WORD, url)
    # Any other word may be a password that was put into the wrong place.
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
    """Return a clause that names the *known* word nearest to *name*, or an empty text."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a wrong configuration needs it

    lowered = {word.lower(): word for word in known}
    found = get_close_matches(name.lower()[:_LONGEST_SHOWN], lowered, n=1, cutoff=likeness)
    return f", the nearest is {lowered[found[0]]!r}" if found else ""
