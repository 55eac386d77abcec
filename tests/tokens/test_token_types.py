"""Trust an issuer whose tokens have one of several types."""

import pytest

from safeconduct.errors import MalformedToken, WrongTokenType
from token_factory import CLAIMS, NOW, key_for, mint, trust_verifier, without

ES = key_for("ES256")


@pytest.mark.parametrize(
    ("typ", "client", "error"),
    [
        ("JWT", False, None),
        ("JWT", True, None),
        ("at+jwt", True, None),
        ("application/AT+JWT", False, MalformedToken),
        ("at+jwt", False, MalformedToken),
        ("id+jwt", True, WrongTokenType),
        (..., True, WrongTokenType),
    ],
)
def test_a_trust_names_every_type_of_its_tokens(typ, client, error):
    """Each type keeps its rules: only RFC 9068 requires a client_id."""
    verifier = trust_verifier(ES, token_types=frozenset({"at+jwt", "jwt"}))
    token = mint(ES, CLAIMS if client else without("client_id"), typ=typ)

    if error is None:
        assert "alice" == verifier.verify(token, now=NOW).subject
    else:
        with pytest.raises(error):
            verifier.verify(token, now=NOW)
