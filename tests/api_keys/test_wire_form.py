"""Read and write API keys: one spelling, and a checksum."""

import hashlib
import re
from zlib import crc32

import pytest

from safeconduct._core.api_keys.wire_form import (
    KeyPlace,
    new_api_key,
    new_place,
    owner_part,
    parse_key_id,
    read_api_key,
)
from safeconduct.errors import MalformedToken

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
OWNER = b"a" + bytes(range(16))
PLACE = KeyPlace(61, "Owner123", "abcdef")


def number_of(text):
    number = 0
    for digit in text:
        number = number * 62 + DIGITS.index(digit)
    return number


def text_of(number, length):
    text = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text


def sealed(body):
    """Return *body* with the checksum that fits it."""
    return body + text_of(crc32(body.encode()), 6)


def made(secret=b"\x5a" * 32):
    return new_api_key(PLACE, lambda size: secret[:size])[0]


def test_a_key_has_an_id_a_secret_and_a_checksum():
    """The id names shard and owner; the digest is that of the secret's text."""
    text, parsed = new_api_key(PLACE, lambda size: b"\x5a" * size)

    found = re.fullmatch(r"sck_([0-9A-Za-z]{16})([0-9A-Za-z]{43})([0-9A-Za-z]{6})", text)
    assert ("0zOwner123abcdef", int.from_bytes(b"\x5a" * 32, "big")) == (found[1], number_of(found[2]))
    assert crc32(text[:-6].encode()) == number_of(found[3])
    assert (found[1], hashlib.sha256(found[2].encode()).digest()) == (parsed.key_id, parsed.digest)
    assert (parsed, PLACE) == (read_api_key(text), parsed.place)
    assert parsed.digest.hex() not in repr(parsed)


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32], ids=["smallest", "largest"])
def test_every_secret_of_256_bits_can_be_written(secret):
    assert 69 == len(made(secret))
    assert read_api_key(made(secret))


@pytest.mark.parametrize(
    "wrong",
    [
        "sck_",
        made()[:-1],
        made() + "0",
        made() + "\n",
        " " + made(),
        made().replace("sck_", "SCK_"),
        made().swapcase(),
        made().lower(),
        sealed(made()[:20] + "-" + made()[21:-6]),
        sealed(made()[:20] + "é" + made()[21:-6]),
        sealed(made()[:20] + "٣" + made()[21:-6]),
        sealed(made()[:-7]),
        made()[:-6] + text_of(number_of(made()[-6:]) + (1 << 32), 6),
        "sck_" + "0" * 16 + "z" * 49,
        sealed("sck_" + "0" * 16 + text_of(1 << 256, 43)),
        "sck_" + "0" * (1 << 14),
    ],
    ids=range(16),
)
def test_another_spelling_is_malformed(wrong):
    """Also one whose checksum fits, and a checksum or a secret that is too large for what it writes."""
    with pytest.raises(MalformedToken):
        read_api_key(wrong)


@pytest.mark.parametrize("at", range(4, 69), ids=str)
def test_one_wrong_character_is_found(at):
    key = made()
    other = "0" if key[at] != "0" else "1"

    with pytest.raises(MalformedToken):
        read_api_key(key[:at] + other + key[at + 1 :])


def test_the_owner_is_a_part_of_the_id():
    """Keys of one owner have the part in common; the number differs."""
    first, second = (new_place(5, OWNER, lambda size, byte=byte: bytes([byte]) * size) for byte in (1, 2))

    assert (5, owner_part(OWNER)) == (first.shard, first.owner) == (second.shard, second.owner)
    assert first.number != second.number
    assert first == parse_key_id(first.key_id)
    assert owner_part(OWNER) != owner_part(b"a" + bytes(16))


@pytest.mark.parametrize("text", ["", "0" * 15, "0" * 17, "0" * 15 + "-", "0" * 16 + "\n"], ids=range(5))
def test_another_text_is_no_id(text):
    assert parse_key_id(text) is None
