"""
The body of a request to an endpoint of ours: a few named words, read in one way or not at all.

=====================================  ================================================================
``application/json``                   one object of strings and booleans, UTF-8, each member once
``application/x-www-form-urlencoded``  UTF-8, each field once and with its ``=``; every value is a string
no octet, whatever the type            nothing was said: an empty mapping
anything else                          415; ``text/plain`` is what a foreign form can send (CVE-2021-32677)
=====================================  ================================================================

The only parameter is ``charset=utf-8``.  A body that two readers could read in two ways is refused (RFC 8259 §4).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeVar, cast
from urllib.parse import unquote_plus

from safeconduct.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType

T = TypeVar("T")

MAX_BODY_BYTES: Final = 16 * 1024
"""The longest body that an own endpoint reads."""

Members = Mapping[str, str | bool]
"""What a body said, by name."""

_JSON: Final = b"application/json"
_FORM: Final = b"application/x-www-form-urlencoded"
# A parameter's value is a token or a quoted string, and the two mean the same (RFC 9110 §5.6.6).
_PARAMETERS: Final = frozenset({b"", b"charset=utf-8", b'charset="utf-8"'})
_BLANK: Final = b" \t"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_body(content_type: bytes | None, body: bytes) -> Members:
    """
    Read what *body* says.

    Args:
        content_type: The one value of the field, None where there is none.
        body: All of it; a caller that stops reading at *MAX_BODY_BYTES* + 1 gets the same answer.

    Raises:
        PayloadTooLarge: If *body* is longer than *MAX_BODY_BYTES*.
        UnsupportedMediaType: If there is a body, and *content_type* is none that is read here.
        InvalidRequest: If *body* is not what *content_type* says, or says a thing twice.
    """
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge
    if not body:
        # Nothing was said, in whatever format: some clients name one though they send nothing (aiohttp, Java).
        return {}
    media_type = _media_type(content_type or b"")
    try:
        text = body.decode("utf-8")
        return _read_json(text) if media_type == _JSON else _read_form(text)
    # RecursionError: "[" sixteen thousand times is within the limit.
    except (ValueError, RecursionError):
        raise InvalidRequest("the body is not what its type says") from None


def _media_type(content_type: bytes) -> bytes:
    # media-type = type "/" subtype parameters — RFC 9110 §8.3.1; both are compared without case
    media_type, _, parameters = content_type.lower().partition(b";")
    media_type = media_type.strip(_BLANK)
    if media_type not in (_JSON, _FORM) or parameters.strip(_BLANK) not in _PARAMETERS:
        raise UnsupportedMediaType
    return media_type


def _read_json(text: str) -> Members:
    members: Any = json.loads(
        text,
        object_pairs_hook=_once,
        parse_int=_refuse,
        parse_float=_refuse,
        parse_constant=_refuse,
    )
    if not isinstance(members, dict):
        raise InvalidRequest("the body is not an object")
    read = cast("dict[str, Any]", members)
    if not all(_is_plain(member) for pair in read.items() for member in pair):
        raise InvalidRequest("the body has more than strings and booleans")
    return read


def _read_form(text: str) -> Members:
    if _BAD_ESCAPE.search(text):
        raise InvalidRequest("the body has an escape that is none")
    return dict[str, str | bool](_once([_field(part) for part in text.split("&")]))


def _field(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not (name and equals):
        raise InvalidRequest("the body has a field without a name or a value")
    return unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")


def _once(pairs: list[tuple[str, T]]) -> dict[str, T]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequest("the body says a thing twice")
    return members


def _is_plain(member: object) -> bool:
    if isinstance(member, str):
        # "\ud800" is a string of JSON and no text: it cannot be written down again.
        member.encode("utf-8")
        return True
    return isinstance(member, bool)


def _refuse(_number: str) -> NoReturn:
    raise InvalidRequest("the body has a number")
