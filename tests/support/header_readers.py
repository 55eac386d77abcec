"""Read the header fields that the package only writes, by the strict grammar for senders."""

import re
from email.utils import formatdate, parsedate_to_datetime

from safeconduct._http.challenges import Challenge
from safeconduct._http.set_cookie import SetCookie
from safeconduct.errors import ConfigurationError, InvalidRequest

_FLAGS = frozenset({"secure", "httponly"})
_ATTRIBUTES = _FLAGS | {"path", "max-age", "expires", "samesite"}
_PARAMETER = re.compile(
    r"""([!#$%&'*+\-.^_`|~0-9A-Za-z]+)="((?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\[ -~])*)"(?:, (?=.)|\Z)"""
)
_ESCAPED = re.compile(r"\\(.)")


def read_set_cookie(value):
    """
    Read the value of a ``Set-Cookie`` field (RFC 6265bis §4.1.1).

    Raises:
        ConfigurationError: If the package would not write it: a bad name, an attribute that is unknown, malformed or
            there twice, or a path that is not ``/``.
        NotSupported: If the value has a character that a cookie cannot have.
    """
    pair, *rest = value.decode("latin-1").split("; ")
    name, equals, text = pair.partition("=")
    attributes = _attributes(rest)
    if not equals or attributes.get("path") != "/":
        raise ConfigurationError("a cookie needs a name, '=' and Path=/")
    same_site, max_age, expires = map(attributes.get, ("samesite", "max-age", "expires"))
    return SetCookie(
        name=name,
        value=text,
        secure="secure" in attributes,
        http_only="httponly" in attributes,
        same_site=None if same_site is None else _same_site(same_site),
        max_age_seconds=None if max_age is None else _seconds(max_age),
        expires_at=None if expires is None else _instant(expires),
    )


def _attributes(parts):
    attributes = {}
    for part in parts:
        name, equals, value = part.partition("=")
        key = name.lower()
        # "Servers MUST NOT produce two attributes with the same name" — RFC 6265bis §4.1.1
        if key in attributes or bool(equals) == (key in _FLAGS) or key not in _ATTRIBUTES:
            raise ConfigurationError("a cookie needs each attribute once, and none that ours do not have")
        attributes[key] = value
    return attributes


def _same_site(value):
    if value.lower() not in {"lax", "strict", "none"}:
        raise ConfigurationError(f"SameSite must be Lax, Strict or None, got {value!r}")
    return value.lower()


def _seconds(value):
    if not re.fullmatch("[0-9]{1,10}", value):
        raise ConfigurationError(f"Max-Age must be a number of seconds, got {value!r}")
    return int(value)


def _instant(value):
    try:
        instant = int(parsedate_to_datetime(value).timestamp())
    except ValueError:
        instant = -1
    if instant < 0 or formatdate(instant, usegmt=True) != value:
        raise ConfigurationError(f"Expires must be a date like Thu, 01 Jan 1970 00:00:00 GMT, got {value!r}")
    return instant


def read_challenge(text):
    """
    Read one challenge as ``Challenge.to_header`` writes it.

    Raises:
        InvalidRequest: If *text* is anything else.
    """
    scheme, _, rest = text.partition(" ")
    parameters, at = [], 0
    while match := _PARAMETER.match(rest, at):
        parameters.append((match[1], _ESCAPED.sub(r"\1", match[2])))
        at = match.end()
    if at < len(rest):
        raise InvalidRequest("not a challenge")
    try:
        return Challenge(scheme, tuple(parameters))
    except ConfigurationError:
        raise InvalidRequest("not a challenge") from None
