"""Write and read refresh tokens, and derive the next one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._core.sessions.refresh_token import ParsedRefreshToken, RefreshTokens, octets_of, text_of
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import BadSignature, InvalidToken, MalformedToken, UnknownKey

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


def of(keys):
    return RefreshTokens(lambda: keys)


@given(tokens)
def test_a_token_round_trips(token):
    written = of(BOTH).write(token)

    assert 96 == len(written)
    assert token == of(BOTH).read(written)


@given(tokens, st.integers(0, 72 * 8 - 1))
def test_one_flipped_bit_is_refused(token, bit):
    octets = bytearray(base64.urlsafe_b64decode(of(BOTH).write(token)))
    octets[bit // 8] ^= 1 << bit % 8

    with pytest.raises(InvalidToken):
        of(BOTH).read(base64.urlsafe_b64encode(bytes(octets)).decode())


@given(st.text())
def test_any_text_is_refused(text):
    with pytest.raises(MalformedToken):
        of(BOTH).read(text)


@pytest.mark.parametrize("other", ["+", "/", "=", "é", "\n", " "])
def test_a_token_has_one_spelling(other):
    """The decoder would take + for - and drop what it does not know."""
    written = of(OLD).write(of(OLD).first(SID, b"s" * 32))

    with pytest.raises(MalformedToken):
        of(OLD).read(written[:-1] + other)


def test_another_version_of_the_form_is_refused():
    with pytest.raises(MalformedToken, match="version"):
        of(OLD).read(base64.urlsafe_b64encode(b"\2" + bytes(71)).decode())


def test_a_token_of_a_key_that_is_gone_is_refused():
    written = of(OLD).write(of(OLD).first(SID, b"s" * 32))

    with pytest.raises(UnknownKey):
        of(NEW).read(written)


def test_a_token_of_another_deployment_is_refused():
    """Only who has the key makes a tag: a session's id, or the store's whole content, gives no token."""
    other_keys = RefreshTokens(lambda: DerivedKeys({1: b"x" * 32}, 1))

    with pytest.raises(BadSignature):
        of(OLD).read(other_keys.write(other_keys.first(SID, b"s" * 32)))


def test_the_same_successor_follows_from_the_same_token_and_salt():
    first = of(OLD).first(SID, b"s" * 32)

    again = [of(OLD).successor(first, b"a" * 16) for _ in range(2)]
    other = of(OLD).successor(first, b"b" * 16)

    assert again[0] == again[1]
    assert again[0].secret != other.secret
    assert 1 == other.position
    assert first.digest != again[0].digest


def test_a_successor_is_made_with_its_predecessors_key_and_tagged_with_the_current_one():
    """A retry after a change of keys gets the same secret."""
    first = of(OLD).first(SID, b"s" * 32)

    before, after = of(OLD).successor(first, b"a" * 16), of(BOTH).successor(first, b"a" * 16)

    assert before.secret == after.secret
    assert (1, 2) == (before.key_version, after.key_version)
    assert after == of(NEW).read(of(BOTH).write(after))


def test_nothing_of_the_secret_is_shown():
    token = of(OLD).first(SID, b"secret-secret-secret-secret-secr")

    assert "secret-" not in repr(token)


def test_a_session_id_round_trips():
    assert SID == octets_of(text_of(SID))
