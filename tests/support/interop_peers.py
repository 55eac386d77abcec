"""Three other JOSE libraries behind four verbs (sign, seal, verify, open), and the keys shared with them."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
from jwcrypto.jwa import JWA
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jws import JWS

from safeconduct._tokens.algorithms import ALGORITHMS, SIGNATURES, canonical
from safeconduct._tokens.key import new_material

NODE = Path(__file__).parents[1] / "interop" / "node"

Jwk = dict[str, Any]

#: Names as written in a token: Ed25519 has two (RFC 8037 §3.1, RFC 9864 §2.2).
WRITTEN = sorted({*SIGNATURES, "EdDSA"})
SEALING = ["A256KW", "ECDH-ES+A256KW", "dir"]


class Expected(NamedTuple):
    """The expected algorithm, issuer, audience and time of a token."""

    algorithm: str
    issuer: str
    audience: str
    now: int


class PyJWT:
    """PyJWT, which supports signatures only."""

    name = "PyJWT"
    signs = tuple(name for name in WRITTEN if name in jwt.algorithms.get_default_algorithms())
    seals = ()

    def sign(self, key: Jwk, header: Jwk, claims: Jwk) -> str:
        """Return a signed token."""
        return jwt.encode(claims, jwt.PyJWK(key, header["alg"]).key, header["alg"], headers=header)

    def verify(self, jwks: Jwk, token: str, expected: Expected) -> Jwk:
        """Check the signature, the issuer and the audience, but not the time, which PyJWT reads from the machine."""
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(key for key in jwks["keys"] if key["kid"] == kid)
        return jwt.decode(
            token,
            jwt.PyJWK(key, expected.algorithm).key,
            [expected.algorithm],
            {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
            issuer=expected.issuer,
            audience=expected.audience,
        )


class Jwcrypto:
    """jwcrypto's JWS and JWE, because its JWT uses the machine's clock."""

    name = "jwcrypto"
    signs = tuple(name for name in WRITTEN if name in JWA.algorithms_registry)
    seals = tuple(SEALING)

    def sign(self, key: Jwk, header: Jwk, claims: Jwk) -> str:
        """Return a signed token."""
        token = JWS(json.dumps(claims))
        token.allowed_algs = [header["alg"]]
        token.add_signature(JWK(**key), header["alg"], json.dumps(header))
        return token.serialize(compact=True)

    def seal(self, key: Jwk, header: Jwk, token: str) -> str:
        """Return *token* in an envelope."""
        envelope = JWE(token, json.dumps(header))
        envelope.add_recipient(JWK(**key))
        return envelope.serialize(compact=True)

    def verify(self, jwks: Jwk, token: str, expected: Expected) -> Jwk:
        """Check the signature by the key of that kid; the test compares the claims."""
        signed = JWS()
        signed.allowed_algs = [expected.algorithm]
        signed.deserialize(token)
        kid = signed.jose_header["kid"]
        [key] = JWKSet.from_json(json.dumps(jwks)).get_keys(kid)
        signed.verify(key)
        return json.loads(signed.payload)

    def open(self, key: Jwk, token: str) -> tuple[Jwk, str]:
        """Return the header and the content of an envelope."""
        envelope = JWE(algs=[key["alg"], "A256GCM"])
        envelope.deserialize(token, JWK(**key))
        return envelope.jose_header, envelope.payload.decode()


class Jose:
    """The npm package ``jose`` in one process of node."""

    name = "jose"
    signs = tuple(WRITTEN)
    seals = tuple(SEALING)

    def sign(self, key: Jwk, header: Jwk, claims: Jwk) -> str:
        """Return a signed token."""
        return _ask_node(verb="sign", key=key, header=header, claims=claims)

    def seal(self, key: Jwk, header: Jwk, token: str) -> str:
        """Return *token* in an envelope."""
        return _ask_node(verb="seal", key=key, header=header, token=token)

    def verify(self, jwks: Jwk, token: str, expected: Expected) -> Jwk:
        """Check the signature, the type, the issuer, the audience and the time."""
        return _ask_node(verb="verify", jwks=jwks, token=token, **expected._asdict())

    def open(self, key: Jwk, token: str) -> tuple[Jwk, str]:
        """Return the header and the content of an envelope."""
        opened = _ask_node(verb="open", key=key, token=token)
        return opened["header"], opened["token"]


PEERS = (PyJWT(), Jwcrypto(), Jose())


def node_package(name: str) -> Path:
    """Return the folder of an installed npm package, or skip the test."""
    if shutil.which("node") is None:
        pytest.skip("node is absent")
    folder = NODE / "node_modules" / name
    if not folder.is_dir():
        pytest.skip(f"npm {name} is absent: npm ci --prefix tests/interop/node")
    return folder


def stop_node() -> None:
    """End the node process, if there is one."""
    if _node.cache_info().currsize:
        _node().__exit__(None, None, None)
        _node.cache_clear()


@cache
def _node() -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(["node", str(NODE / "peer.mjs")], stdin=pipe, stdout=pipe, text=True)  # noqa: S607 - any node will do


def _ask_node(**question: Any) -> Any:
    node_package("jose")
    node = _node()
    node.stdin.write(json.dumps(question) + "\n")
    node.stdin.flush()
    answer = json.loads(node.stdout.readline())
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["value"]


NOW = 1_800_000_000
AUDIENCE = "https://api.example"
THEIR_ISSUER = "https://idp.example"
#: Shared secrets need their own trust: beside public keys they would be skipped.
PARTNER = "https://partner.example"
OUR_ISSUER = "https://me.example"

_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi"))


@cache
def _material(algorithm: str, which: str) -> dict[str, Any]:
    # *which* only distinguishes keys here.
    del which
    return new_material(algorithm)


def key_for_peers(algorithm: str, which: str = "right") -> dict[str, Any]:
    """Return a private JWK, the same for the same arguments, whose kid is the algorithm's name."""
    name = canonical(algorithm)
    # One RSA key serves six algorithms, because generating one is slow.
    material = _material("RS256" if name[:2] in {"RS", "PS"} else name, which)
    return {**material, "kid": algorithm, "alg": algorithm, "use": ALGORITHMS[name].use}


def public_half(jwk: dict[str, Any]) -> dict[str, Any]:
    """Return the public half of *jwk*, or the whole of a shared secret."""
    return jwk if jwk["kty"] == "oct" else {name: jwk[name] for name in jwk if name not in _PRIVATE}


def their_issuer(algorithm: str) -> str:
    """Return the issuer that signs with *algorithm*."""
    return PARTNER if algorithm.startswith("HS") else THEIR_ISSUER
