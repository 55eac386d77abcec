"""Check every row of the corpus of attacks on tokens by its own rules."""

from base64 import b64decode

import pytest

import corpora
from safeconduct._keys.loading import issuer_policies
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.config import Config, Trust
from safeconduct.errors import InvalidToken

CORPUS = corpora.load("attacks/jwt-attacks")

# Rows that the corpus leaves to us, and the reasons.
DECIDED = {
    "json-61": ("reject", "a thousand levels: no claim needs more than 32, and a walk over them could overflow"),
    "json-73": ("reject", "100,000 claims are longer than 16 KB"),
    "base64-45": ("reject", "signed, so harmless here; but one value has one spelling, whoever signed it"),
    "claims-07": ("reject", "iat an hour ahead: either clock is wrong, and cut-offs would not meet the token"),
    "claims-09": ("reject", "ten years: a revocation would have to be kept as long"),
    "claims-53": ("reject", "no jti: the token could not be revoked alone"),
    "claims-59": ("accept", "a jti is opaque; what is stored is its digest"),
    "claims-61": ("accept", "as claims-59"),
    "claims-63": ("accept", "as claims-59"),
    "claims-65": ("accept", "as claims-59"),
    "typ-15": ("accept", "token_use is nobody's registered claim; typ says what the token is, and it is at+jwt"),
    "typ-19": ("reject", "cnf means bound, and an unknown method cannot be proven"),
    "typ-21": ("reject", "cnf of a wrong type must not make the token a plain bearer"),
    "typ-23": ("reject", "as typ-21"),
    "jwe-05": ("reject", "claims that are only encrypted are nobody's: decryption authenticates nobody"),
}

GOOD = [row for row in CORPUS["cases"] if row["expect"] == "accept"]


def verifier_of(keyset: str) -> TokenVerifier:
    """Return a verifier with the corpus' rules."""
    trust = Trust(
        issuer=CORPUS["issuer"],
        audience=CORPUS["audience"],
        algorithms=tuple(CORPUS["algorithms"][keyset]),
        keys=CORPUS["keysets"][keyset],
        token_types=[CORPUS["typ"]],
        leeway_seconds=CORPUS["leeway"],
    )
    skipped = []
    verifier = TokenVerifier(issuer_policies(Config(store="memory://", trust=[trust]), None, skipped.append))
    assert skipped == []
    return verifier


def token_of(case: dict[str, str]) -> str:
    """Return a row's token, with bytes as the text of a header."""
    return case["token"] if "token" in case else b64decode(case["token_b64"]).decode("latin-1")


@pytest.mark.parametrize("case", CORPUS["cases"], ids=lambda case: case["id"])
def test_every_attack_is_refused_and_every_good_token_accepted(case):
    """Every row is accepted or ``InvalidToken``, as the corpus or the table above says."""
    verifier = verifier_of(case["keyset"])
    expected, _ = DECIDED[case["id"]] if case["expect"] == "policy" else (case["expect"], "")

    try:
        verifier.verify(token_of(case), now=CORPUS["now"])
        actual = "accept"
    except InvalidToken:
        actual = "reject"

    assert expected == actual


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["id"])
def test_a_good_token_that_changes_in_any_one_character_is_refused(case):
    """Every changed character of a token is noticed."""
    verifier = verifier_of(case["keyset"])
    token = token_of(case)

    for index, character in enumerate(token):
        changed = token[:index] + ("A" if character != "A" else "B") + token[index + 1 :]
        with pytest.raises(InvalidToken):
            verifier.verify(changed, now=CORPUS["now"])
