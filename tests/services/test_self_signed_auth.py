"""A service signs its own access tokens, and nothing is asked for."""

import json

import jwt
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from http_callers import CALLERS
from safeconduct import ConfigurationError
from safeconduct.service import Options, SelfSigned
from token_server import CannedResponse

SECRET = "k3Jf8sLq0vXz7Rt2Wm5Yp9Ab4Cd6Ef1G-x"
AUDIENCE = "https://billing.example"
KEYS = {
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "RS256": RSAKey.generate_key(2048),
}


def signed(clock, secret_or_key=SECRET, **more):
    """Return the auth of the service *reports*."""
    return SelfSigned("reports", secret_or_key, audience=AUDIENCE, options=Options(clock=clock), **more)


def claims_of(token, key=SECRET, algorithm="HS256"):
    """Return the claims as PyJWT verifies them, but for the time, which it reads from the machine."""
    options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "iss", "sub", "aud", "jti"]}
    return jwt.decode(token, key, [algorithm], options, audience=AUDIENCE, issuer="reports")


def test_s1_a_request_carries_a_token_that_another_library_verifies(caller, server, clock):
    """``iss = sub = client_id``, our audience, five minutes, the scopes that were asked for."""
    auth = signed(clock, scopes=["read", "write"])

    answer = caller.call("GET", f"{server.origin}/api", auth=auth)

    token = server.asked[0].token
    claims = claims_of(token)
    assert (200, "resource") == answer
    assert {"alg": "HS256", "typ": "at+jwt"} == jwt.get_unverified_header(token)
    assert ("reports", "reports", "read write") == (claims["iss"], claims["sub"], claims["scope"])
    assert (clock(), 300) == (claims["iat"], claims["exp"] - claims["iat"])
    assert [] == server.token_requests


@pytest.mark.parametrize("algorithm", [*KEYS, "PS256"])
@pytest.mark.parametrize("form", ["pem", "pem as text", "jwk"])
def test_a_private_key_signs_in_each_form(server, clock, algorithm, form):
    """A key is PEM or a JWK; RSA has several algorithms, so one is named."""
    key = KEYS[{"PS256": "RS256"}.get(algorithm, algorithm)]
    pem = key.as_pem(private=True)
    given = {"pem": pem, "pem as text": pem.decode(), "jwk": key.as_dict(private=True) | {"kid": "k1"}}[form]

    CALLERS[0].call("GET", server.origin, auth=signed(clock, given, algorithm=algorithm))

    token = server.asked[0].token
    assert "reports" == claims_of(token, key.as_pem(private=False), algorithm)["sub"]
    assert ("k1" if form == "jwk" else None) == jwt.get_unverified_header(token).get("kid")


def test_a_token_is_signed_again_ahead_of_its_end(server, clock, caller):
    """For 240 of 300 seconds it is the same one."""
    auth = signed(clock)

    tokens = []
    for seconds in (0, 239, 2, 200):
        clock.advance(seconds=seconds)
        caller.call("GET", server.origin, auth=auth)
        tokens.append(server.asked[-1].token)

    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]


def test_a_single_use_token_is_signed_for_every_request(server, clock, caller):
    auth = signed(clock, single_use=True)
    refused = iter([401, 200, 200])
    server.resource = lambda _: CannedResponse(next(refused))

    statuses = [caller.call("GET", server.origin, auth=auth)[0] for _ in range(2)]

    tokens = [asked.token for asked in server.asked]
    assert [200, 200] == statuses
    assert 3 == len({claims_of(token)["jti"] for token in tokens})


@pytest.mark.parametrize(
    ("secret", "more", "named"),
    [
        ("short", {}, "secret_or_key: a secret of the wrong size"),
        (SECRET, {"algorithm": "HS512"}, "secret_or_key: a secret of the wrong size"),
        ("a" * 40, {}, "secret_or_key: "),
        ("", {}, "secret_or_key: it is empty"),
        ("env:REPORTS_SECRET", {}, 'got "env:…"'),
        ("sha256:" + "0" * 64, {}, 'got "env:…"'),
        (SECRET, {"algorithm": "ES256"}, "no allowed algorithm fits"),
        (SECRET, {"lifetime_seconds": 3601}, "lifetime_seconds: got 3601, wanted 1 to 3600"),
        (SECRET, {"lifetime_seconds": 0}, "lifetime_seconds: got 0"),
        (SECRET, {"scopes": "read"}, "scopes: got the text 'read'"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", {}, "no private key in PEM"),
        (KEYS["ES256"].as_pem(private=False), {}, "no private key in PEM"),
        (KEYS["ES256"].as_dict(private=False), {}, "a public key, which cannot sign"),
        (KEYS["ES256"].as_dict(private=True) | {"alg": "ES256"}, {"algorithm": "ES384"}, "another"),
        (KEYS["RS256"].as_pem(private=True), {}, "several algorithms fit"),
    ],
)
def test_what_cannot_sign_is_refused_when_it_is_made(clock, secret, more, named):
    """A wrong key would be seen only by the other side otherwise; the message does not repeat it."""
    with pytest.raises(ConfigurationError) as caught:
        signed(clock, secret, **more)

    assert named in str(caught.value)
    assert SECRET not in str(caught.value)


def test_nothing_secret_is_shown(clock):
    """Neither ``repr`` nor the arguments that it keeps show the secret or a token."""
    auth = signed(clock)
    token = auth._tokens().get()

    shown = repr(auth) + repr(token) + repr(vars(auth))

    assert "SelfSigned('reports', audience='https://billing.example')" == repr(auth)
    assert SECRET not in shown
    assert token.value not in shown
    assert json.dumps(SECRET) not in shown
