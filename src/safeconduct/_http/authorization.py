"""
Read the ``Authorization`` field strictly and in linear time (RFC 9110 §11.4, RFC 6750 §2.1, RFC 7617 §2).

=============================================  ==========================================================
the field                                      result
=============================================  ==========================================================
absent                                         None
twice                                          ``InvalidRequest`` (400), never the first nor the last
``Bearer``, 1*SP, token68                      ``Bearer``
``DPoP``, 1*SP, token68                        ``Dpop``
``Basic``, 1*SP, user and password             ``Basic``
another scheme, SP, anything                   ``UnknownScheme``, answered as if no credential had come
anything else, also an empty value             ``MalformedToken`` (401)
=============================================  ==========================================================

A server removes the whitespace around a field's value before it passes the value on (RFC 9110 §5.5).  Whitespace that
it left is refused: nothing is trimmed from a credential, so that two spellings are never one token.  Several fields
that a WSGI server joined by a comma are malformed, since no grammar here allows a comma.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from safeconduct.errors import InvalidRequest, MalformedToken

MAX_TOKEN_BYTES: Final = 16 * 1024
"""The longest token that is parsed."""

MAX_FIELD_BYTES: Final = MAX_TOKEN_BYTES + len("Bearer ")
"""The longest field that is parsed."""

MAX_PART_BYTES: Final = 1024
"""The longest user name and the longest password, in UTF-8, which bounds the cost of hashing them."""

# b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" — RFC 6750 §2.1
_BEARER = re.compile(rb"(?i:bearer) +([A-Za-z0-9\-._~+/]+=*)")
_DPOP = re.compile(rb"(?i:dpop) +([A-Za-z0-9\-._~+/]+=*)")
_BASIC = re.compile(rb"(?i:basic) +([A-Za-z0-9+/]+={0,2})")
# A word with nothing after it is no scheme: it may be a token without one, and must not be logged.
_SCHEME = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ")
#: The registry of IANA (RFC 9110 §16.4.1), in lower case.  Any other word may be a secret itself.
REGISTERED_SCHEMES = frozenset(
    (  # noqa: SIM905 - easier to read than fourteen strings
        "basic bearer concealed digest dpop gnap hoba mutual negotiate oauth privatetoken scram-sha-1 scram-sha-256 "
        "vapid"
    ).split()
)
_KNOWN = frozenset({"bearer", "dpop", "basic"})
# "The user-id and password MUST NOT contain any control characters" — RFC 7617 §2; so is the C1 block.
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
BOM: Final = "\ufeff"


# Not frozen: one is made for every request, and freezing doubles its cost.
@dataclass(slots=True)
class Bearer:
    """A bearer token, as it came; only its grammar has been checked."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dpop:
    """A token under the ``DPoP`` scheme, which counts only together with a proof (RFC 9449 §7.1)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password, exactly as they were typed, with neither case nor normal form changed."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnknownScheme:
    """A scheme that is not supported, in lower case; hidden, since it may be the first word of a misplaced secret."""

    scheme: str = field(repr=False)


Credential = Bearer | Dpop | Basic | UnknownScheme


def read_authorization(values: Sequence[bytes]) -> Credential | None:
    """
    Return the credential in the ``Authorization`` fields, or None where there is no such field.

    Args:
        values: One for each field, without the whitespace around it.

    Raises:
        InvalidRequest: If there is more than one field (RFC 6750 §2).
        MalformedToken: If the field is longer than *MAX_FIELD_BYTES*, or breaks the grammar of its scheme.
    """
    if not values:
        return None
    if len(values) > 1:
        raise InvalidRequest("there is more than one Authorization field")
    value = values[0]
    if len(value) > MAX_FIELD_BYTES:
        raise MalformedToken("the Authorization field is too long")
    if match := _BEARER.fullmatch(value):
        return Bearer(match[1].decode("ascii"))
    return _read_other(value)


def _read_other(value: bytes) -> Credential:
    if match := _BASIC.fullmatch(value):
        return _read_basic(match[1])
    if match := _DPOP.fullmatch(value):
        return Dpop(match[1].decode("ascii"))
    match = _SCHEME.match(value)
    if match is None:
        raise MalformedToken("the Authorization field names no scheme")
    scheme = match[1].decode("ascii").lower()
    if scheme in _KNOWN:
        raise MalformedToken(f"the credential after {scheme} is malformed")
    return UnknownScheme(scheme)


def _read_basic(encoded: bytes) -> Basic:
    username, colon, password = _decode_pair(encoded).partition(":")
    if not colon:
        raise MalformedToken("the Basic credential has no colon")
    for part in (username, password):
        if len(part.encode()) > MAX_PART_BYTES:
            raise MalformedToken("the user name or the password is too long")
    return Basic(username, password)


def _decode_pair(encoded: bytes) -> str:
    try:
        octets = b64decode(encoded)
        text = octets.decode("utf-8")
    except (Base64Error, UnicodeDecodeError):
        # These errors hold the octets, and none of them may stay in ours.
        raise MalformedToken("the Basic credential is not base64 of UTF-8") from None
    # One pair has one spelling: "pad bits MUST be set to zero by conforming encoders" — RFC 4648 §3.5
    if b64encode(octets) != encoded:
        raise MalformedToken("the Basic credential is not canonical base64")
    if text.startswith(BOM) or CONTROL.search(text):
        raise MalformedToken("the Basic credential has a control character or a byte order mark")
    return text
