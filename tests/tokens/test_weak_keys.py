"""Refuse shared secrets that can be guessed."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpora
from safeconduct._tokens.weak_keys import why_guessable


@pytest.mark.parametrize(
    "secret",
    [
        b"\0" * 32,
        b"abcdefgh" * 8,
        b"01234567890123456789012345678901",
        b"reallyreallyreallyreallyverysafe",
        b"this is a very long sentence without any randomness in it",
        b"0762c6a0-11aa-4e43-8961-d404d71c5b75",
        b"da4855bf92b81fafaa170ba2aa9757c4",
        b"-----BEGIN PUBLIC KEY-----\n\xffMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
        "pässwörterpässwörterpasswort".encode(),
        b"U71KzTmpWPjaUWCoVWQGsLuNCYw4KTge3CDdgBOH4ekhYppVML6VxHfvXGgnA9yF",
    ],
    ids=repr,
)
def test_a_guessable_secret_is_refused(secret):
    """Patterns, words, identifiers, public keys and published secrets are refused (RFC 8725 §3.5)."""
    reason = why_guessable(secret)

    assert reason is not None
    assert secret.decode("latin-1") not in reason


@given(st.integers(0, 10**6))
def test_random_bytes_and_random_text_are_not(seed):
    """Secrets of a good random generator are accepted."""
    data = sha256(seed.to_bytes(8)).digest()

    assert why_guessable(data) is None
    assert why_guessable(data.hex().encode()) is None


@given(st.binary(max_size=80))
def test_any_bytes_get_an_answer(secret):
    """All of them are refused."""
    assert why_guessable(secret) is None or isinstance(why_guessable(secret), str)


def test_every_published_secret_is_refused():
    """All secrets of the list that are long enough are refused."""
    lines = corpora.foreign("weak-jwt-secrets", "jwt.secrets.list").read_bytes().splitlines()

    left = [line for line in lines if len(line) >= 32 and why_guessable(line) is None]

    assert [] == left
