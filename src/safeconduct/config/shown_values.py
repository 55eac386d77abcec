"""Show wrong values in error messages, short and without their secrets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeGuard

MASK: Final = "***"
_LONGEST_SHOWN: Final = 80
_LARGEST_SHOWN: Final = 10**20
_USERINFO: Final = r"(?s)//.*@"
_HOST: Final = r"(?:[\w.-]*|\[[\w:.]+\])(?::\d+)?"
_PLAIN_URL: Final = rf"(?a)([a-z+]+)://(?:.*@)?({_HOST}(?:,{_HOST})*)(/[^?#@]*)?(\?.*)?"

#: An incomplete URL: only a word, or the local machine without the slashes before it.
_WORD: Final = r"(?a)([a-z+]{1,16}):?/{0,3}"
_HERE: Final = r"(?a)(?:[a-z+]{1,16}:/?)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?(?:/\d{0,5})?"
#: How alike two words are of which one may be the other, mistyped.
TYPING_ERROR: Final = 0.75
_SCHEMES: Final = ("none", "memory", "redis", "valkey", "unix", "redis+sentinel", "redis+cluster")


def is_table(value: object) -> TypeGuard[Mapping[object, object]]:
    """Return whether *value* is a mapping."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether *value* is a list or a tuple; a text is neither."""
    return isinstance(value, list | tuple)


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
    if re.fullmatch(_HERE, url) or (word is not None and nearest(word[1], _SCHEMES, likeness=TYPING_ERROR)):
        return repr(url)
    found = re.fullmatch(_PLAIN_URL, url)
    if found is None:
        scheme, separator, _ = url.partition("://")
        return repr(f"{scheme}://{MASK}") if separator and scheme.replace("+", "").isalpha() else repr(MASK)
    scheme, hosts, path, query = found.groups(default="")
    userinfo = f"{MASK}@" if "@" in url else ""
    return repr(f"{scheme}://{userinfo}{hosts}{path}{f'?{MASK}' if query else ''}")


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.5) -> str:
    """Return a clause with the *known* word most similar to *name*, or an empty text."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a wrong configuration needs it

    lowered = {word.lower(): word for word in known}
    found = get_close_matches(name.lower()[:_LONGEST_SHOWN], lowered, n=1, cutoff=likeness)
    return f", the nearest is {lowered[found[0]]!r}" if found else ""
