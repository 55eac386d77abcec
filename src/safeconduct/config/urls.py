"""Check texts that are origins, URLs, networks or paths."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

_ORIGIN: Final = (
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_LARGEST_PORT: Final = 65535
_SEGMENTS: Final = r"(?:/[A-Za-z0-9._~-]+)+"
_PATH_AND_QUERY: Final = r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*"
_LOCATION: Final = r"(?:/[A-Za-z0-9._~!$&'()+,;=:@-]+)*/?"


def like(pattern: str) -> Callable[[str], object]:
    """Return a predicate that matches a whole text with *pattern*; it is compiled at first use, not at import."""
    return partial(re.fullmatch, pattern)


def is_secure_origin(text: str) -> bool:
    """
    Return whether *text* is exactly ``scheme://host[:port]`` (RFC 6454 §6.2), with https.

    http is accepted for the local machine only, where nobody else can listen.
    """
    found = re.fullmatch(_ORIGIN, text)
    if found is None or ".." in found["host"]:
        return False
    if found["scheme"] == "http" and found["host"].lower() not in _LOCAL_HOSTS:
        return False
    if found["host"].startswith("[") and not _is_address(found["host"][1:-1]):
        return False
    return found["port"] is None or 0 < int(found["port"]) <= _LARGEST_PORT


def is_secure_url(text: str) -> bool:
    """Return whether *text* is a URL at a secure origin, without user, password and fragment."""
    scheme, _, rest = text.partition("://")
    authority, _, path = rest.partition("/")
    return is_secure_origin(f"{scheme}://{authority}") and re.fullmatch(_PATH_AND_QUERY, path) is not None


def is_location(text: str) -> bool:
    """
    Return whether *text* is a literal path on this site, without a query, since ``?next=`` is appended to it.

    ``//`` and backslashes are refused, because at the start of a path browsers take them for another host.
    """
    return text.startswith("/") and re.fullmatch(_LOCATION, text) is not None and _has_no_dots(text)


def is_prefix(text: str) -> bool:
    """Return whether *text* is a path of plain segments that does not end in ``/``, or empty."""
    return text == "" or (re.fullmatch(_SEGMENTS, text) is not None and _has_no_dots(text))


def is_network(text: str) -> bool:
    """Return whether *text* is an IP address or a network whose host bits are 0."""
    from ipaddress import ip_network  # noqa: PLC0415 - few configurations name a proxy

    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_proxy(text: str) -> bool:
    """Return whether *text* is a network or ``unix``, which stands for a peer without an address."""
    return text == "unix" or is_network(text)


def _has_no_dots(path: str) -> bool:
    return not {".", ".."} & set(path.split("/"))


def _is_address(text: str) -> bool:
    from ipaddress import IPv6Address  # noqa: PLC0415 - few configurations name one

    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
