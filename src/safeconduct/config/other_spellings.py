"""
What a template of another framework is here: ``/static/*``, ``<int:id>``, ``{p:path}``.

It is only shown, and never taken: two frameworks mean different things by the same text.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

_REST: Final = r"\*{1,2}(\w*)|\.[*+]|\{\*(\w*)\}|\{(\w+):path\}|<path:(\w+)>|\{\*\*(\w+)\}|\{(\w+):\.[*+]\}|:(\w+)[*+]"
_NAME: Final = r"<(?:[^<>:]*:)?(\w+)>|\{(\w+):[^{}]*\}|:(\w+)"


def respelled(text: str, is_right: Callable[[str], object]) -> str | None:
    """Return *text* as it is written here, or None where that can't be told; *is_right* judges it."""
    method, space, path = text.rpartition(" ")
    if path.startswith("^"):
        path = path.removeprefix("^").removesuffix("$")
    if not path.startswith("/"):
        path = f"/{path}"
    segments = [_segment(unquote(each)) for each in path[1:].split("/")]
    found = f"{method.upper()}{space}/{'/'.join(segments)}"
    return found if found != text and is_right(found) else None


def _segment(text: str) -> str:
    rest = re.fullmatch(_REST, text)
    if rest is not None:
        named = next((name for name in rest.groups() if name), "rest")
        return f"{{{named}...}}"
    single = re.fullmatch(_NAME, text)
    if single is not None:
        return f"{{{next(name for name in single.groups() if name)}}}"
    return text
