"""
Paths: which of them can be read in one way only, and what part of them is the application's.

Rules are matched on the decoded path relative to the application, which a server, a router or a proxy behind us may
read in another way than we do.  Such a path, or such a mount prefix, is answered 400 before any rule is looked at:

- NUL and every other control character, a backslash;
- an empty segment (``//``), a segment that is ``.`` or ``..``, a path that does not begin with ``/``;
- an encoded slash or backslash in the raw path, where the server gives it;
- an octet that is still encoded after decoding (``/%2561dmin``): whoever decodes it once more reads another path;
- a mount prefix within the path, other than as its first segments (``relative_path``);
- what was no UTF-8: a replacement character or a surrogate.
"""

import re
from typing import Final

from safeconduct.errors import InvalidRequest

# Every alternative is a fixed text or one look ahead: the search is linear.
_UNCLEAN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\\\ufffd\ud800-\udfff]"  # control characters, backslash, what was no UTF-8
    r"|//"
    r"|(?:\A|/)\.\.?(?:/|\Z)"
    r"|%[0-9A-Fa-f]{2}"
)
_ENCODED_SEPARATOR = re.compile(rb"%(?:2[Ff]|5[Cc])")
_ROOT: Final = "/"
UNREADABLE: Final = ""
"""What stands for a path that nobody can tell; ``clean_path`` refuses it."""


def clean_path(path: str, raw_path: bytes | None, root_path: str) -> None:
    """
    Refuse a path that could be read in two ways.

    Args:
        path: The decoded path relative to the application, as *relative_path* or *decode_path_info* gives it.
        raw_path: The path before decoding, where the server gives it; a query after it is not looked at.
        root_path: The decoded mount prefix, may be empty.

    Raises:
        InvalidRequest: If one of them is ambiguous.
    """
    if not (path.startswith(_ROOT) and _is_plain(path)):
        _require_clean(path)
        if not path.startswith(_ROOT):
            elsewhere = path == UNREADABLE and root_path
            raise InvalidRequest(
                "the root path stands elsewhere in the path" if elsewhere else "the path does not begin with a slash"
            )
    if root_path and not _is_plain(root_path):
        _require_clean(root_path)
    if raw_path is not None and b"%" in raw_path and _ENCODED_SEPARATOR.search(raw_path.partition(b"?")[0]):
        raise InvalidRequest("an encoded separator in the path")


def relative_path(path: str, root_path: str) -> str:
    """
    Return the part of an ASGI *path* that is the application's, or ``UNREADABLE``.

    Some servers put *root_path* in front of the path and some do not; routers take it off where it is there, and so
    does this.  The mount point itself, ``""``, is ``/``.  Anywhere but as whole segments at the beginning, some routers
    take *root_path* off and some do not: ``/apiadmin`` and ``/public/api/admin`` are ``/admin`` for them below
    ``/api``.  Nobody can tell what such a path means to the application.
    """
    if root_path and path.startswith(root_path):
        rest = path[len(root_path) :]
        if not rest or rest.startswith(_ROOT):
            return rest or _ROOT
    if root_path.strip(_ROOT) and root_path in path:
        return UNREADABLE
    return path or _ROOT


def decode_path_info(path_info: str) -> str:
    """
    Return the path in a WSGI ``PATH_INFO``, which is relative to the application already.

    A WSGI text holds one octet in each character (PEP 3333).  The empty path is ``/``: routers read it so.

    Raises:
        InvalidRequest: If the octets are no UTF-8.
    """
    return decode_script_name(path_info) or _ROOT


def decode_script_name(script_name: str) -> str:
    """
    Return the mount prefix in a WSGI ``SCRIPT_NAME``, may be empty.

    Raises:
        InvalidRequest: If the octets are no UTF-8.
    """
    if script_name.isascii():
        return script_name
    try:
        return script_name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise InvalidRequest("the path is not UTF-8") from None


def _is_plain(path: str) -> bool:
    # Nearly every path passes here, in a third of the time that the expression takes.
    return (
        path.isascii()
        and path.isprintable()
        and "//" not in path
        and "/." not in path
        and "\\" not in path
        and "%" not in path
    )


def _require_clean(path: str) -> None:
    if _UNCLEAN.search(path):
        raise InvalidRequest("an ambiguous path")
