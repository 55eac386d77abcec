"""Check what a client signs: its own access tokens and its assertions, neither of which is taken for the other."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from client_tokens import OTHER_SECRET, SECRET, client_claims, sign
from safeconduct._keys.clients import load_client
from safeconduct._tokens.client_tokens import OurNames, purpose_of, read_signed, verify_access_token, verify_assertion
from safeconduct.config import Client
from safeconduct.errors import (
    BadSignature,
    BindingMismatch,
    ConfigurationError,
    ExpiredToken,
    InvalidToken,
    MalformedToken,
    NotYetValidToken,
    UnknownKey,
    WrongAudience,
    WrongIssuer,
    WrongTokenType,
)

NOW = 1_750_000_000
ISSUER, AUDIENCE, ENDPOINT = "https://issuer.example", "https://api.example", "https://api.example/auth/token"
NAMES = OurNames(issuer=ISSUER, audience=AUDIENCE, token_endpoints=frozenset({ENDPOINT}))
ONE_NAME = OurNames(issuer=AUDIENCE, audience=AUDIENCE, token_endpoints=frozenset({ENDPOINT}))
ASSERTION = {"typ": "client-authentication+jwt"}
KEY = generate_private_key(SECP256R1())


def signer(**changes):
    """Return what verifies the tokens of a client."""
    fields = {"client_id": "reports", "secret": SECRET, "scopes": ("read", "list"), "roles": ("reader",), **changes}
    return load_client(Client(**fields), [].append).signer


def public_jwk(**members):
    """Return the public key of a client as a JWK."""
    return {**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "alg": "ES256", **members}


def access(token, client=None, names=NAMES, now=NOW):
    """Verify an access token."""
    return verify_access_token(read_signed(token), client or signer(), names, now=now)


def assertion(token, client=None, names=NAMES, now=NOW):
    """Verify an assertion."""
    return verify_assertion(read_signed(token), client or signer(), names, now=now)


def test_a_minimal_token_is_a_clients():
    """``typ``, ``kid``, ``jti``, ``scope`` and ``client_id`` may be absent."""
    claims = access(sign(client_claims(NOW, AUDIENCE)))
    assert claims.subject == "client:reports"
    assert (claims.issuer, claims.client_id, claims.level) == ("reports", "reports", "remembered")
    assert (claims.scopes, claims.roles) == ({"read", "list"}, {"reader"})
    assert (claims.remote_user, claims.session_id, claims.is_own, claims.kid) == (None, None, False, None)
    assert claims.issued_ms == (NOW - 10) * 1000


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+JWT"])
def test_the_type_of_an_access_token_is_optional(typ):
    """The two types that access tokens have are taken."""
    assert access(sign(client_claims(NOW, AUDIENCE), header={"typ": typ})).client_id == "reports"


def test_a_token_without_jti_is_named_by_what_is_signed():
    """Two tokens differ in their names, and another signature of the same token is the same token."""
    client = signer(secret=None, keys={"keys": [public_jwk()]})
    first, again = (access(sign(client_claims(NOW, AUDIENCE), KEY, "ES256"), client) for _ in range(2))
    other = access(sign(client_claims(NOW, AUDIENCE, extra=1), KEY, "ES256"), client)
    assert first.token_id == again.token_id != other.token_id
    assert access(sign(client_claims(NOW, AUDIENCE, jti="a"))).token_id == "a"


def test_rights_are_those_of_the_client():
    """A token may have fewer scopes than its client, and says nothing of roles, levels, sessions and names."""
    raised = {"roles": ["admin"], "acr": "urn:safeconduct:acr:multifactor", "sid": "s", "act": {"sub": "x"}, "rn": 1}
    claims = access(sign(client_claims(NOW, AUDIENCE, scope="read", **raised, name="Alice", auth_time=NOW)))
    assert (claims.scopes, claims.roles, claims.level) == ({"read"}, {"reader"}, "remembered")
    assert claims.session_id is claims.actor is claims.renewals is claims.display_name is claims.auth_time is None
    assert access(sign(client_claims(NOW, AUDIENCE, scope=""))).scopes == set()


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_secret_signs_with_one_algorithm(algorithm):
    """The algorithm is the client's, and a ``kid`` says nothing where there is one secret."""
    secret = SECRET + OTHER_SECRET
    client = signer(algorithm=algorithm, secret=secret)
    assert access(sign(client_claims(NOW, AUDIENCE), secret, algorithm, {"kid": "any"}), client).kid is None
    for other in {"HS256", "HS384", "HS512"} - {algorithm}:
        with pytest.raises(UnknownKey):
            access(sign(client_claims(NOW, AUDIENCE), secret, other), client)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sub": "other"}, MalformedToken),
        ({"sub": "client:reports"}, MalformedToken),
        ({"sub": None}, MalformedToken),
        ({"iss": "other", "sub": "other"}, WrongIssuer),
        ({"iss": ["reports"], "sub": ["reports"]}, MalformedToken),
        ({"client_id": "other"}, MalformedToken),
        ({"client_id": 1}, MalformedToken),
        ({"aud": None}, WrongAudience),
        ({"aud": "https://other.example"}, WrongAudience),
        ({"aud": []}, WrongAudience),
        ({"aud": [AUDIENCE, 1]}, MalformedToken),
        ({"aud": [[AUDIENCE]]}, MalformedToken),
        ({"aud": {AUDIENCE: 1}}, MalformedToken),
        ({"aud": 1}, MalformedToken),
        ({"aud": ISSUER}, WrongTokenType),
        ({"aud": ENDPOINT}, WrongTokenType),
        ({"aud": [AUDIENCE, ENDPOINT]}, WrongTokenType),
        ({"exp": None}, MalformedToken),
        ({"iat": None}, MalformedToken),
        ({"exp": "never"}, MalformedToken),
        ({"exp": True}, MalformedToken),
        ({"exp": NOW - 10}, ExpiredToken),
        ({"exp": NOW + 3601}, MalformedToken),
        ({"exp": NOW + 365 * 86400}, MalformedToken),
        ({"exp": 1e308}, MalformedToken),
        ({"iat": -1e308}, MalformedToken),
        ({"iat": NOW + 11, "exp": NOW + 20}, NotYetValidToken),
        ({"nbf": NOW + 11}, NotYetValidToken),
        ({"cnf": {"jkt": "x"}}, BindingMismatch),
        ({"scope": "read write"}, MalformedToken),
        ({"scope": ["read"]}, MalformedToken),
        ({"jti": ""}, MalformedToken),
        ({"jti": 1}, MalformedToken),
    ],
)
def test_a_wrong_claim_is_refused(changes, error):
    """Each claim that matters, and the error for it."""
    with pytest.raises(error):
        # PyJWT does not sign an `iss` that is no text.
        access(jwt.PyJWS().encode(_json(client_claims(NOW, AUDIENCE, **changes)), SECRET, "HS256", {"typ": None}))


def _json(claims):
    return json.dumps(claims).encode()


def test_an_hour_is_the_longest_life():
    """And a fraction of a second is a time like any other."""
    claims = access(sign(client_claims(NOW, AUDIENCE, exp=NOW + 3600)))
    assert claims.expires_at == NOW + 3600
    assert access(sign(client_claims(NOW, AUDIENCE, iat=NOW - 0.5, exp=NOW + 9.75))).expires_at == NOW + 9


def test_null_is_not_an_absent_scope():
    """It is no text."""
    token = jwt.PyJWS().encode(_json({**client_claims(NOW, AUDIENCE), "scope": None}), SECRET, "HS256", {"typ": None})
    with pytest.raises(MalformedToken):
        access(token)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (sign(client_claims(NOW, AUDIENCE), OTHER_SECRET), BadSignature),
        (sign(client_claims(NOW, AUDIENCE), header={"typ": "client-authentication+jwt"}), WrongTokenType),
        (sign(client_claims(NOW, AUDIENCE), header={"typ": "rt+jwt"}), WrongTokenType),
        (sign(client_claims(NOW, AUDIENCE), header={"typ": "application/"}), WrongTokenType),
        (sign(client_claims(NOW, AUDIENCE), None, "none"), MalformedToken),
        (sign(client_claims(NOW, AUDIENCE), header={"crit": ["exp"]}), MalformedToken),
    ],
)
def test_a_wrong_header_or_signature_is_refused(token, error):
    """``alg: none`` is no signature, and an assertion no access token."""
    with pytest.raises(error):
        access(token)


def test_the_public_key_is_no_secret():
    """RFC 8725 §2.1: HS256 with the bytes of the public key; and the ``kid`` of another key."""
    client = signer(secret=None, keys={"keys": [public_jwk(kid="k1")]})
    assert access(sign(client_claims(NOW, AUDIENCE), KEY, "ES256"), client).kid == "k1"
    public = public_jwk()["x"] + public_jwk()["y"]
    for token in (
        sign(client_claims(NOW, AUDIENCE), public),
        sign(client_claims(NOW, AUDIENCE), public, header={"kid": "k1"}),
        sign(client_claims(NOW, AUDIENCE), KEY, "ES256", {"kid": "k2"}),
    ):
        with pytest.raises(UnknownKey):
            access(token, client)


@pytest.mark.parametrize("token", ["a.b", "a.b.c.d", "a.b.c.d.e", "ä.b.c", "x" * 16385, "e30.e30.", "W10.W10.W10"])
def test_a_text_that_is_no_signed_token_is_refused(token):
    """Encrypted tokens of clients are not taken."""
    with pytest.raises(InvalidToken):
        access(token)


def test_a_client_may_not_sign_tokens_without_the_grant():
    """Its keys are for assertions then."""
    with pytest.raises(WrongIssuer):
        access(sign(client_claims(NOW, AUDIENCE)), signer(grants=("client_credentials",)))


@pytest.mark.parametrize("header", [None, {"typ": "JWT"}, ASSERTION])
@pytest.mark.parametrize("audience", [ISSUER, ENDPOINT, [ISSUER], [ENDPOINT]])
def test_an_assertion_is_for_the_issuer_or_the_endpoint(header, audience):
    """Alone, with or without a type."""
    assert assertion(sign(client_claims(NOW, audience, jti="a"), header=header)).token_id == "a"


@pytest.mark.parametrize(
    ("changes", "header", "error"),
    [
        ({"jti": None}, None, MalformedToken),
        ({"aud": AUDIENCE}, None, WrongTokenType),
        ({"aud": AUDIENCE}, ASSERTION, WrongAudience),
        ({"aud": [ISSUER, AUDIENCE]}, None, WrongTokenType),
        ({"aud": [ISSUER, ENDPOINT]}, None, WrongAudience),
        ({"aud": [ISSUER, "https://other.example"]}, ASSERTION, WrongAudience),
        ({"aud": "https://other.example"}, ASSERTION, WrongAudience),
        ({"aud": None}, ASSERTION, WrongAudience),
        ({}, {"typ": "at+jwt"}, WrongTokenType),
        ({"exp": NOW + 301}, None, MalformedToken),
        ({"iat": None}, None, MalformedToken),
        ({"sub": "other"}, None, MalformedToken),
        ({"exp": NOW - 10, "iat": NOW - 20}, None, ExpiredToken),
    ],
)
def test_a_wrong_assertion_is_refused(changes, header, error):
    """RFC 7523 §3, and draft-ietf-oauth-rfc7523bis."""
    with pytest.raises(error):
        assertion(sign(client_claims(NOW, ISSUER, **{"jti": "a", **changes}), header=header))


def test_where_issuer_and_audience_have_one_name_the_grant_tells():
    """With ``self_signed`` it is a bearer token and never an assertion; without, an assertion and never a bearer."""
    plain, typed = (sign(client_claims(NOW, AUDIENCE, jti="a"), header=header) for header in (None, ASSERTION))
    selfish, asking = signer(), signer(grants=("client_credentials",))
    assert access(plain, selfish, ONE_NAME).token_id == "a"
    assert assertion(typed, selfish, ONE_NAME).token_id == assertion(plain, asking, ONE_NAME).token_id == "a"
    for verify, token, client in (
        (assertion, plain, selfish),
        (access, typed, selfish),
        (access, plain, asking),
        (access, typed, asking),
    ):
        with pytest.raises((WrongTokenType, WrongIssuer)):
            verify(token, client, ONE_NAME)


@pytest.mark.parametrize("names", [NAMES, ONE_NAME, OurNames(issuer=None, audience=AUDIENCE)])
@pytest.mark.parametrize("token_type", ["", "jwt", "at+jwt", "client-authentication+jwt"])
@pytest.mark.parametrize("audience", [ISSUER, AUDIENCE, ENDPOINT, [ISSUER, AUDIENCE], ["https://other.example"]])
@pytest.mark.parametrize("grants", [("self_signed",), ("client_credentials",)])
def test_no_token_is_both(names, token_type, audience, grants):
    """Whatever it looks like, it counts in one place at most."""
    token = sign(client_claims(NOW, audience, jti="a"), header={"typ": token_type or None})
    client, taken = signer(grants=grants), []
    for verify in (access, assertion):
        try:
            verify(token, client, names)
        except InvalidToken:
            continue
        taken.append(verify)
    assert len(taken) <= 1
    purpose = purpose_of(token_type, audience, names, signs_tokens="self_signed" in grants)
    assert all(verify is (access if purpose == "access_token" else assertion) for verify in taken)


def test_a_digest_signs_nothing():
    """Nobody but the client knows the secret."""
    client = Client(client_id="reports", secret="sha256:" + "0" * 64, grants=("client_credentials",))
    assert load_client(client, [].append).signer is None


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        ({"secret": "k" * 32}, "a secret that repeats itself"),
        ({"keys": "nowhere.json"}, "cannot read"),
        ({"keys": {"keys": []}}, "no usable key"),
        ({"secret": "env:SAFE_NO_SUCH_SECRET"}, "the environment has no SAFE_NO_SUCH_SECRET"),
    ],
    ids=str,
)
def test_a_client_whose_credential_cannot_be_used_is_named(credential, reason):
    """A message about keys alone would be taken for one about our own."""
    client = Client(client_id="reports", **credential)

    with pytest.raises(ConfigurationError, match=f"^clients: reports: .*{reason}"):
        load_client(client, [].append)
