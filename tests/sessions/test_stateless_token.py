"""Seal a whole session into a refresh token: one form, one key, one expiry."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from login_stack import SECRETS, forged_refresh_token
from safeconduct._core.sessions.sealed_session import seal, session_in, unseal
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.sealed_refresh import SealedRefresh
from safeconduct.errors import (
    BadSignature,
    ConfigurationError,
    ExpiredToken,
    InvalidToken,
    MalformedToken,
    NotYetValidToken,
    UnknownKey,
    WrongAudience,
    WrongIssuer,
    WrongTokenType,
)
from token_factory import ISSUER

NOW = 1_800_000_000
NOW_MS = NOW * 1000
BOTH = DerivedKeys({1: b"1" * 32, 2: b"2" * 32}, 2)
NEW = DerivedKeys({2: b"2" * 32}, 2)
CLAIMS = {
    "iss": ISSUER, "aud": ISSUER, "sub": "alice", "sid": "s1", "auth_ms": NOW_MS, "exp": NOW + 60, "level": "explicit",
    "username": "Alice", "transport": "header", "device": "", "network": "", "roles": ["user"], "scopes": [],
    "name": "Alice Example",
}  # fmt: skip

names = st.text(st.characters(exclude_categories=["Cs"]))
sessions = st.builds(
    SealedRefresh,
    issuer=st.just(ISSUER),
    session_id=names.filter(bool),
    subject=names.filter(bool),
    username=names,
    level=st.sampled_from(["remembered", "explicit", "multifactor"]),
    auth_ms=st.integers(0, NOW_MS),
    expires_at=st.integers(NOW + 1, 2**32),
    roles=st.tuples(names),
    scopes=st.tuples(names, names),
    display_name=names,
    transport=st.sampled_from(["header", "cookie"]),
    device=names,
    network=names,
)


def write(session, keys=SECRETS):
    return seal(session, keys)


def read(text, keys=SECRETS, *, now_ms=NOW_MS):
    return unseal(text, keys, issuer=ISSUER, now_ms=now_ms, leeway_ms=10_000)


def changed(name, value):
    """Return good claims with *name* changed, or without it where *value* is ... ."""
    return {key: each for key, each in {**CLAIMS, name: value}.items() if each is not ...}


@given(sessions)
def test_a_session_round_trips(session):
    assert session == read(write(session))


def test_good_claims_are_read():
    """The unchanged claims are accepted, so the tests of refusals are meaningful."""
    found = read(forged_refresh_token(CLAIMS))

    assert ("s1", "alice", "Alice") == (found.session_id, found.subject, found.username)
    assert NOW == session_in(found).csrf_generation


def test_one_flipped_bit_is_refused_wherever_it_is():
    text = write(read(forged_refresh_token(CLAIMS))).encode()

    for bit in range(len(text) * 8):
        octets = bytearray(text)
        octets[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidToken):
            read(octets.decode("latin-1"))


@given(st.text())
def test_any_text_is_refused(text):
    with pytest.raises(MalformedToken):
        read(text)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5), st.data()
)
def test_a_claim_of_any_value_is_read_or_refused(value, data):
    """Reading raises nothing but ``InvalidToken``, even for content that our key sealed."""
    name = data.draw(st.sampled_from(sorted(CLAIMS)))
    with suppress(InvalidToken):
        assert read(forged_refresh_token(changed(name, value)))


@given(st.binary(min_size=1))
def test_any_content_is_refused(content):
    with pytest.raises(MalformedToken):
        read(forged_refresh_token(content))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, ...) for name in CLAIMS],
        *[(name, None) for name in CLAIMS],
        ("other", 1), ("sub", ""), ("sid", ""), ("sub", 1), ("aud", [ISSUER]), ("username", ["a"]),
        ("exp", True), ("exp", NOW + 60.5), ("exp", str(NOW + 60)), ("auth_ms", True), ("auth_ms", -1),
        ("auth_ms", float(NOW_MS)), ("roles", "user"), ("roles", [1]), ("scopes", {"a": 1}), ("scopes", [["a"]]),
        ("level", "anonymous"), ("level", "root"), ("transport", "pigeon"),
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_has_its_exact_type(name, value):
    with pytest.raises(MalformedToken):
        read(forged_refresh_token(changed(name, value)))


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        (changed("iss", "https://other.example"), WrongIssuer),
        (changed("aud", "https://other.example"), WrongAudience),
        (changed("exp", NOW), ExpiredToken),
        (changed("auth_ms", NOW_MS + 10_001), NotYetValidToken),
    ],
    ids=["another issuer", "another audience", "over", "a proof that is to come"],
)
def test_a_token_for_another_place_or_time_is_refused(claims, error):
    with pytest.raises(error):
        read(forged_refresh_token(claims))


def test_a_clock_that_is_ahead_within_the_leeway_is_granted():
    assert NOW_MS + 10_000 == read(forged_refresh_token(changed("auth_ms", NOW_MS + 10_000))).auth_ms


def test_the_end_is_exact():
    """There is no leeway: no session outlives its expiry."""
    text = forged_refresh_token(CLAIMS)

    assert read(text, now_ms=(NOW + 60) * 1000 - 1)
    with pytest.raises(ExpiredToken) as caught:
        read(text, now_ms=(NOW + 60) * 1000)
    assert NOW + 60 == caught.value.expired_at


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ({"typ": "at+jwt"}, WrongTokenType),
        ({"typ": "SC-RT+JWT"}, WrongTokenType),
        ({"typ": ...}, WrongTokenType),
        ({"alg": "none"}, MalformedToken),
        ({"alg": "A256KW"}, MalformedToken),
        ({"enc": "A256CBC-HS512"}, MalformedToken),
        ({"enc": ...}, MalformedToken),
        ({"zip": "DEF"}, MalformedToken),
        ({"crit": ["exp"]}, MalformedToken),
        ({"cty": "JWT"}, MalformedToken),
        ({"kid": ...}, MalformedToken),
        ({"kid": 1}, MalformedToken),
        ({"kid": ""}, UnknownKey),
        ({"kid": "refresh-01"}, UnknownKey),
        ({"kid": "refresh-\u0661"}, UnknownKey),
        ({"kid": "refresh-1\n"}, UnknownKey),
        ({"kid": "refresh-2"}, UnknownKey),
    ],
    ids=str,
)
def test_a_header_has_one_form(header, error):
    with pytest.raises(error):
        read(forged_refresh_token(CLAIMS, **header))


def test_a_wrapped_key_is_another_algorithms():
    """The length would fit ``A256KW``, which is not accepted here."""
    head, _, iv, text, tag = forged_refresh_token(CLAIMS, alg="A256KW").split(".")

    with pytest.raises(MalformedToken, match="other members"):
        read(".".join((head, "A" * 54, iv, text, tag)))


@pytest.mark.parametrize(
    "text", ["", "....", "a.b.c", "a.b.c.d.e.f", "é....", "a" * 16385 + "....", "\ud800"], ids=ascii
)
def test_what_is_no_such_token_is_malformed(text):
    with pytest.raises(MalformedToken):
        read(text)


def test_a_token_of_a_key_that_is_kept_counts():
    """A retired key opens tokens until it is dropped; a step-up seals with the new key."""
    found = read(forged_refresh_token(CLAIMS), BOTH)

    assert "alice" == found.subject
    assert found == read(write(found, BOTH), NEW)


def test_a_token_of_a_removed_key_is_refused():
    with pytest.raises(UnknownKey) as caught:
        read(forged_refresh_token(CLAIMS), NEW)

    assert "refresh-1" == caught.value.kid


@pytest.mark.parametrize(
    "text",
    [forged_refresh_token(CLAIMS, keys=DerivedKeys({1: b"x" * 32}, 1)), forged_refresh_token(CLAIMS, label="csrf")],
    ids=["another deployment's", "for another purpose"],
)
def test_a_token_under_another_key_is_refused(text):
    with pytest.raises(BadSignature):
        read(text)


def test_no_two_are_alike_and_no_user_name_is_shown():
    found = read(forged_refresh_token(CLAIMS))
    text = write(found)

    assert text != write(found)
    assert "Alice" not in repr(found)


def test_a_name_that_is_no_text_is_not_sealed():
    session = replace(read(forged_refresh_token(CLAIMS)), username="\ud800")

    with pytest.raises(ConfigurationError):
        write(session)
