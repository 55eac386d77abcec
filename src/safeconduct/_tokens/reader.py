"""
Read a compact token strictly, before any cryptography.

===========================  =========================================================================
refused                      because
===========================  =========================================================================
padding, other characters    "base64url … with all trailing '=' omitted" — RFC 7515 §2
non-zero trailing bits       one token must have one spelling, or a remembered spelling means nothing
duplicate members            two parsers would see two different tokens — RFC 8725 §2.4
NaN, Infinity, 1e400         they are not JSON, and every comparison with NaN is false
long integers, deep nesting  reading them costs too much, and no honest token needs them
lone surrogates              they cannot be encoded, so they can be neither hashed nor logged
===========================  =========================================================================

Every refusal is ``MalformedToken``.
"""

import binascii
import json
import math
from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json import JSONDecoder
from json.scanner import make_scanner
from typing import Any, Final, cast

from safeconduct._tokens.algorithms import canonical
from safeconduct.errors import MalformedToken

MAX_TOKEN_BYTES: Final = 16 * 1024
MAX_DEPTH: Final = 32
#: The smallest integer with more than twenty digits.
TOO_LONG: Final = 10**20

# "=" and the two characters that only the standard alphabet has become "!", which the strict decoder refuses.
_ALPHABET: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"", b"", b"==", b"=")
# The last characters whose trailing bits are zero, by the length modulo four.
_LAST: Final = (frozenset[int](), frozenset[int](), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))

# After this translation, digits, containers and white space can be counted or searched in one pass.
_SHAPE: Final = bytes.maketrans(b"123456789[\t\n\r", b"000000000{   ")
_LONG_RUN: Final = b"0" * 21
#: The characters that can precede the digits of an integer.
_BEFORE_INTEGER: Final = frozenset(b":,{ -")
_CONTAINERS: Final = frozenset[Any]((dict, list))


def token_octets(token: str) -> bytes:
    """Return the octets of a compact token, which is ASCII and at most 16 KB long."""
    if len(token) > MAX_TOKEN_BYTES:
        raise MalformedToken("longer than 16 KB")
    try:
        return token.encode("ascii")
    except UnicodeEncodeError:
        raise MalformedToken("not ASCII") from None


def decode_segment(segment: bytes) -> bytes:
    """Decode base64url without padding, in its one canonical spelling (RFC 4648 §3.5)."""
    size = len(segment) & 3
    if size and segment[-1] not in _LAST[size]:
        raise MalformedToken("base64url that is not canonical")
    try:
        return a2b_base64(segment.translate(_ALPHABET) + _PADDING[size], strict_mode=True)
    except binascii.Error:
        raise MalformedToken("not base64url") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedToken("a duplicate member")
    return members


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedToken("a number that is not finite")
    return value


def _no_constant(_: str) -> float:
    raise MalformedToken("NaN or Infinity")


_decoder: Final = JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)
# Only the scanner: without the hook for duplicate names and without the search for white space around the object.
_scan_flat: Final = make_scanner(cast("Any", JSONDecoder(parse_float=_finite, parse_constant=_no_constant)))


def read_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object with nothing before or after it (RFC 7493)."""
    try:
        text = data.decode()
        shape = data.translate(_SHAPE)
        containers = shape.count(b"{")
        if containers == 1 and text[0] == "{" and "\\" not in text and shape.find(b" :") < 0:
            value, end = _scan_flat(text, 0)
            # In one object without escapes and without a space before a colon, every member has one '":'.  If their
            # number equals the number of names, no name is duplicate.  The hook would cost a quarter of the whole scan.
            if end != len(text) or shape.count(b'":') != len(value):
                value = _decoder.decode(text)
        else:
            value = _decoder.decode(text)
            _check_complex(value, text, containers)
    except (ValueError, RecursionError, StopIteration):
        # ValueError is JSONDecodeError, UnicodeDecodeError, or an integer too long for Python to convert.
        raise MalformedToken("not JSON") from None
    members: dict[str, Any] = value
    # Not `in`, which reads better: bytes first try to convert the operand to an integer, and that is slower.
    at = shape.find(_LONG_RUN)
    while at >= 0:
        if shape[at - 1] in _BEFORE_INTEGER:
            _check_integers([members.values()] if containers == 1 else _levels(members))
            break
        # The digits belong to a string, as in the `sub` of Google: no integer to check here.
        at = shape.find(_LONG_RUN, at + len(_LONG_RUN))
    return members


def _check_complex(value: Any, text: str, containers: int) -> None:
    """Make the checks that only a text with escapes or several containers needs."""
    if value.__class__ is not dict:
        raise MalformedToken("not a JSON object")
    if "\\" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise MalformedToken("a lone surrogate") from None
    if containers > MAX_DEPTH and len(_levels(value)) > MAX_DEPTH:
        raise MalformedToken("nested too deeply")


def _check_integers(levels: Iterable[Iterable[Any]]) -> None:
    """Refuse long integers; needed only if the text has that many digits in a row outside of a string."""
    for level in levels:
        for each in level:
            if each.__class__ is int and abs(each) >= TOO_LONG:
                raise MalformedToken("an integer with more than twenty digits")


def _levels(value: dict[str, Any]) -> list[list[Any]]:
    """Return the values in *value* by depth, up to one level more than is allowed."""
    levels: list[list[Any]] = [list(value.values())]
    while len(levels) <= MAX_DEPTH:
        inside: list[Any] = []
        for each in levels[-1]:
            if each.__class__ is dict:
                inside.extend(each.values())
            elif each.__class__ is list:
                inside.extend(each)
        if not any(each.__class__ in _CONTAINERS for each in levels[-1]):
            break
        levels.append(inside)
    return levels


@dataclass(frozen=True, slots=True)
class Header:
    """A protected header whose members have the right types (RFC 7515 §4, RFC 7516 §4)."""

    #: The canonical name: ``EdDSA`` is ``Ed25519``.
    algorithm: str
    kid: str | None
    typ: str | None
    cty: str | None
    members: Mapping[str, Any]


def read_header(segment: bytes) -> Header:
    """
    Read a protected header; members that point to keys (``jku``, ``jwk``, ``x5u``, ``x5c``) are ignored.

    Raises:
        MalformedToken: If it contains ``crit``, ``b64`` or ``zip``, which change how a token is read and which no
            access token needs (RFC 8725 §3.6), or a member of the wrong type; null does not count as absent.
    """
    members = read_object(decode_segment(segment))
    if not members.keys().isdisjoint(("crit", "b64", "zip")):
        raise MalformedToken("crit, b64 or zip in the header")
    algorithm = members.get("alg")
    if not isinstance(algorithm, str):
        raise MalformedToken("alg is not a string")
    for name in ("kid", "typ", "cty"):
        if name in members and not isinstance(members[name], str):
            raise MalformedToken(f"{name} is not a string")
    return Header(canonical(algorithm), members.get("kid"), members.get("typ"), members.get("cty"), members)


def media_type(value: str) -> str:
    """Return a ``typ`` or ``cty`` in lower case and without "application/" (RFC 7515 §4.1.9)."""
    lowered = value.lower() if value.isascii() else value
    return lowered.removeprefix("application/")
