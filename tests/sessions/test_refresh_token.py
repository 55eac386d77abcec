"""Write and read refresh tokens, and derive the next one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._core.sessions.refresh_token import ParsedRefreshToken
from safeconduct._core.tagged_token import octets_of, text_of
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import BadSignature, InvalidToken, MalformedToken, UnknownKey
from safeconduct.stores.memory.state_machine import opened
from safeconduct.testing.store_contract.session_commands import opening

OLD = DerivedKeys({1: b"1" * 32}, 1)
BOTH = DerivedKeys({1: b"1" * 32, 2: b"2" * 32}, 2)
NEW = DerivedKeys({2: b"2" * 32}, 2)
SID = bytes(range(18))

tokens = st.builds(
    ParsedRefreshToken,
    st.binary(min_size=18, max_size=18),
    st.integers(0, 2**32 - 2),
    st.binary(min_size=32, max_size=32),
    st.sampled_from([1, 2]),
)


def read(text, keys):
    return ParsedRefreshToken.from_text(text, keys)


def first(keys, secret=b"s" * 32):
    return ParsedRefreshToken.first(SID, secret, keys)


@given(tokens)
def test_a_token_round_trips(token):
    written = token.to_text(BOTH)

    assert 96 == len(written)
    assert token == read(written, BOTH)


@given(tokens, st.integers(0, 72 * 8 - 1))
def test_one_flipped_bit_is_refused(token, bit):
    octets = bytearray(base64.urlsafe_b64decode(token.to_text(BOTH)))
    octets[bit // 8] ^= 1 << bit % 8

    with pytest.raises(InvalidToken):
        read(base64.urlsafe_b64encode(bytes(octets)).decode(), BOTH)


@given(st.text())
def test_any_text_is_refused(text):
    with pytest.raises(MalformedToken):
        read(text, BOTH)


@pytest.mark.parametrize("other", ["+", "/", "=", "é", "\n", " "])
def test_a_token_has_one_spelling(other):
    """The decoder would accept + for - and drop unknown characters."""
    written = first(OLD).to_text(OLD)

    with pytest.raises(MalformedToken):
        read(written[:-1] + other, OLD)


def test_another_version_of_the_form_is_refused():
    with pytest.raises(MalformedToken, match="version"):
        read(base64.urlsafe_b64encode(b"\2" + bytes(71)).decode(), OLD)


def test_a_token_of_a_removed_key_is_refused():
    written = first(OLD).to_text(OLD)

    with pytest.raises(UnknownKey):
        read(written, NEW)


def test_a_token_of_another_deployment_is_refused():
    """Only the key makes a tag: neither a session's id nor the store's content gives a token."""
    other_keys = DerivedKeys({1: b"x" * 32}, 1)

    with pytest.raises(BadSignature):
        read(first(other_keys).to_text(other_keys), OLD)


def test_the_same_successor_follows_from_the_same_token_and_salt():
    token = first(OLD)

    again = [token.successor(b"a" * 16, OLD) for _ in range(2)]
    other = token.successor(b"b" * 16, OLD)

    assert again[0] == again[1]
    assert again[0].secret != other.secret
    assert 1 == other.position
    assert token.digest != again[0].digest


def test_a_successor_is_made_with_its_predecessors_key_and_tagged_with_the_current_one():
    """A retry after a change of keys gets the same token."""
    token = first(OLD)

    before, after = token.successor(b"a" * 16, OLD), token.successor(b"a" * 16, BOTH)

    assert before.secret == after.secret
    assert (1, 2) == (before.key_version, after.key_version)
    assert after == read(after.to_text(BOTH), NEW)


def test_a_session_without_a_refresh_token_issues_none():
    assert first(OLD).issue(opened(opening(remember=False), 1), OLD) is None


def test_nothing_of_the_secret_is_shown():
    token = first(OLD, b"secret-secret-secret-secret-secr")

    assert "secret-" not in repr(token)


def test_a_session_id_round_trips():
    assert SID == octets_of(text_of(SID))
