"""Make and compare CSRF tokens: the known value, the rows of the matrix, arbitrary input."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from corpora import cases
from result_or_error import result_or_error
from safeconduct._core.csrf import MAX_GENERATION, csrf_token, is_csrf_token
from safeconduct.errors import NotSupported

_KEY = bytes(range(32))
_SESSION = "AAECAwQFBgcICQoLDA0ODxAR"
_OTHER = "ERAPDg0MCwoJCAcGBQQDAgEA"
_GENERATION = 7
_VALID = csrf_token(_KEY, _SESSION, _GENERATION)

_generations = st.integers(min_value=0, max_value=MAX_GENERATION)

# Named tokens of the matrix are made here; literal ones are sent unchanged.
_NAMED = {
    "valid": _VALID,
    "valid-other-session": csrf_token(_KEY, _OTHER, _GENERATION),
    "valid-pre-login": csrf_token(_KEY, _SESSION, _GENERATION - 1),
    "VALID": _VALID.swapcase(),
    "valid\0": _VALID + "\0",
}
# The rows with a token, except those that the origin decides.
_ROWS = [
    row
    for row in cases("attacks/csrf-matrix")
    if row["headers"].get("X-CSRF-Token", "valid-but-origin-wins") != "valid-but-origin-wins"
]


def _is_ours(value, *, key=_KEY, session_id=_SESSION, generation=_GENERATION):
    return is_csrf_token(value, key=key, session_id=session_id, generation=generation)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["id"])
def test_every_token_of_the_matrix_is_answered_as_it_says(row):
    """Empty, another session's, from before the sign-in, in another case, with NUL or not ASCII: all are refused."""
    word = row["headers"]["X-CSRF-Token"]
    value = _NAMED.get(word, word).encode()

    assert (row["expect"] == "allow") == _is_ours(value)


def test_the_matrix_has_rows_with_tokens():
    """Otherwise the table above would pass without testing anything."""
    assert {"allow", "deny"} == {row["expect"] for row in _ROWS}


def test_the_token_is_the_hmac_of_the_design():
    """base64url(HMAC-SHA256(K_csrf, "sc/csrf/1" ‖ sid ‖ u32(csrf_gen))), without padding."""
    digest = hmac.new(_KEY, b"sc/csrf/1" + _SESSION.encode() + b"\x00\x00\x00\x07", hashlib.sha256).digest()

    assert urlsafe_b64encode(digest).decode().rstrip("=") == _VALID
    assert len(_VALID) == 43


@pytest.mark.parametrize("change", [" {}", "{} ", "{}=", '"{}"', "{0}, {0}", "{0}{0}"])
def test_nothing_around_a_token_is_taken_off(change):
    """The field is compared byte by byte."""
    assert not _is_ours(change.format(_VALID).encode())


def test_another_key_makes_another_token():
    """An attacker without K_csrf cannot make a token (naive double submit)."""
    assert not _is_ours(_VALID.encode(), key=bytes(32))


@pytest.mark.parametrize("generation", [-1, MAX_GENERATION + 1])
def test_a_generation_beyond_32_bits_has_no_token(generation):
    """A token cannot be made, and none is accepted."""
    assert NotSupported is result_or_error(csrf_token, _KEY, _SESSION, generation)
    assert not _is_ours(_VALID.encode(), generation=generation)


@given(key=st.binary(min_size=32, max_size=32), session_id=st.text(), generation=_generations)
def test_a_token_is_that_of_its_session_and_generation(key, session_id, generation):
    """A token is accepted for any session id."""
    token = csrf_token(key, session_id, generation)

    assert is_csrf_token(token.encode(), key=key, session_id=session_id, generation=generation)


@given(one=st.tuples(st.text(), _generations), other=st.tuples(st.text(), _generations))
def test_two_sessions_or_generations_share_no_token(one, other):
    """Two sessions whose concatenated text is equal have different tokens."""
    assume(one != other)

    assert csrf_token(_KEY, *one) != csrf_token(_KEY, *other)


@given(st.binary())
def test_no_other_value_is_a_token_and_none_raises(value):
    """Any bytes are accepted (CPython's compare_digest raises on text that is not ASCII)."""
    assert (value == _VALID.encode()) == _is_ours(value)


@given(position=st.integers(0, 42), bit=st.integers(0, 7))
def test_one_flipped_bit_makes_it_no_token(position, bit):
    """A flipped bit anywhere is noticed, including the unused bits of the last letter."""
    value = bytearray(_VALID.encode())
    value[position] ^= 1 << bit

    assert not _is_ours(bytes(value))
