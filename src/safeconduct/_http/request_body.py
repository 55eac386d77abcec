"""
Read the parameters in the body of a request to one of our endpoints.

=====================================  ================================================================
``application/json``                   one object of strings and booleans, UTF-8, each name once
``application/x-www-form-urlencoded``  UTF-8, each name once and with its ``=``; every value is a string
empty, whatever the type               no parameters
anything else                          415; a page elsewhere can send ``text/plain`` (CVE-2021-32677)
=====================================  ================================================================

The only media type parameter is ``charset=utf-8``.  A body that two parsers could read differently is refused
(RFC 8259 §4).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeVar, cast
from urllib.parse import unquote_plus

from safeconduct.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType

T = TypeVar("T")

MAX_BODY_BYTES: Final = 16 * 1024
"""The longest body that our endpoints read."""

BodyParameters = Mapping[str, str | bool]
"""The parameters of a body, by name."""

_JSON: Final = b"application/json"
_FORM: Final = b"application/x-www-form-urlencoded"
# A parameter's value is a token or a quoted string, and the two mean the same (RFC 9110 §5.6.6).
_MEDIA_TYPE_PARAMETERS: Final = frozenset({b"", b"charset=utf-8", b'charset="utf-8"'})
_BLANK: Final = b" \t"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TRUE: Final = frozenset({"true", "on", "1"})
_FALSE: Final = frozenset({"false", "off", "0", ""})


def read_body(content_type: bytes | None, body: bytes) -> BodyParameters:
    """
    Parse *body* and return its parameters.

    Args:
        content_type: The one value of the field, None where there is none.
        body: All of it; a caller that stops reading at *MAX_BODY_BYTES* + 1 gets the same answer.

    Raises:
        PayloadTooLarge: If *body* is longer than *MAX_BODY_BYTES*.
        UnsupportedMediaType: If there is a body and *content_type* is not one of the two above.
        InvalidRequest: If *body* is not what *content_type* says, or has a name twice.
    """
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge
    if not body:
        # Some clients name a type although they send nothing (aiohttp, Java).
        return {}
    media_type, type_parameters = _read_type(content_type)
    if media_type not in (_JSON, _FORM) or type_parameters not in _MEDIA_TYPE_PARAMETERS:
        raise UnsupportedMediaType
    try:
        text = body.decode("utf-8")
        return _read_json(text) if media_type == _JSON else _unique_form(text)
    # RecursionError: "[" sixteen thousand times is within the limit.
    except (ValueError, RecursionError):
        raise InvalidRequest("the body does not match its Content-Type") from None


def read_form(content_type: bytes | None, body: bytes) -> list[tuple[str, str]]:
    """
    Parse a form and return its names and values in order; a name may come more than once.

    Args:
        content_type: The one value of the field, None where there is none.
        body: As for ``read_body``.

    Raises:
        PayloadTooLarge: If *body* is longer than *MAX_BODY_BYTES*.
        UnsupportedMediaType: If there is a body and *content_type* is not that of a form.
        InvalidRequest: If *body* is not a form.
    """
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge
    if not body:
        return []
    media_type, parameters = _read_type(content_type)
    if media_type != _FORM or parameters not in _MEDIA_TYPE_PARAMETERS:
        raise UnsupportedMediaType
    try:
        return _read_form(body.decode("utf-8"))
    except ValueError:
        raise InvalidRequest("the body does not match its Content-Type") from None


def read_text(parameters: BodyParameters, name: str) -> str | None:
    """
    Return the text parameter *name*, or None where it is absent.

    Raises:
        InvalidRequest: If its value is not a string.
    """
    return require_text(parameters, name) if name in parameters else None


def require_text(parameters: BodyParameters, name: str) -> str:
    """
    Return the text parameter *name*.

    Raises:
        InvalidRequest: If it is absent, or its value is not a string.
    """
    value = parameters.get(name)
    if isinstance(value, str):
        return value
    raise InvalidRequest(f"the body has no {name}" if value is None else f"{name} is not a string")


def read_flag(parameters: BodyParameters, name: str) -> bool:
    """
    Return the boolean parameter *name*, false where it is absent; a form spells it as a word.

    Raises:
        InvalidRequest: If its value is neither true nor false.
    """
    value = parameters.get(name, False)
    if isinstance(value, bool):
        return value
    word = value.lower()
    if word not in _TRUE and word not in _FALSE:
        raise InvalidRequest(f"{name} is neither true nor false")
    return word in _TRUE


def _read_type(content_type: bytes | None) -> tuple[bytes, bytes]:
    # media-type = type "/" subtype parameters — RFC 9110 §8.3.1; both are compared without case
    media_type, _, parameters = (content_type or b"").lower().partition(b";")
    return media_type.strip(_BLANK), parameters.strip(_BLANK)


def _read_json(text: str) -> BodyParameters:
    value: Any = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_int=_refuse_number,
        parse_float=_refuse_number,
        parse_constant=_refuse_number,
    )
    if not isinstance(value, dict):
        raise InvalidRequest("the body is not an object")
    parameters = cast("dict[str, Any]", value)
    for text_or_flag in (*parameters, *parameters.values()):
        if isinstance(text_or_flag, str):
            # "\ud800" is a string in JSON but not Unicode text: encoding it raises a ValueError.
            text_or_flag.encode("utf-8")
        elif not isinstance(text_or_flag, bool):
            raise InvalidRequest("the body has a value that is neither a string nor a boolean")
    return parameters


def _unique_form(text: str) -> BodyParameters:
    fields = _unique(_read_form(text))
    return dict[str, str | bool](fields)


def form_decoded(text: str) -> str:
    """
    Decode a name or a value of a form.

    Raises:
        InvalidRequest: If it has a malformed escape.
        ValueError: If it is not UTF-8.
    """
    if _BAD_ESCAPE.search(text):
        raise InvalidRequest("there is a malformed percent escape")
    return unquote_plus(text, errors="strict")


def _read_form(text: str) -> list[tuple[str, str]]:
    return [_read_pair(part) for part in text.split("&")]


def _read_pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not (name and equals):
        raise InvalidRequest(
            "the body has a field without a name or a value; JSON needs Content-Type: application/json"
        )
    return form_decoded(name), form_decoded(value)


def _unique(pairs: list[tuple[str, T]]) -> dict[str, T]:
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise InvalidRequest("the body has a name twice")
    return parameters


def _refuse_number(_number: str) -> NoReturn:
    raise InvalidRequest("the body has a number")
