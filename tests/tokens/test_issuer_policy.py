"""Check what a configured trust allows."""

import pytest

from safeconduct._tokens.issuer_policy import Policy, trust_algorithms, trust_policy
from safeconduct._tokens.key_table import FixedKeys, KeyTable
from safeconduct.config import Trust
from safeconduct.errors import ConfigurationError
from token_factory import key_for

NO_KEYS = FixedKeys(KeyTable())


def trust_of(**changes):
    """Return a trust with *changes*, some of which only this module would let through."""
    trust = Trust(issuer="i", audience="a", algorithms=("ES256",), keys={"keys": []})
    for name, value in changes.items():
        object.__setattr__(trust, name, value)
    return trust


def test_algorithms_are_canonical_and_the_content_encryption_is_understood():
    """EdDSA is Ed25519, A256GCM may be named."""
    names = trust_algorithms(trust_of(algorithms=("EdDSA", "dir", "A256GCM")))

    assert {"Ed25519", "dir"} == names


@pytest.mark.parametrize("names", [(), ("dir",), ("none",), ("ES256", "RSA1_5")])
def test_unknown_algorithms_and_none_at_all_are_refused(names):
    """An empty list means nothing, never "the recommended ones"."""
    with pytest.raises(ConfigurationError):
        trust_algorithms(trust_of(algorithms=names))


def test_a_policy_compares_types_in_one_form():
    """As a header's typ is."""
    assert {"at+jwt"} == trust_policy(trust_of(token_types=["application/AT+JWT"]), NO_KEYS).token_types
    assert frozenset(("a",)) == trust_policy(trust_of(scopes=("a",)), NO_KEYS).scopes


def test_a_policy_without_a_name_is_refused():
    """It would stand for tokens of anybody."""
    with pytest.raises(ConfigurationError):
        Policy(issuer="", audience="a", keys=NO_KEYS)


def test_a_table_iterates_over_its_keys_and_a_fixed_one_stays():
    """Named or not."""
    keys = {key_for("ES256"), key_for("ES256", None), key_for("RS256")}
    source = FixedKeys(KeyTable(keys))

    source.look_again()

    assert keys == set(source.table())
