"""
Find our cookies in a request, and remove them before the application reads it.

Everything works on bytes and in linear time.  A pair ends only at ``;``, and SP and HTAB around a name or a value are
dropped.  Nothing else is changed: quotes stay, escapes stay, other whitespace stays, and a cookie without a name is not
one of ours, whatever its value looks like.  A cookie of ours that a parser of quoted strings would take for part of
another one's value (``a="x; ours=y; z"``, RFC 2109) is refused.

Several ``Cookie`` fields count as one (RFC 9113 §8.2.3).  Some WSGI servers join them by a comma, which separates
nothing in a cookie: one of our cookies after such a comma is not found, and one before it is malformed, so neither
signs anybody in.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from safeconduct._http.request import Field
from safeconduct.errors import InvalidRequest, MalformedToken

MAX_VALUE_BYTES: Final = 16 * 1024
"""The longest value of one of our cookies that is parsed."""

MAX_FIELD_BYTES: Final = 64 * 1024
"""The longest fields in which our cookies are searched; most servers refuse far shorter ones."""

# cookie-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E — RFC 6265 §4.1.1; a token has no quotes
_VALUE = re.compile(rb"[!#-+\--:<-\[\]-~]+")
# A quoted value as in RFC 2109.  Every quote ends one or begins one, so the search is linear.
_QUOTED = re.compile(rb'=[ \t]*"(?:[^"\\]|\\.)*"', re.DOTALL)
_BLANK = b" \t"
_NAME_BYTES: Final = len(b"cookie")

COOKIES_AS_THEY_CAME: Final = "safeconduct.cookies"
"""
Where a scope or an environ keeps a function that returns the ``Cookie`` fields as they came.

A function, so that a page that shows everything in a scope does not show the hidden cookies.
"""


def find(values: Sequence[bytes], name: bytes) -> str | None:
    """
    Return the value of the one cookie called *name*, or None where there is no such cookie.

    Args:
        values: Every value of the ``Cookie`` field.
        name: The name, which is compared byte by byte.

    Raises:
        InvalidRequest: If there are two, equal or not: which one the browser meant cannot be known (RFC 6265 §4.2.2).
        MalformedToken: If the fields are longer than *MAX_FIELD_BYTES*, if the value is empty, too long, or has an
            octet that our cookies never have, or if the cookie is within the quotes of another one.
    """
    value = find_plain(values[0], name) if len(values) == 1 else None
    if value is None:
        value = _find_closely(b"; ".join(values), name)
    if value is None:
        return None
    if len(value) > MAX_VALUE_BYTES or not _VALUE.fullmatch(value):
        raise MalformedToken("the cookie is malformed")
    return value.decode("ascii")


def _find_closely(line: bytes, name: bytes) -> bytes | None:
    if name not in line:
        return None
    if len(line) > MAX_FIELD_BYTES:
        raise MalformedToken("the cookies are too long")
    found = _named(line, name)
    if not found:
        return None
    if len(found) > 1:
        raise InvalidRequest("there is more than one cookie of the same name")
    if b'"' in line and _is_quoted(line, name):
        raise MalformedToken("the cookie is within the quotes of another one")
    return found[0]


def find_plain(line: bytes, name: bytes) -> bytes | None:
    """
    Return the value of the cookie called *name* in one ``Cookie`` field, if it is there once and without quotes.

    None means nothing: then ``find`` parses the field.  The value need not be well-formed.
    """
    start = line.find(name + b"=")
    if (
        start < 0
        or line.find(name + b"=", start + 1) >= 0
        # A blank before "=" is not part of the name.
        or line.find(name + b" ") >= 0
        or line.find(name + b"\t") >= 0
        or (start and line[start - 2 : start] != b"; ")
        or b'"' in line
        or len(line) > MAX_FIELD_BYTES
    ):
        return None
    start += len(name) + 1
    end = line.find(b";", start)
    return (line[start:] if end < 0 else line[start:end]).strip(_BLANK)


def without(values: Iterable[bytes], names: Collection[bytes]) -> list[bytes]:
    """
    Return the ``Cookie`` fields without the cookies called *names*, every other byte unchanged.

    A cookie is removed together with its separator, and so is a field that becomes empty.
    """
    kept = (_strip(line, names) if any(name in line for name in names) else line for line in values)
    return [line for line in kept if line is not None]


def _named(line: bytes, name: bytes) -> list[bytes]:
    pairs = [pair.partition(b"=") for pair in line.split(b";") if name in pair]
    return [value.strip(_BLANK) for key, equals, value in pairs if equals and key.strip(_BLANK) == name]


def _is_quoted(line: bytes, name: bytes) -> bool:
    return any(name in quoted and _named(quoted, name) for quoted in _QUOTED.findall(line))


def _strip(line: bytes, names: Collection[bytes]) -> bytes | None:
    pairs = line.split(b";")
    kept = [pair for pair in pairs if pair.partition(b"=")[0].strip(_BLANK) not in names or b"=" not in pair]
    rest = b";".join(kept)
    if not kept or kept[0] is not pairs[0]:
        rest = rest.lstrip(_BLANK)
    return rest or None


def fields_without(fields: Sequence[Field], names: frozenset[bytes]) -> Sequence[Field]:
    """
    Return the *fields* of a request without the cookies of these names; the same object where there are none.

    What remains of several ``Cookie`` fields is joined, since a bridge to WSGI would join them by a comma: "…these MUST
    be concatenated into a single octet string … before being passed into a … generic HTTP server application"
    (RFC 9113 §8.2.3).
    """
    positions = [
        index for index, (name, _) in enumerate(fields) if len(name) == _NAME_BYTES and name.lower() == b"cookie"
    ]  # fmt: skip
    if not positions:
        return fields
    first = positions[0]
    if len(positions) == 1 and not any(each in fields[first][1] for each in names):
        return fields
    line = b"; ".join(without([fields[index][1] for index in positions], names))
    before = [*fields[:first], (b"cookie", line)] if line else fields[:first]
    return [*before, *(field for index, field in enumerate(fields[first:], first) if index not in positions)]


def hide_cookies(environ: dict[str, Any], names: frozenset[bytes]) -> None:
    """
    Remove the cookies of these names from a WSGI *environ* that has cookies.

    Those after a comma are removed too, since a server may have joined several fields by one.
    """
    line = environ["HTTP_COOKIE"].encode("latin-1")
    if not any(name in line for name in names):
        return
    environ.setdefault(COOKIES_AS_THEY_CAME, line.__bytes__)
    kept = _strip(line, names)
    if kept is None:
        del environ["HTTP_COOKIE"]
    else:
        environ["HTTP_COOKIE"] = b";".join(_strip_joined(pair, names) for pair in kept.split(b";")).decode("latin-1")


def _strip_joined(pair: bytes, names: frozenset[bytes]) -> bytes:
    first, *others = pair.split(b",")
    return b",".join([first, *(other for other in others if other.partition(b"=")[0].strip(_BLANK) not in names)])
