"""Verify a token by the one key of its issuer, or refuse it with one kind of error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey

from safeconduct._tokens import signatures
from safeconduct._tokens.key import Key
from safeconduct._tokens.key_table import KeyTable
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.errors import (
    BadSignature,
    ConfigurationError,
    InvalidToken,
    MalformedToken,
    UnknownKey,
    WrongIssuer,
    WrongTokenType,
)
from token_factory import (
    CLAIMS,
    ISSUER,
    NOW,
    key_for,
    mint,
    own_policy_for,
    own_verifier,
    sealed,
    sign_bytes,
    trust_policy_for,
    trust_verifier,
    without,
)

ES = key_for("ES256")
ALL = [f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in (256, 384, 512)] + ["EdDSA", "Ed25519"]
KW, ECDH, DIR = key_for("A256KW", "e1"), key_for("ECDH-ES+A256KW", "e2"), key_for("dir", "e3")


def forged(token):
    """Return *token* with another signature of the same length."""
    head, body, last = token.split(".")
    return ".".join((head, body, ("A" if last[0] != "A" else "B") + last[1:]))


class RotatedKeys:
    """Keys that change when they are read again."""

    def __init__(self, *tables):
        self.tables = list(tables)
        self.looked = 0

    def table(self):
        return self.tables[0]

    def reload(self):
        self.looked += 1
        if len(self.tables) > 1:
            del self.tables[0]


@pytest.mark.parametrize("algorithm", ALL)
def test_every_algorithm_proves_its_own_signature(algorithm):
    """A truncated signature is refused."""
    key = key_for(algorithm)
    token = mint(key)

    assert "alice" == own_verifier(key).verify(token, now=NOW).subject
    with pytest.raises(BadSignature):
        own_verifier(key).verify(forged(token), now=NOW)


@pytest.mark.parametrize("header", ["EdDSA", "Ed25519"])
def test_eddsa_is_read_as_ed25519(header):
    """This holds for both names of the algorithm (RFC 9864 §2.2)."""
    key = key_for("EdDSA")

    assert "alice" == own_verifier(key).verify(mint(key, alg=header), now=NOW).subject


@pytest.mark.parametrize("algorithm", ["PS256", "RS512", "HS256", "ES384", "none", "dir", "A256KW", "rs256", "RS256 "])
def test_a_key_has_one_algorithm(algorithm):
    """The header cannot choose another algorithm (RFC 8725 §3.1)."""
    key = key_for("RS256")

    with pytest.raises((UnknownKey, MalformedToken)):
        own_verifier(key).verify(mint(key, alg=algorithm), now=NOW)


@pytest.mark.parametrize(
    "typ", [..., "JWT", "id+jwt", "at+jwt ", "", "at", "applications/at+jwt", "application/application/at+jwt"]
)
def test_another_type_of_token_is_refused(typ):
    """RFC 9068 §4, RFC 8725 §3.11."""
    with pytest.raises(WrongTokenType):
        own_verifier(ES).verify(mint(ES, typ=typ), now=NOW)


@pytest.mark.parametrize("typ", ["AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_the_type_ignores_case_and_prefix(typ):
    """RFC 7515 §4.1.9."""
    assert "alice" == own_verifier(ES).verify(mint(ES, typ=typ), now=NOW).subject


@pytest.mark.parametrize("issuer", [ISSUER + "/", ISSUER.upper(), "", None, 1, [ISSUER], {"a": 1}, ...], ids=repr)
def test_another_issuer_is_refused(issuer):
    """The issuer is a string and compared exactly."""
    claims = without("iss") if issuer is ... else {**CLAIMS, "iss": issuer}

    with pytest.raises(WrongIssuer):
        own_verifier(ES).verify(mint(ES, claims), now=NOW)


def test_each_issuer_has_its_own_keys():
    """The same kid of another issuer is a different key (RFC 8725 §3.8)."""
    ours, theirs = key_for("ES256", "k"), key_for("EdDSA", "k")
    other = {**CLAIMS, "iss": "https://other.example"}
    verifier = TokenVerifier([own_policy_for(ours), trust_policy_for(theirs, issuer="https://other.example")])

    assert verifier.verify(mint(ours), now=NOW).is_own
    assert not verifier.verify(mint(theirs, other), now=NOW).is_own
    with pytest.raises(UnknownKey):
        verifier.verify(mint(theirs), now=NOW)
    with pytest.raises(UnknownKey):
        verifier.verify(mint(ours, other), now=NOW)


def test_an_issuer_is_named_once():
    """Two policies for one issuer would be ambiguous."""
    with pytest.raises(ConfigurationError, match="twice"):
        TokenVerifier([own_policy_for(ES), trust_policy_for(ES)])


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b", "a.b.c.d", "....", "a.b.c.d.e.f", "." * 9999, "\u00e4.b.c", "a" * 16385]
)
def test_what_is_not_compact_is_refused(token):
    """It is refused before anything is decoded."""
    with pytest.raises(MalformedToken):
        own_verifier(ES).verify(token, now=NOW)


def test_a_token_over_16_kb_is_refused_and_one_below_is_not():
    """The bound is on the received text."""
    verifier = own_verifier(ES)
    small, large = (mint(ES, {**CLAIMS, "x": "y" * size}) for size in (11_000, 12_000))

    assert len(small) < 16384 < len(large)
    assert "alice" == verifier.verify(small, now=NOW).subject
    with pytest.raises(MalformedToken):
        verifier.verify(large, now=NOW)


def test_no_kid_needs_exactly_one_key_that_fits():
    """Keys are never tried one after the other."""
    token = mint(ES, kid=...)

    assert "alice" == own_verifier(ES, key_for("RS256")).verify(token, now=NOW).subject
    with pytest.raises(UnknownKey):
        own_verifier(ES, key_for("ES256", "k2")).verify(token, now=NOW)
    with pytest.raises(UnknownKey):
        own_verifier().verify(token, now=NOW)


def test_an_unknown_kid_looks_once_for_new_keys():
    """The key may have just been published; the source limits how often it reads."""
    keys = RotatedKeys(KeyTable([key_for("RS256")]), KeyTable([ES]))
    verifier = own_verifier(keys=keys)

    assert "alice" == verifier.verify(mint(ES), now=NOW).subject
    with pytest.raises(UnknownKey):
        verifier.verify(mint(ES, kid="k9"), now=NOW)
    assert 2 == keys.looked


def test_a_removed_key_verifies_nothing():
    """A remembered header is valid only for the keys that it was read with."""
    keys = RotatedKeys(KeyTable([ES]), KeyTable([key_for("RS256")]))
    verifier = own_verifier(keys=keys)
    token = mint(ES)
    verifier.verify(token, now=NOW)

    keys.reload()

    with pytest.raises(UnknownKey):
        verifier.verify(token, now=NOW)


def test_the_state_of_the_keys_is_one_object_until_they_change():
    """Caches of verified tokens are dropped when the generation changes."""
    keys = RotatedKeys(KeyTable([ES]), KeyTable([ES]))
    verifier = TokenVerifier([own_policy_for(keys=keys), trust_policy_for(issuer="https://other.example")])
    state = verifier.key_state()

    assert state is verifier.key_state()
    keys.reload()
    assert state is not verifier.key_state()
    assert verifier.key_state() is verifier.key_state()


def test_only_headers_that_a_key_has_signed_are_remembered(monkeypatch):
    """Otherwise anyone could fill that cache."""
    verifier = own_verifier(ES)
    trusted = verifier._by_issuer[ISSUER]
    monkeypatch.setattr(signatures, "_MOST_HEADERS", 2)

    with pytest.raises(BadSignature):
        verifier.verify(forged(mint(ES)), now=NOW)
    assert {} == trusted._known[1]
    for number in range(4):
        verifier.verify(mint(ES, x=number), now=NOW)
    assert 2 == len(trusted._known[1])


def test_a_library_that_stumbles_is_a_refusal():
    """No other exception is raised, whatever joserfc does with a signature."""
    empty = Key("k1", "HS256", "HS256", OctKey(b"", {"k": "", "kty": "oct"}), is_private=True, public_jwk=None)

    with pytest.raises(BadSignature):
        own_verifier(empty).verify(mint(key_for("HS256")), now=NOW)


@pytest.mark.parametrize("key", [KW, ECDH], ids=lambda key: key.algorithm)
def test_an_envelope_of_our_own_is_opened(key):
    """The claims are those of the inner token."""
    verifier = own_verifier(ES, key)

    claims = verifier.verify(sealed(mint(ES), key), now=NOW)

    assert ("alice", "k1") == (claims.subject, claims.kid)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ({"exp": ...}, MalformedToken),
        ({"exp": CLAIMS["exp"] + 1}, MalformedToken),
        ({"exp": float(CLAIMS["exp"])}, MalformedToken),
        ({"exp": str(CLAIMS["exp"])}, MalformedToken),
        ({"iss": ...}, UnknownKey),
        ({"iss": "https://other.example"}, WrongIssuer),
        ({"iss": [ISSUER]}, WrongIssuer),
        ({"aud": "https://other.example"}, MalformedToken),
        ({"aud": [CLAIMS["aud"]]}, MalformedToken),
        ({"nbf": 1}, MalformedToken),
        ({"sub": "mallory"}, MalformedToken),
        ({"typ": ...}, WrongTokenType),
        ({"typ": "JWT"}, WrongTokenType),
        ({"kid": "e9"}, UnknownKey),
    ],
    ids=repr,
)
def test_an_envelope_that_says_another_thing_is_refused(header, error):
    """Copies are compared as JSON values of equal type, both ways (RFC 7519 §5.3)."""
    with pytest.raises(error):
        own_verifier(ES, KW).verify(sealed(mint(ES), KW, **header), now=NOW)


def test_copies_are_compared_deeply():
    """Lists are compared by their elements, and 1 is not true."""
    claims = {**CLAIMS, "aud": [CLAIMS["aud"], "b"], "x": {"a": [1]}}
    verifier = own_verifier(ES, KW, public_claims=frozenset(("iss", "exp", "aud", "x")))
    good = {"aud": claims["aud"], "x": {"a": [1]}}

    assert "alice" == verifier.verify(sealed(mint(ES, claims), KW, **good), now=NOW).subject
    for bad in ({"x": {"a": [True]}}, {"x": {"a": [1.0]}}, {"x": {"b": [1]}}, {"x": {"a": [1, 2]}}, {"x": ...}):
        with pytest.raises(MalformedToken):
            verifier.verify(sealed(mint(ES, claims), KW, **{**good, **bad}), now=NOW)


def test_an_envelope_of_a_trust_may_leave_its_issuer_to_the_kid():
    """It is refused if no issuer, or more than one, has the key."""
    other = "https://other.example"
    claims = {**CLAIMS, "iss": other}
    trusted = trust_policy_for(ES, KW, issuer=other)
    envelope = sealed(mint(ES, claims), KW, iss=..., exp=..., typ=...)

    assert "alice" == TokenVerifier([own_policy_for(ES), trusted]).verify(envelope, now=NOW).subject
    twins = TokenVerifier([trusted, trust_policy_for(ES, KW)])
    for verifier in (twins, own_verifier(ES, KW), own_verifier(ES)):
        with pytest.raises(UnknownKey):
            verifier.verify(envelope, now=NOW)


@pytest.mark.parametrize("typ", [..., "JWT", "at+jwt"])
def test_a_trust_may_call_its_envelope_a_jwt(typ):
    """The inner token is still an access token."""
    assert "alice" == trust_verifier(ES, DIR).verify(sealed(mint(ES), DIR, typ=typ), now=NOW).subject


@pytest.mark.parametrize("typ", ["id+jwt", ""])
def test_a_trusts_envelope_of_another_type_is_refused(typ):
    """RFC 8725 §3.11."""
    with pytest.raises(WrongTokenType):
        trust_verifier(ES, DIR).verify(sealed(mint(ES), DIR, typ=typ), now=NOW)


def test_what_is_only_encrypted_is_refused():
    """Decryption authenticates nobody (RFC 8725 §3.3)."""
    inner = mint(ES)
    for plain in ("{}", inner.split(".")[1], sealed(inner, KW), inner.rsplit(".", 1)[0] + ".", "a.b.c.d"):
        with pytest.raises(InvalidToken):
            own_verifier(ES, KW).verify(sealed(plain, KW), now=NOW)


def test_an_envelope_and_its_content_are_of_one_issuer():
    """Otherwise one issuer could wrap a token of another."""
    other = "https://other.example"
    verifier = TokenVerifier([own_policy_for(ES, KW), trust_policy_for(ES, issuer=other)])

    with pytest.raises(WrongIssuer):
        verifier.verify(sealed(mint(ES, {**CLAIMS, "iss": other}), KW), now=NOW)


def test_an_encryption_key_never_signs():
    """A signing key never decrypts."""
    curve = key_for("ECDH-ES+A256KW", "k1")
    as_signer = Key("k1", "ES256", "ES256", curve.jose, is_private=True, public_jwk=curve.public_jwk)

    with pytest.raises(UnknownKey):
        own_verifier(curve).verify(mint(as_signer), now=NOW)
    with pytest.raises(UnknownKey):
        own_verifier(ES).verify(sealed(mint(ES), curve), now=NOW)


def damaged(token, index, character):
    """Return *token* with one character replaced, cut or doubled."""
    index %= len(token)
    return token[:index] + character + token[index + 1 :]


SAMPLES = [mint(ES), sealed(mint(ES), KW), sealed(mint(ES), ECDH)]
VERIFIER = own_verifier(ES, KW, ECDH)


@given(st.sampled_from(SAMPLES), st.integers(0, 5000), st.text(max_size=3))
def test_any_damage_is_an_invalid_token(token, index, text):
    """A changed token is always ``InvalidToken``."""
    changed = damaged(token, index, text)
    if changed == token:
        return

    with pytest.raises(InvalidToken):
        VERIFIER.verify(changed, now=NOW)


@given(st.sampled_from(SAMPLES), st.sampled_from(SAMPLES), st.integers(0, 5000), st.integers(0, 5000))
def test_any_splice_is_an_invalid_token(one, other, cut, join):
    """Parts of two valid tokens do not form a third one."""
    changed = one[: cut % len(one)] + other[join % len(other) :]
    if changed in SAMPLES:
        return

    with pytest.raises(InvalidToken):
        VERIFIER.verify(changed, now=NOW)


@given(st.text())
def test_any_text_is_an_invalid_token(text):
    """Any text is accepted or refused with the one error."""
    with pytest.raises(InvalidToken):
        VERIFIER.verify(text, now=NOW)


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([ISSUER, "at+jwt"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from([*CLAIMS, "nbf", "scope", "roles", "acr", "sid", "act", "cg", "rn", "cnf", "auth_time"]), SCRAPS
    ),
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "cty", "crit", "b64", "zip", "jku", "jwk", "x"]), SCRAPS),
)
def test_any_claims_and_header_are_claims_or_an_invalid_token(claims, header):
    """This holds even with a valid signature."""
    try:
        token = mint(ES, {**CLAIMS, **claims}, **header)
    except ValueError:
        return
    try:
        proven = VERIFIER.verify(token, now=NOW)
    except InvalidToken:
        return
    assert ISSUER == proven.issuer
    assert isinstance(proven.expires_at, int)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_signed_bytes_are_an_invalid_token(header, body):
    """This holds even with a valid signature."""
    with pytest.raises(InvalidToken):
        VERIFIER.verify(sign_bytes(header, body, ES), now=NOW)
