"""Hash and compare passwords with Argon2id."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct.directories.argon2id import Cost, cost_of, hash_password, is_password, require_argon2, unmatchable_hash
from safeconduct.errors import ConfigurationError

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
SALT, HASH = "A" * 22, "A" * 43


def test_a_hash_fits_its_password_alone():
    phc = hash_password(b"wonder", CHEAP)

    assert phc.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert is_password(b"wonder", phc)
    assert not is_password(b"wonder ", phc)


def test_two_hashes_of_one_password_differ():
    assert hash_password(b"wonder", CHEAP) != hash_password(b"wonder", CHEAP)


@given(st.binary(max_size=1100))
def test_every_byte_of_a_password_counts(password):
    """Neither its length (72 bytes in bcrypt) nor a NUL cuts the password."""
    phc = hash_password(password, CHEAP)

    assert is_password(password, phc)
    assert not is_password(password + b"\0", phc)


def test_the_default_is_owasps():
    assert Cost(memory_kib=19456, passes=2, lanes=1) == Cost()


@pytest.mark.parametrize("cost", [CHEAP, Cost(memory_kib=32, passes=3, lanes=2)], ids=str)
def test_what_a_hash_costs_can_be_read_from_it(cost):
    assert cost == cost_of(hash_password(b"", cost))
    assert cost == cost_of(unmatchable_hash(cost))


def test_a_hash_without_password_is_verified_and_matches_nothing():
    """Argon2 accepts such a hash and computes it."""
    assert not is_password(b"", unmatchable_hash(CHEAP))
    assert unmatchable_hash(CHEAP) != unmatchable_hash(CHEAP)


@pytest.mark.parametrize(
    "phc",
    [
        "",
        "wonder",
        "$2b$12$" + "a" * 53,
        f"$argon2i$v=19$m=8,t=1,p=1${SALT}${HASH}",
        f"$argon2d$v=19$m=8,t=1,p=1${SALT}${HASH}",
        f"$argon2id$m=8,t=1,p=1${SALT}${HASH}",
        f"$argon2id$v=16$m=8,t=1,p=1${SALT}${HASH}",
        f"$argon2id$v=19$m=7,t=1,p=1${SALT}${HASH}",
        f"$argon2id$v=19$m=15,t=1,p=2${SALT}${HASH}",
        f"$argon2id$v=19$m=8,t=0,p=1${SALT}${HASH}",
        f"$argon2id$v=19$m=8,t=1,p=1${SALT}$",
        f"$argon2id$v=19$m=8,t=1,p=1$AAAAAA${HASH}",
        f"$argon2id$v=19$m=8,t=1,p=1${SALT}A=={HASH}",
        f"$argon2id$v=19$m=8,t=1,p=1${'A' * 25}${HASH}",
        f"$argon2id$v=19$m=8,t=1,p=1${SALT}${'A' * 42}B",
        f"$argon2id$v=19$m=8,t=1,p=1${SALT}${HASH}\n",
        f"$argon2id$v=19$m=99999999,t=1,p=1${SALT}${HASH}",
    ],
    ids=str,
)
def test_what_is_no_argon2id_hash_has_no_cost(phc):
    assert cost_of(phc) is None


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ({"passes": 0}, "passes and lanes must be 1 or more, got 0 and 1"),
        ({"lanes": 0}, "passes and lanes must be 1 or more, got 2 and 0"),
        ({"memory_kib": 15, "lanes": 2}, r"memory_kib must be 16 \(8 \* lanes\) or more, got 15"),
    ],
    ids=str,
)
def test_a_cost_that_argon2_does_not_know_is_refused(cost, message):
    with pytest.raises(ConfigurationError, match=message):
        Cost(**cost)


def test_without_the_extra_one_sentence_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "argon2.low_level", None)

    with pytest.raises(ConfigurationError, match=r'pip install "safeconduct\[argon2\]"$'):
        require_argon2()
