"""
Check the path templates and methods of access rules, and suggest the right spelling of one from another framework.

A rule that can never match protects nothing, and nobody notices.  So the spellings of other frameworks (``*``,
``<id>``, ``{id:int}``, ``%20``, a method in lower case) are refused instead of being matched literally.
"""

import re
from collections.abc import Callable
from typing import Final

# The IANA registry (RFC 9110 §16.1), without methods that never reach an application; a rule for any other method
# leaves *methods* out.
METHODS: Final = frozenset(
    (  # noqa: SIM905 - forty words read better as a sentence
        "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY "
        "MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY "
        "REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL"
    ).split()
)

_PLACEHOLDER: Final = r"\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}"
_NEVER_MATCHES: Final = r"[\\?#*<>]|%[0-9A-Fa-f]{2}"


def is_template(text: str) -> bool:
    """Return whether *text* is an anchored template: ``/literal/{name}/{rest...}``."""
    if not text.startswith("/") or re.search(_NEVER_MATCHES, text):
        return False
    *inner, last = text[1:].split("/")
    if any(not _is_segment(segment) or segment.endswith("...}") for segment in inner):
        return False
    names = [found[1] for segment in (*inner, last) if (found := re.fullmatch(_PLACEHOLDER, segment))]
    return (last == "" or _is_segment(last)) and len(names) == len(set(names))


def is_public_entry(text: str) -> bool:
    """Return whether *text* is a template without spaces, or ``METHOD`` and such a template."""
    method, space, template = text.rpartition(" ")
    return is_template(template) and (method in METHODS if space else True)


def _is_segment(segment: str) -> bool:
    if "{" in segment or "}" in segment:
        return re.fullmatch(_PLACEHOLDER, segment) is not None
    return segment not in {"", ".", ".."}


# How other frameworks write the rest of a path, and one segment with a name.
_REST: Final = r"\*{1,2}(\w*)|\.[*+]|\{\*(\w*)\}|\{(\w+):path\}|<path:(\w+)>|\{\*\*(\w+)\}|\{(\w+):\.[*+]\}|:(\w+)[*+]"
_NAME: Final = r"<(?:[^<>:]*:)?(\w+)>|\{(\w+):[^{}]*\}|:(\w+)"


def respelled(text: str, is_right: Callable[[str], object]) -> str | None:
    """
    Return *text* in our spelling, or None if that is unknown; *is_right* checks the result.

    The suggestion is only shown and never used, because two frameworks may mean different things by the same text.
    """
    from urllib.parse import unquote  # noqa: PLC0415 - only a wrong configuration needs it

    method, space, path = text.rpartition(" ")
    if path.startswith("^"):
        path = path.removeprefix("^").removesuffix("$")
    if not path.startswith("/"):
        path = f"/{path}"
    segments = [_respelled_segment(unquote(each)) for each in path[1:].split("/")]
    found = f"{method.upper()}{space}/{'/'.join(segments)}"
    return found if found != text and is_right(found) else None


def _respelled_segment(text: str) -> str:
    rest = re.fullmatch(_REST, text)
    if rest is not None:
        named = next((name for name in rest.groups() if name), "rest")
        return f"{{{named}...}}"
    single = re.fullmatch(_NAME, text)
    if single is not None:
        return f"{{{next(name for name in single.groups() if name)}}}"
    return text
