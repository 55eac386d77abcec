"""Create keys, and move them through the states of their life."""

import os

import pytest

from safeconduct._keys.generate import made_at, new_key, new_secrets, retire, rotate
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer_policy import OWN_ALGORITHMS
from safeconduct.errors import ConfigurationError
from token_factory import NOW


def new(algorithm="ES256", state="active", now=NOW):
    """Return a new key."""
    return new_key(algorithm, now=now, randomness=os.urandom, state=state)


def set_of(*jwks):
    """Return our own set."""
    return KeySet.of(jwks, is_own=True)


@pytest.mark.parametrize("algorithm", sorted({*OWN_ALGORITHMS, "EdDSA"}))
def test_a_new_key_is_usable(algorithm):
    """A key is for one purpose."""
    jwk = new(algorithm)
    keys = set_of(jwk)

    assert () == keys.skipped
    assert algorithm == jwk["alg"] == keys.entries[0].key.written
    assert keys.entries[0].key.is_private


def test_kids_sort_by_age():
    """The newest of several active keys signs."""
    first, second = new(now=NOW), new(now=NOW + 1)

    assert first["kid"] < second["kid"]
    assert first["kid"].startswith("20250615T150640Z-")
    assert second["kid"] == set_of(second, first).signing_key().kid


@pytest.mark.parametrize("later_seconds", [0, 0.5, -3600])
def test_a_new_key_is_added_behind_the_others(later_seconds):
    """This holds within one second and after the clock went back; foreign kids have no time."""
    first = new(now=NOW)
    foreign = [{**new(), "kid": kid} for kid in ("20209999T000000Z-00", "zebra")]

    second = new_key("ES256", now=NOW + later_seconds, randomness=bytes, among=set_of(first, *foreign))

    assert "20250615T150641Z-00000000" == second["kid"]
    assert [NOW, NOW + 1] == [made_at(jwk["kid"]) for jwk in (first, second)]


@pytest.mark.parametrize("algorithm", ["dir", "none", "ES256K", ""])
def test_a_key_that_we_must_not_have_is_not_made(algorithm):
    """The error names what is possible."""
    with pytest.raises(ConfigurationError, match="ES256"):
        new(algorithm)


def test_the_life_of_a_key():
    """Publish, sign, retire and drop are separate steps, and no valid token becomes invalid."""
    old, young = new(now=NOW), new(state="next", now=NOW + 1)
    keys = set_of(old, young)
    assert old["kid"] == keys.signing_key().kid

    turned = rotate(keys)
    keys = set_of(*turned)

    assert {"active": young["kid"], "retired": old["kid"]} == {jwk["safeconduct_state"]: jwk["kid"] for jwk in turned}
    assert young["kid"] == keys.signing_key().kid
    assert old["kid"] == keys.table.find(old["kid"], "ES256").kid


def test_rotation_leaves_keys_of_another_use_alone():
    """Encryption keys are rotated separately."""
    turned = rotate(set_of(new(), new("A256KW"), new(state="next", now=NOW + 1)))

    assert {"sig"} == {jwk["use"] for jwk in turned}


@pytest.mark.parametrize("waiting", [0, 2])
def test_rotation_needs_to_know_the_follower(waiting):
    """There must be exactly one next key, or a kid."""
    followers = [new(state="next", now=NOW + number) for number in range(1, waiting + 1)]
    keys = set_of(new(), *followers)

    with pytest.raises(ConfigurationError, match="next"):
        rotate(keys)
    for follower in followers:
        assert follower["kid"] == rotate(keys, follower["kid"])[0]["kid"]


def test_the_last_active_key_of_its_use_is_not_retired():
    """Otherwise no key would be left to sign."""
    one, other = new(now=NOW), new(now=NOW + 1)

    with pytest.raises(ConfigurationError, match="rotate first"):
        retire(set_of(one, new("A256KW")), one["kid"])
    assert [{**one, "safeconduct_state": "retired"}] == retire(set_of(one, other), one["kid"])
    assert "retired" == retire(set_of({**one, "safeconduct_state": "next"}), one["kid"])[0]["safeconduct_state"]


def test_only_a_known_key_is_retired():
    """Another kid is named in the error."""
    with pytest.raises(ConfigurationError, match="of the set"):
        retire(set_of(new()), "k9")


def test_secrets_have_versions():
    """The version is one byte."""
    first = new_secrets(KeySet(), randomness=os.urandom)
    keys = set_of(first)
    second = new_secrets(keys, randomness=os.urandom)
    both = set_of(first, second)
    last = set_of({**second, "kid": "safeconduct-secrets-255"})

    assert ("safeconduct-secrets", "safeconduct-secrets-2") == (first["kid"], second["kid"])
    assert (1, 2) == (keys.derived_keys.current, both.derived_keys.current)
    assert keys.derived_keys.derive("x") == both.derived_keys.derive("x", version=1)
    with pytest.raises(ConfigurationError, match="255"):
        new_secrets(last, randomness=os.urandom)
