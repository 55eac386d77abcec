"""Load the keys that a configuration names, and refuse a set without a usable key."""

import pytest

from minimal_config import TRUST
from safeconduct import ConfigurationError
from safeconduct._keys.keyset import KeySet
from safeconduct._keys.loading import FixedKeySet, issuer_policies
from safeconduct.config import Config

NO_KID = {"kty": "oct", "k": "c2VjcmV0"}


@pytest.mark.parametrize(
    ("given", "message"),
    [({"keys": []}, "it is empty"), ({"keys": [NO_KID]}, "a key without kid: ")],
    ids=["empty", "unusable"],
)
def test_a_set_without_a_usable_key_is_refused(given, message):
    """The error names what was refused, and nothing of the key."""
    heard = []
    with pytest.raises(ConfigurationError) as caught:
        FixedKeySet(KeySet.read(given, is_own=True), heard.append)

    assert message in str(caught.value)
    assert "c2VjcmV0" not in f"{caught.value} {heard}"
    assert len(given["keys"]) == len(heard)


def test_an_issuer_whose_keys_would_be_fetched_is_refused():
    """Fetching is not implemented, and an issuer without keys is not trusted."""
    config = Config(store="memory://", trust=[TRUST])
    object.__setattr__(config.trust[0], "keys", None)

    with pytest.raises(ConfigurationError, match=r"wanted: trust\.keys"):
        issuer_policies(config, None, print)
