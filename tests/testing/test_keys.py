"""Make throw-away keys."""

from safeconduct._keys.keyset import KeySet
from safeconduct.testing import throw_away_keys


def test_they_sign_and_have_what_others_are_derived_from():
    """The set has all keys that a login needs, and all are accepted."""
    keys = KeySet.read(throw_away_keys(), is_own=True)

    assert "ES256" == keys.signing_key().algorithm
    assert keys.derived_keys is not None
    assert () == keys.skipped


def test_no_two_are_the_same():
    """A token of one test is invalid in another one."""
    one, other = throw_away_keys(), throw_away_keys()

    assert one["keys"][0]["d"] != other["keys"][0]["d"]
    assert one["keys"][1]["k"] != other["keys"][1]["k"]


def test_they_tell_that_they_are_for_tests():
    """Kids of 1970 show that the keys are for tests."""
    assert throw_away_keys()["keys"][0]["kid"].startswith("19700101T000000Z-")
