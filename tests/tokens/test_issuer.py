"""Issue tokens as the design says, and as others can read them."""

import json
from itertools import count

import jwt as pyjwt
import pytest
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry
from joserfc.jws import JWSRegistry
from jwcrypto import jwe as their_jwe
from jwcrypto import jwk as their_jwk

from safeconduct._keys.keyset import KeySet
from safeconduct._keys.loading import own_policy
from safeconduct._tokens.issuer import Grant
from safeconduct._tokens.reader import decode_segment
from safeconduct.config import Config, TokenConfig
from safeconduct.errors import ConfigurationError, InvalidToken
from token_factory import AUDIENCE, ISSUER, NOW, FixedKeys, issuer_for, jwk_for, own_verifier_for, public_jwk_for

FULL = Grant(
    subject="alice",
    level="explicit",
    scopes={"write", "read"},
    roles=["clerk"],
    lifetime_seconds=900,
    session_id="s1",
    client_id="app",
    auth_time=NOW,
    amr=["pwd"],
    csrf_generation=1,
    renewals=2,
    actor={"sub": "svc"},
    extra={"tenant": "t1"},
)


def config_of(**tokens):
    """Return a configuration with our own issuer."""
    return Config(
        store={"url": "memory://"}, issuer=ISSUER, audience=AUDIENCE, keys="keys/", tokens=TokenConfig(**tokens)
    )


def issuer_of(*jwks, **tokens):
    """Return an issuer, a verifier and the keys for *jwks*."""
    keys = KeySet.of(jwks, is_own=True)
    config, numbers = config_of(**tokens), count(1)
    issuer = issuer_for(config, lambda: keys, lambda size: next(numbers).to_bytes(size))
    return issuer, own_verifier_for(config, keys), keys


def parts(token):
    """Return header and claims of a signed token."""
    return [json.loads(decode_segment(part.encode())) for part in token.split(".")[:2]]


def test_a_signed_token_is_what_rfc_9068_says():
    """Nothing beyond the grant is claimed."""
    issuer, _, _ = issuer_of(jwk_for("ES256"))

    header, claims = parts(issuer.issue(FULL, iat_ms=NOW * 1000 + 7))

    assert {"alg": "ES256", "typ": "at+jwt", "kid": "k1"} == header
    assert {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "app", "jti": "AAAAAAAAAAAAAAAAAAAAAQ",
        "iat": NOW, "iat_ms": NOW * 1000 + 7, "exp": NOW + 900, "acr": "urn:safeconduct:acr:explicit",
        "auth_time": NOW, "amr": ["pwd"], "scope": "read write", "roles": ["clerk"], "sid": "s1", "cg": 1, "rn": 2,
        "act": {"sub": "svc"}, "tenant": "t1",
    } == claims  # fmt: skip


@pytest.mark.parametrize("form", ["jws", "jwe"])
def test_what_is_issued_is_proven(form):
    """Every claim of the grant is in the token."""
    issuer, verifier, _ = issuer_of(jwk_for("ES256"), jwk_for("A256KW", "e1"), format=form)

    claims = verifier.verify(issuer.issue(FULL, iat_ms=NOW * 1000 + 7), now=NOW)

    assert ("alice", "explicit", {"read", "write"}, {"clerk"}) == (
        claims.subject,
        claims.level,
        claims.scopes,
        claims.roles,
    )
    assert ("s1", "app", NOW, 1, 2) == (
        claims.session_id, claims.client_id, claims.auth_time, claims.csrf_generation, claims.renewals,
    )  # fmt: skip
    assert (NOW * 1000 + 7, NOW + 900, "k1", "alice") == (
        claims.issued_ms,
        claims.expires_at,
        claims.kid,
        claims.display_name,
    )
    assert "t1" == claims.raw["tenant"]
    assert "pad" not in claims.raw


def test_a_grant_of_little_makes_a_token_of_little():
    """Empty grants have no claims; the client is that of the configuration."""
    issuer, verifier, _ = issuer_of(jwk_for("ES256"), client_id="web")
    token = issuer.issue(Grant(subject="bob", lifetime_seconds=60, token_id="j"), iat_ms=NOW * 1000)

    assert {"iss", "aud", "sub", "client_id", "jti", "iat", "iat_ms", "exp", "acr"} == parts(token)[1].keys()
    claims = verifier.verify(token, now=NOW)
    assert ("j", "web", "remembered", set()) == (claims.token_id, claims.client_id, claims.level, claims.scopes)


def test_h_a_key_without_a_name_signs_tokens_without_one():
    """A `kid` of null would be refused by every parser, ours too."""
    nameless = {name: value for name, value in jwk_for("ES256").items() if name != "kid"}
    issuer, verifier, _ = issuer_of(nameless)

    token = issuer.issue(FULL, iat_ms=NOW * 1000)

    assert {"alg": "ES256", "typ": "at+jwt"} == parts(token)[0]
    assert "alice" == verifier.verify(token, now=NOW).subject


def test_two_tokens_differ_in_their_id():
    """A token id has 128 random bits."""
    issuer, _, _ = issuer_of(jwk_for("ES256"))
    grant = Grant(subject="bob", lifetime_seconds=60)

    assert parts(issuer.issue(grant, iat_ms=0))[1]["jti"] != parts(issuer.issue(grant, iat_ms=0))[1]["jti"]


@pytest.mark.parametrize("name", ["A256KW", "ECDH-ES+A256KW"])
def test_an_envelope_shows_only_the_public_claims(name):
    """The header is that of the design."""
    issuer, _, _ = issuer_of(jwk_for("ES256"), jwk_for(name, "e1"), format="jwe")

    one, other = (issuer.issue(FULL, iat_ms=NOW * 1000).split(".") for _ in range(2))
    header = json.loads(decode_segment(one[0].encode()))
    header.pop("epk", None)

    assert {
        "alg": name, "enc": "A256GCM", "cty": "JWT", "typ": "at+jwt", "kid": "e1",
        "iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 900,
    } == header  # fmt: skip
    assert one[1] != other[1]


def test_the_length_of_an_envelope_tells_next_to_nothing():
    """The claims are padded to the next 256 bytes."""
    issuer, _, _ = issuer_of(jwk_for("ES256"), jwk_for("A256KW", "e1"), format="jwe")

    lengths = {
        len(issuer.issue(Grant(subject="x" * size, lifetime_seconds=60), iat_ms=NOW * 1000)) for size in range(1, 200)
    }

    assert len(lengths) <= 2


@pytest.mark.parametrize("name", ["RS256", "PS384", "ES256", "ES512", "HS256"])
def test_other_libraries_read_what_is_issued(name):
    """PyJWT, joserfc and Authlib accept the tokens."""
    issuer, _, keys = issuer_of(jwk_for(name))
    token = issuer.issue(FULL, iat_ms=NOW * 1000)
    key = keys.signing_key().jose

    theirs = pyjwt.decode(
        token, key.public_key, algorithms=[name], audience=AUDIENCE, options={"verify_exp": False, "verify_iat": False}
    )
    decoded = joserfc_jwt.decode(token, key, registry=JWSRegistry(algorithms=[name]))

    assert theirs == decoded.claims
    wanted = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": AUDIENCE}}
    JWTAccessTokenClaims(decoded.claims, decoded.header, wanted).validate(now=NOW)


def test_eddsa_is_written_as_eddsa_unless_the_key_says_otherwise():
    """The name is the one that today's verifiers know, or RFC 9864's if the key has it."""
    plain = {name: value for name, value in jwk_for("EdDSA").items() if name != "alg"}

    for jwk, written in ((plain, "EdDSA"), (jwk_for("EdDSA"), "EdDSA"), (jwk_for("Ed25519"), "Ed25519")):
        issuer, verifier, _ = issuer_of(jwk)
        token = issuer.issue(FULL, iat_ms=NOW * 1000)
        assert written == parts(token)[0]["alg"]
        assert "alice" == verifier.verify(token, now=NOW).subject


@pytest.mark.parametrize("name", ["A256KW", "ECDH-ES+A256KW"])
def test_jwcrypto_opens_what_is_issued_and_we_what_it_seals(name):
    """Both libraries open each other's envelopes."""
    issuer, verifier, _ = issuer_of(jwk_for("ES256"), jwk_for(name, "e1"), format="jwe")
    key = their_jwk.JWK(**jwk_for(name, "e1"))
    envelope = their_jwe.JWE()
    envelope.deserialize(issuer.issue(FULL, iat_ms=NOW * 1000), key)
    inner = envelope.payload

    header = {name: value for name, value in envelope.jose_header.items() if name != "epk"}
    again = their_jwe.JWE(inner, json.dumps(header))
    again.add_recipient(key)

    assert "alice" == verifier.verify(again.serialize(compact=True), now=NOW).subject


def test_joserfc_and_we_agree_on_whose_signature_holds():
    """With the same key we accept exactly what jwt.decode accepts."""
    issuer, verifier, _ = issuer_of(jwk_for("ES256"))
    token = issuer.issue(FULL, iat_ms=NOW * 1000)
    key = JWKRegistry.import_key(public_jwk_for("ES256"))
    registry = JWSRegistry(algorithms=["ES256"], strict_check_header=False)

    assert verifier.verify(token, now=NOW).raw == joserfc_jwt.decode(token, key, registry=registry).claims
    for index in range(0, len(token), 7):
        changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
        with pytest.raises(InvalidToken):
            verifier.verify(changed, now=NOW)
        with pytest.raises((JoseError, ValueError)):
            joserfc_jwt.decode(changed, key, registry=registry)


@pytest.mark.parametrize(
    "public", [(), ("iss",), ("exp",), ("iss", "exp", "sub"), ("iss", "exp", "roles"), ("iss", "exp", "iat_ms")]
)
def test_public_claims_hold_what_they_must_and_nothing_personal(public):
    """They include iss and exp, and never identify the user, the proof or the audience."""
    with pytest.raises(ConfigurationError, match="public_claims"):
        config_of(public_claims=public)


def test_nothing_is_issued_without_a_name_or_a_key():
    """A ``ConfigurationError`` says what is missing."""
    nameless = config_of()
    object.__setattr__(nameless, "issuer", None)
    issuer, _, _ = issuer_of()
    signer, _, _ = issuer_of(jwk_for("ES256"), format="jwe")

    for call in (
        lambda: own_policy(nameless, FixedKeys(KeySet().table)),
        lambda: issuer.issue(FULL, iat_ms=0),
        lambda: signer.issue(FULL, iat_ms=0),
    ):
        with pytest.raises(ConfigurationError):
            call()


@pytest.mark.parametrize(
    "extra", [{"sub": "root"}, {"pad": ""}, {"a": {1, 2}}, {"a": float("nan")}, {"a": "\ud800"}], ids=repr
)
def test_the_applications_claims_change_no_claim_of_ours(extra):
    """Additional claims must be JSON."""
    issuer, _, _ = issuer_of(jwk_for("ES256"))

    with pytest.raises(ConfigurationError):
        issuer.issue(Grant(subject="a", lifetime_seconds=1, extra=extra), iat_ms=0)


def test_c3_a_token_has_no_claim_that_says_nothing():
    """Neither the application's nor ours, whatever the application returns."""
    issuer, _, _ = issuer_of(jwk_for("ES256"))
    empty = {"tenant": None, "plan": "", "teams": [], "groups_of": (), "limits": {}}
    grant = Grant(subject="a", lifetime_seconds=1, extra={**empty, "seats": 0, "trial": False})

    _, claims = parts(issuer.issue(grant, iat_ms=0))

    assert {"acr", "iss", "aud", "sub", "client_id", "jti", "iat", "iat_ms", "exp", "seats", "trial"} == claims.keys()
