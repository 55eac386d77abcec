"""
Write and read API keys: ``sck_<id:16><secret:43><checksum:6>``, all of it base62.

The id is ``<shard:2><owner:8><number:6>``.  Shard and owner say where the record is, so that all keys of one owner lie
together; the owner's part is a digest and names nobody.  The secret has 256 bits.  The checksum is the CRC-32 of
everything before it: a mistyped key costs no store command, and a scanner can tell a key from random text.

A key has one spelling: every digit is needed, and a secret or a checksum that no key has is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from zlib import crc32

from safeconduct.errors import MalformedToken

PREFIX: Final = "sck_"
"""How every API key begins; no JWT and no opaque token begins so."""

SHARD_DIGITS: Final = 2
_OWNER_DIGITS: Final = 8
_NUMBER_DIGITS: Final = 6
_ID_DIGITS: Final = SHARD_DIGITS + _OWNER_DIGITS + _NUMBER_DIGITS
_SECRET_BYTES: Final = 32
_SECRET_DIGITS: Final = 43
_CHECKSUM_DIGITS: Final = 6

#: In the order of ASCII, so that texts of one length compare as the numbers that they write.
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(_DIGITS)
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_FORM: Final = re.compile(PREFIX + rf"([0-9A-Za-z]{{{_ID_DIGITS}}})([0-9A-Za-z]{{{_SECRET_DIGITS}}})[0-9A-Za-z]{{6}}")
_ID_FORM: Final = re.compile(rf"[0-9A-Za-z]{{{_ID_DIGITS}}}")


def _written(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, value = divmod(number, _BASE)
        text = _DIGITS[value] + text
    return text


_LARGEST_SECRET: Final = _written((1 << (8 * _SECRET_BYTES)) - 1, _SECRET_DIGITS)


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the record of a key is: the shard, the part of the id that stands for its owner, and its number there."""

    shard: int
    owner: str
    number: str

    @property
    def key_id(self) -> str:
        """The id of the key."""
        return _written(self.shard, SHARD_DIGITS) + self.owner + self.number


@dataclass(frozen=True, slots=True)
class ParsedApiKey:
    """An API key whose checksum is right, which anyone can compute."""

    key_id: str
    #: SHA-256 of the secret, by which alone a store knows it.
    digest: bytes = field(repr=False)

    @property
    def place(self) -> KeyPlace:
        """Where its record is."""
        return _place_in(self.key_id)


def is_api_key(token: str) -> bool:
    """Return whether *token* is to be read as an API key."""
    return token.startswith(PREFIX)


def read_api_key(text: str) -> ParsedApiKey:
    """
    Read an API key.

    Raises:
        MalformedToken: If *text* has another form, or its checksum does not match.
    """
    found = _FORM.fullmatch(text)
    if found is None or found[2] > _LARGEST_SECRET:
        raise MalformedToken("an API key of another form")
    if _checksum(text[:-_CHECKSUM_DIGITS]) != text[-_CHECKSUM_DIGITS:]:
        raise MalformedToken("an API key with a wrong checksum")
    return ParsedApiKey(found[1], _digest(found[2]))


def new_api_key(place: KeyPlace, draw: Callable[[int], bytes]) -> tuple[str, ParsedApiKey]:
    """Return the text of a new key at *place*, and what it says; *draw* returns random bytes."""
    secret = _written(int.from_bytes(draw(_SECRET_BYTES), "big"), _SECRET_DIGITS)
    body = PREFIX + place.key_id + secret
    return body + _checksum(body), ParsedApiKey(place.key_id, _digest(secret))


def new_place(shard: int, owner: bytes, draw: Callable[[int], bytes]) -> KeyPlace:
    """Choose the place of another key of the owner whose revocation key is *owner*."""
    number = int.from_bytes(draw(_SECRET_BYTES), "big") % _BASE**_NUMBER_DIGITS
    return KeyPlace(shard, owner_part(owner), _written(number, _NUMBER_DIGITS))


def owner_part(owner: bytes) -> str:
    """Return the part of an id that stands for the owner whose revocation key is *owner*."""
    return _written(int.from_bytes(owner[1:], "big") % _BASE**_OWNER_DIGITS, _OWNER_DIGITS)


def parse_key_id(text: str) -> KeyPlace | None:
    """Return the place that the id of a key names; None if *text* is no such id."""
    return None if _ID_FORM.fullmatch(text) is None else _place_in(text)


def _place_in(key_id: str) -> KeyPlace:
    first, second = key_id[0], key_id[1]
    owner_end = SHARD_DIGITS + _OWNER_DIGITS
    return KeyPlace(_VALUES[first] * _BASE + _VALUES[second], key_id[SHARD_DIGITS:owner_end], key_id[owner_end:])


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _checksum(body: str) -> str:
    return _written(crc32(body.encode()), _CHECKSUM_DIGITS)
