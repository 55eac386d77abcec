"""Verify every JOSE vector of Wycheproof at the level of keys, signatures and envelopes."""

import json

import pytest
from joserfc.jwk import OctKey

import corpora
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.algorithms import ALGORITHMS
from safeconduct._tokens.encryption import open_envelope, read_envelope
from safeconduct._tokens.key import Key
from safeconduct._tokens.key_table import KeyTable
from safeconduct._tokens.reader import MAX_TOKEN_BYTES
from safeconduct.errors import ConfigurationError, InvalidToken
from token_factory import is_signed

# "valid" in the vectors and refused here, each with its reason.
REFUSED = {
    "signature": {
        **dict.fromkeys((372, 373), "a '?' inside a segment"),
        **dict.fromkeys((346, 347, 350, 351), "the key's alg differs from the header's"),
    },
    "encryption": {135: "zip is never opened"},
    "key": {},
    "crypto": {50: "A256CBC-HS512 is not offered"},
}
# "invalid" in the vectors and accepted here: byte-identical to the valid 357, whose padding was lost.
ACCEPTED = {"signature": {367, 370}, "encryption": set(), "key": set(), "crypto": set()}
# Signed with 32 zero bytes, which we refuse as a key, so only the signature is checked.
ZERO_KEY = {"signature": {357, 358, 359, 367, 370, 376, 377}}
# Algorithms that are not supported: always refused.
NOT_OFFERED = (
    "RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "A128KW", "A192KW", "A128GCMKW", "A192GCMKW", "A256GCMKW",
    "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "A128GCM",
)  # fmt: skip


def vectors(name):
    """Return every test of a file with its group's key."""
    document = json.loads(corpora.foreign("wycheproof", f"json_web_{name}_test.json").read_text())
    for group in document["testGroups"]:
        key = group.get("public") if "jws" in group["tests"][0] and "public" in group else group["private"]
        for test in group["tests"]:
            yield pytest.param(name, key, test, id=f"{name}-{test['tcId']}")


def is_accepted(key, test, *, is_zero):
    """Prove or open one vector."""
    try:
        keys = KeySet.read(key, algorithms=frozenset(ALGORITHMS))
        if is_zero:
            assert [(key["kid"], "a secret that repeats itself")] == list(keys.skipped)
            zero = Key(key["kid"], "HS256", "HS256", OctKey.import_key(key), is_private=True, public_jwk=None)
            return is_signed(test["jws"], KeyTable([zero]))
        if not isinstance(test.get("jws", test.get("jwe")), str):
            return False
        if "jws" in test:
            return is_signed(test["jws"], keys.table)
        wire = test["jwe"].encode("ascii")
        envelope = read_envelope(wire, wire.split(b".", 5))
        plain = open_envelope(envelope, keys.table.find(envelope.header.kid, envelope.header.algorithm))
    except (InvalidToken, ConfigurationError, UnicodeEncodeError, ValueError):
        return False
    assert bytes.fromhex(test["pt"]) == plain if "pt" in test else True
    return len(wire) <= MAX_TOKEN_BYTES


@pytest.mark.parametrize(
    ("name", "key", "test"), [row for name in ("signature", "encryption", "key", "crypto") for row in vectors(name)]
)
def test_every_vector_is_decided_as_it_should_be(name, key, test):
    """Valid vectors are accepted and invalid ones refused, except for the tables above."""
    number = test["tcId"]
    is_valid = test["result"] == "valid" and number not in REFUSED[name] and key.get("alg") not in NOT_OFFERED
    is_valid = is_valid and test.get("enc", "A256GCM") == "A256GCM"
    expected = is_valid or number in ACCEPTED[name]

    actual = is_accepted(key, test, is_zero=number in ZERO_KEY.get(name, ()))

    assert expected == actual
