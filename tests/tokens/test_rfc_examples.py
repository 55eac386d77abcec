"""Verify the examples of the RFCs."""

import pytest

import corpora
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.algorithms import ALGORITHMS
from safeconduct._tokens.encryption import read_envelope
from safeconduct._tokens.key import UnusableKey, read_key
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.errors import BindingMismatch, InvalidToken
from token_factory import ISSUER, NOW, is_signed, key_for, mint, trust_policy_for

VECTORS = {(str(row["rfc"]), row["kind"]): row for row in corpora.load("rfc-vectors")["vectors"]}
ENVELOPES = [row for row in corpora.load("rfc-vectors")["vectors"] if row["kind"] == "jwe-compact"]
EVERYTHING = {"algorithms": frozenset(ALGORITHMS)}


def test_rfc_8037_ed25519():
    """The example's key and signature are accepted."""
    row = VECTORS["8037", "jws-eddsa"]
    keys = KeySet.of([row["jwk"]], **EVERYTHING)

    assert is_signed(row["jws"], keys.table)
    assert row["thumbprint"] == keys.entries[0].key.jose.thumbprint()


def test_rfc_7519_hs256():
    """The signature is valid, but the claims are not those of an access token."""
    row = VECTORS["7519", "jwt-hs256"]
    keys = KeySet.of([{**row["jwk"], "alg": "HS256"}], **EVERYTHING)

    assert is_signed(row["jwt"], keys.table)


@pytest.mark.parametrize(("name", "member"), [(("7519", "jwt-unsecured"), "jwt"), (("7515", "crit-negative"), "jws")])
def test_what_the_rfcs_show_as_bad_is_refused(name, member):
    """An unsecured JWT and an unknown critical header are refused."""
    verifier = TokenVerifier([trust_policy_for(key_for("ES256"), issuer="joe")])

    with pytest.raises(InvalidToken):
        verifier.verify(VECTORS[name][member], now=NOW)


@pytest.mark.parametrize("row", ENVELOPES, ids=lambda row: row["section"])
def test_rfc_7516_envelopes_are_of_algorithms_that_are_not_offered(row):
    """RSA-OAEP, RSA1_5 and A128KW are not supported."""
    with pytest.raises(UnusableKey):
        read_key(row["jwk"], is_published=False, **EVERYTHING)
    wire = row["jwe"].encode()
    with pytest.raises(InvalidToken):
        read_envelope(wire, wire.split(b"."))


def test_rfc_9068_claims_are_those_of_an_access_token():
    """The example is accepted unchanged when our key signs it."""
    row = VECTORS["9068", "access-token-decoded"]
    key, claims = key_for("RS256"), row["claims"]
    policy = trust_policy_for(key, issuer=claims["iss"], audience=claims["aud"], max_lifetime_seconds=10**9)

    proven = TokenVerifier([policy]).verify(mint(key, claims), now=claims["iat"])

    assert (claims["sub"], claims["client_id"]) == (proven.subject, proven.client_id)


def test_rfc_7800_claims_are_bound():
    """The bearer of such a token must also prove possession of a key."""
    key, claims = key_for("ES256"), VECTORS["7800", "cnf-jwk"]["claims"]
    whole = {"sub": "a", "jti": "j", "client_id": "c", "iat": NOW, **claims, "iss": ISSUER, "aud": "a", "exp": NOW + 9}

    with pytest.raises(BindingMismatch):
        TokenVerifier([trust_policy_for(key, audience="a")]).verify(mint(key, whole), now=NOW)
