"""Tokens that other libraries sign for a client are taken as they are."""

import base64
import hashlib
import hmac
import json

import pytest

from interop_peers import AUDIENCE, NOW, PEERS, key_for_peers
from safeconduct import Auth, Client, Config

SECRET = "8Vn0pQx2sLr7tYw4zKc9mBd6hGf3jRaE1uTi5oXe9LwD7kZs5gNy1bVc3mQh0pAf"
HEADERS = [{}, {"typ": "JWT"}, {"typ": "at+jwt"}, {"typ": "JWT", "kid": "any"}]


def claims(**more):
    """Return the fewest claims that a client must write."""
    return {"iss": "reports", "sub": "reports", "aud": AUDIENCE, "iat": int(NOW), "exp": int(NOW) + 300, **more}


def taken(token, **credential):
    """Return the principal of a token of a client with *credential*."""
    config = Config(store="memory://", audience=AUDIENCE, clients=[Client(client_id="reports", **credential)])
    with Auth(config, clock=lambda: NOW) as auth:
        return auth.verify(token)


@pytest.fixture(params=[peer for peer in PEERS if "HS256" in peer.signs], ids=lambda peer: peer.name)
def peer(request):
    return request.param


@pytest.mark.parametrize("header", HEADERS, ids=str)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_token_signed_with_a_secret_is_taken(peer, algorithm, header):
    """With or without a type, a kid and a jti."""
    key = {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode(), "alg": algorithm}
    token = peer.sign(key, {"alg": algorithm, **header}, claims())
    assert taken(token, secret=SECRET, algorithm=algorithm).subject == "client:reports"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_token_signed_with_a_key_is_taken(peer, algorithm):
    """The public key is all that we have."""
    key = key_for_peers(algorithm)
    public = {name: value for name, value in key.items() if name not in {"d", "p", "q", "dp", "dq", "qi"}}
    token = peer.sign(key, {"alg": algorithm, "kid": key["kid"]}, claims(jti="a", scope="read"))
    principal = taken(token, keys={"keys": [public]}, scopes=["read"])
    assert (principal.client_id, principal.token_id, principal.scopes) == ("reports", "a", {"read"})


def test_the_least_that_a_library_in_go_writes_is_taken():
    """The header has ``alg`` alone."""

    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    signed = part(b'{"alg":"HS256"}') + b"." + part(json.dumps(claims(), separators=(",", ":")).encode())
    token = signed + b"." + part(hmac.digest(SECRET.encode(), signed, hashlib.sha256))
    assert taken(token.decode(), secret=SECRET).client_id == "reports"
