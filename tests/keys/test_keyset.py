"""Build a set of keys: which it accepts, which it shows, which sign."""

import json
from base64 import b64decode

import pytest

import corpora
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.algorithms import ALGORITHMS
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer_policy import OWN_ALGORITHMS
from safeconduct.errors import ConfigurationError, UnknownKey
from token_factory import jwk_for, public_jwk_for, segment

DOCUMENTS = corpora.load("attacks/jwks-documents")["cases"]
STATIC = [case for case in DOCUMENTS if "keys" in case.get("document", ()) or "raw_b64" in case]
SCENARIOS = {case["id"][-3:]: case for case in DOCUMENTS}

# Usable kids where the corpus names none, or None for a set that is refused as a whole.
DECIDED = {
    "private key published": [],
    "duplicate kid same type": [],
    "duplicate kid, different kty (allowed by RFC)": ["ec1", "ec1"],
    "no kid, single key": [None],
    "alg missing: bind by kty/crv to allow-list": ["rsa1"],
    "kid 1 MB": [],
    "5000 keys": None,
}
ALLOWED = {"alg missing: bind by kty/crv to allow-list": ["RS256", "ES256"]}


def expected_of(case):
    """Return the kids that may be used, or None where the old keys must stay."""
    if isinstance(case["expect"], dict):
        return case["expect"]["usable"]
    return None if case["expect"] == "keep-last-good" else DECIDED[case["name"]]


def bytes_of(case):
    """Return a row's document as it came over the network."""
    if "raw_b64" in case:
        return b64decode(case["raw_b64"])
    document = case["document"]
    if "generate" in case:
        document = {"keys": document["keys"][:1] * case["generate"]["repeat_keys"]}
    return json.dumps(document).encode()


@pytest.mark.parametrize("case", STATIC, ids=lambda case: case["id"])
def test_every_document_yields_the_keys_that_may_be_used(case):
    """A bad key is skipped; a bad set is refused, so that the last good one stays in use."""
    algorithms = ALLOWED.get(case["name"], ALGORITHMS)
    expected = expected_of(case)
    if expected is None:
        with pytest.raises(ConfigurationError):
            KeySet.parse(bytes_of(case), algorithms=algorithms, is_published=True)
        return

    keys = KeySet.parse(bytes_of(case), algorithms=algorithms, is_published=True)

    assert expected == [entry.key.kid for entry in keys.entries]
    assert all(reason for _, reason in keys.skipped)


def test_two_keys_of_one_kid_are_distinguished_by_their_algorithm():
    """The kid selects one key (RFC 7517 §4.5)."""
    keys = KeySet.of([public_jwk_for("ES256"), public_jwk_for("RS256")])

    assert "RS256" == keys.table.find("k1", "RS256").algorithm
    assert "ES256" == keys.table.find("k1", "ES256").algorithm


def test_a_bad_twin_takes_the_good_one_with_it():
    """It would be ambiguous which key is meant (Wycheproof json_web_key 4)."""
    keys = KeySet.of([jwk_for("ES256"), {**jwk_for("ES256"), "x": "!"}, {"kid": 1, "kty": "EC"}, {"kty": "EC"}])

    assert () == keys.entries
    assert 4 == len(keys.skipped)


def test_a_shared_secret_beside_public_keys_is_dropped():
    """This holds for a trust; our own set may change from one type to another (Wycheproof json_web_key 1)."""
    jwks = [jwk_for("HS256", None), public_jwk_for("ES256")]

    assert ["ES256"] == [entry.key.algorithm for entry in KeySet.of(jwks).entries]
    assert 2 == len(KeySet.of(jwks, is_own=True).entries)
    assert ["HS256"] == [
        entry.key.algorithm
        for entry in KeySet.of([jwk_for("HS256"), jwk_for("dir", "e")], algorithms=ALGORITHMS).entries
    ][:1]


def test_our_own_set_has_no_direct_encryption():
    """Direct encryption has no fresh content key."""
    assert () == KeySet.of([jwk_for("dir")], algorithms=OWN_ALGORITHMS, is_own=True).entries


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":null}', b'{"keys":[],"keys":[]}', b"\xff"]
)
def test_what_is_no_set_is_refused(data):
    """The ``ConfigurationError`` contains nothing of the set."""
    with pytest.raises(ConfigurationError):
        KeySet.parse(data)


def test_a_single_key_is_a_set_of_one():
    """A single JWK is enough for env:NAME and small files."""
    assert 1 == len(KeySet.parse(json.dumps(jwk_for("ES256")).encode(), is_own=True).entries)


def test_a_hundred_keys_are_enough():
    """A larger set is refused before any key is parsed."""
    assert 100 == len(KeySet.of(["x"] * 100).skipped)
    with pytest.raises(ConfigurationError, match="100"):
        KeySet.of(["x"] * 101)


STATES = [
    {**jwk_for("ES256", name), "safeconduct_state": state}
    for name, state in (("a", "retired"), ("b", "active"), ("c", "active"), ("d", "next"))
]


def test_states_decide_what_is_shown_proven_and_signed_with():
    """Next, active and retired keys are published and verify; the newest active key signs."""
    keys = KeySet.of(
        [*STATES, jwk_for("A256KW", "e"), jwk_for("HS256", "h"), jwk_for("ECDH-ES+A256KW", "f")], is_own=True
    )

    assert ["a", "b", "c", "d"] == [jwk["kid"] for jwk in keys.published()["keys"]]
    assert all(jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"} for jwk in keys.published()["keys"])
    assert "c" == keys.signing_key("ES256").kid
    assert "h" == keys.signing_key("HS256").kid
    assert "h" == keys.signing_key("RS256").kid
    assert "f" == keys.encryption_key().kid
    for name in "abcd":
        assert name == keys.table.find(name, "ES256").kid


def test_an_unknown_state_is_skipped():
    """A typo must not make a key sign."""
    keys = KeySet.of([{**jwk_for("ES256"), "safeconduct_state": "actve"}, "x"], is_own=True)

    assert () == keys.entries
    assert 2 == len(keys.skipped)


@pytest.mark.parametrize(
    "jwks", [[], [STATES[0]], [STATES[3]], [public_jwk_for("ES256")], [{**jwk_for("ES256"), "key_ops": ["verify"]}]]
)
def test_without_an_active_private_key_nothing_is_signed(jwks):
    """The error says how to create a key."""
    with pytest.raises(ConfigurationError, match="safeconduct keys new"):
        KeySet.of(jwks, is_own=True).signing_key()
    with pytest.raises(ConfigurationError, match="--use enc"):
        KeySet.of(jwks, is_own=True).encryption_key()


def secret(kid, fill, **members):
    """Return a JWK that other keys are derived from."""
    return {"kty": "oct", "kid": kid, "k": segment(bytes(range(fill, fill + 32))).decode(), **members}


def test_secrets_are_versions_of_which_the_newest_active_is_current():
    """Secrets are for derivation only, and are never shown."""
    jwks = [
        secret("safeconduct-secrets", 1, safeconduct_state="retired"),
        secret("safeconduct-secrets-2", 2),
        secret("safeconduct-secrets-3", 3, safeconduct_state="next"),
    ]

    keys = KeySet.of(jwks, is_own=True)

    assert ({1, 2, 3}, 2) == (set(keys.derived_keys.versions), keys.derived_keys.current)
    assert (
        keys.derived_keys.derive("csrf")
        == keys.derived_keys.derive("csrf", version=2)
        != keys.derived_keys.derive("csrf", version=1)
    )
    assert keys.derived_keys.derive("csrf") != keys.derived_keys.derive("throttle")
    assert 32 == len(keys.derived_keys.derive("csrf"))
    assert bytes(range(2, 34)) != keys.derived_keys.derive("csrf")
    assert {"keys": []} == keys.published()
    assert () == keys.entries
    assert "bytes" not in repr(keys)
    assert "\\x02" not in repr(keys)
    with pytest.raises(KeyError):
        keys.derived_keys.derive("csrf", version=9)


@pytest.mark.parametrize(
    "kid", ["safeconduct-secrets-1", "safeconduct-secrets-256", "safeconduct-secrets-02", "safeconduct-secret"]
)
def test_only_the_exact_name_makes_a_secret(kid):
    """Version 1 has no number in its kid, and a version is one byte."""
    assert KeySet.of([secret(kid, 1)], is_own=True).derived_keys is None


def test_a_bad_secret_is_skipped_and_a_foreign_set_has_none():
    """A trust's set has no derived keys."""
    assert KeySet.of([secret("safeconduct-secrets", 1, alg="HS256")], is_own=True).derived_keys is None
    assert KeySet.of([secret("safeconduct-secrets", 1)]).derived_keys is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (jwk_for("ES256"), jwk_for("ES256")),
        (public_jwk_for("RS256"), {**public_jwk_for("RS256"), "x5t": "x"}),
        (jwk_for("EdDSA"), {**jwk_for("EdDSA"), "alg": "Ed25519"}),
        (jwk_for("HS256"), jwk_for("HS256")),
        (jwk_for("ES256", None), jwk_for("ES256", None)),
    ],
    ids=["whole", "with more members", "by both names", "a secret", "without kid"],
)
def test_d14_the_same_key_twice_is_used_once_and_reported(first, second):
    """It does not matter which of them is meant."""
    keys = KeySet.of([first, second], is_own=True)

    assert [first] == [entry.jwk for entry in keys.entries]
    assert ((first.get("kid"), "the same key twice, the first is used"),) == keys.skipped
    assert keys.entries[0].key is keys.table.find(first.get("kid"), first["alg"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (jwk_for("ES256", "k1"), {**jwk_for("ES256", "k2"), "kid": "k1"}),
        (jwk_for("HS256", "k1"), {**jwk_for("HS256", "k2"), "kid": "k1"}),
        (jwk_for("ES256"), {**jwk_for("ES256"), "safeconduct_state": "retired"}),
        (jwk_for("ES256"), public_jwk_for("ES256")),
    ],
    ids=["another key", "another secret", "another state", "a half"],
)
def test_d14_two_that_differ_under_one_name_are_both_dropped(first, second):
    """It would be ambiguous which of them is meant."""
    keys = KeySet.of([first, second], is_own=True)

    assert () == keys.entries
    assert 2 == len(keys.skipped)


def test_d14_the_same_secret_twice_is_one_and_two_that_differ_are_none():
    """The last one must not silently replace the others."""
    once = secret("safeconduct-secrets", 1)

    assert {1} == set(KeySet.of([once, once], is_own=True).derived_keys.versions)
    for twin in (secret("safeconduct-secrets", 2), {**once, "safeconduct_state": "retired"}):
        keys = KeySet.of([once, twin, secret("safeconduct-secrets-2", 3)], is_own=True)
        assert ({2}, 2) == (set(keys.derived_keys.versions), keys.derived_keys.current)
        assert ["safeconduct-secrets"] == [kid for kid, _ in keys.skipped]


def test_a_removed_key_is_not_in_the_set():
    """A new set replaces the old one; they are not merged (CVE-2025-22149)."""
    first, second = (KeySet.read(document, is_published=True) for document in SCENARIOS["055"]["document"]["sequence"])

    assert "rsa1" == first.table.find("rsa1", "RS256").kid
    with pytest.raises(UnknownKey):
        second.table.find("rsa1", "RS256")


def test_two_issuers_may_use_the_same_kid():
    """Each issuer has its own table; keys are not looked up by a combined name (CVE-2025-59936)."""
    documents = SCENARIOS["056"]["document"]["issuers"].values()
    one, other = (KeySet.read(document, is_published=True).entries[0].key for document in documents)

    assert (one.kid, one.algorithm) == (other.kid, other.algorithm)
    assert one.public_jwk["x"] != other.public_jwk["x"]


class Counted(dict):
    """The versions of a secret, with a count of derivations."""

    taken = 0

    def __getitem__(self, version):
        self.taken += 1
        return super().__getitem__(version)


def test_f3_each_key_is_derived_once():
    """Each label and version is derived once."""
    versions = Counted({1: bytes(32), 2: bytes(range(32))})
    secrets = DerivedKeys(versions, 2)

    derived = {secrets.derive(label, version=version) for label in "ab" for version in (1, 2, None) for _ in range(9)}

    assert (4, 4) == (len(derived), versions.taken)
    with pytest.raises(KeyError):
        secrets.derive("a", version=3)


def test_f3_what_was_derived_is_never_shown_nor_compared():
    """The derived keys are not part of the value."""
    used, unused = DerivedKeys({1: bytes(32)}, 1), DerivedKeys({1: bytes(32)}, 1)

    key = used.derive("a")

    assert used == unused
    assert repr(key) not in repr(used)
