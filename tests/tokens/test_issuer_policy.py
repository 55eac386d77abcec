"""Check what a configured trust allows."""

import pytest

from safeconduct._keys.loading import issuer_policies
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.key_table import KeyTable
from safeconduct.config import Config, Trust
from safeconduct.errors import ConfigurationError, UnknownKey
from token_factory import FixedKeys, jwk_for, public_jwk_for

NO_KEYS = FixedKeys(KeyTable())


def policy_of(**changes):
    """Return the policy for a trust with *changes*."""
    key = {**public_jwk_for("ES256"), "alg": "ES256"}
    trust = Trust(**{"issuer": "i", "audience": "a", "algorithms": ["ES256"], "keys": {"keys": [key]}, **changes})
    (policy,) = issuer_policies(Config(store="memory://", trust=[trust]), None, print)
    return policy


def test_algorithms_are_canonical_and_the_content_encryption_is_understood():
    """EdDSA means Ed25519, and A256GCM may be listed."""
    jwks = [public_jwk_for("EdDSA"), jwk_for("dir", "e1"), jwk_for("A256KW", "e2")]

    policy = policy_of(algorithms=["EdDSA", "dir", "A256GCM"], keys={"keys": jwks})

    table = policy.keys.table()
    assert ["Ed25519", "dir"] == [table.find("k1", "EdDSA").algorithm, table.find("e1", "dir").algorithm]
    with pytest.raises(UnknownKey):
        table.find("e2", "A256KW")


@pytest.mark.parametrize("names", [(), ("dir",), ("none",), ("ES256", "RSA1_5")])
def test_unknown_algorithms_and_none_at_all_are_refused(names):
    """An empty list never means "the recommended ones"."""
    with pytest.raises(ConfigurationError, match="algorithms"):
        policy_of(algorithms=names)


def test_a_policy_compares_types_in_one_form():
    """Types are compared like the typ of a header."""
    assert {"at+jwt"} == policy_of(token_types=["application/AT+JWT"]).token_types
    assert frozenset(("a",)) == policy_of(scopes=("a",)).scopes


def test_a_policy_without_a_name_is_refused():
    """An empty type would accept tokens of any kind."""
    with pytest.raises(ConfigurationError):
        IssuerPolicy(issuer="", audience="a", keys=NO_KEYS)
