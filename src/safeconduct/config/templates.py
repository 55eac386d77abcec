"""
Path templates and methods of the access rules, as far as a text can be judged alone.

A rule that can never match protects nothing and nobody sees it.  So what other frameworks write (``*``, ``<id>``,
``{id:int}``, ``%20``, a method in small letters) is refused here instead of being taken literally.
"""

import re
from typing import Final

# The registry of IANA (RFC 9110 §16.1) without what never comes to an application; for any other, leave methods out.
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
    """Say whether *text* is an anchored template: ``/literal/{name}/{rest...}``."""
    if not text.startswith("/") or re.search(_NEVER_MATCHES, text):
        return False
    *inner, last = text[1:].split("/")
    if any(not _is_segment(segment) or segment.endswith("...}") for segment in inner):
        return False
    names = [found[1] for segment in (*inner, last) if (found := re.fullmatch(_PLACEHOLDER, segment))]
    return (last == "" or _is_segment(last)) and len(names) == len(set(names))


def is_public_entry(text: str) -> bool:
    """Say whether *text* is a template without spaces, or ``METHOD`` and such a template."""
    method, space, template = text.rpartition(" ")
    return is_template(template) and (method in METHODS if space else True)


def _is_segment(segment: str) -> bool:
    if "{" in segment or "}" in segment:
        return re.fullmatch(_PLACEHOLDER, segment) is not None
    return segment not in {"", ".", ".."}
