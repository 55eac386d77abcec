"""
Measure the verification of a new token, with every check, against the raw cryptography.

    python benchmarks/bench_verify.py [--quick] [--algs HS256,RS256,ES256,EdDSA]

In each round every contender runs once, in a random order.  The ratio to the raw cryptography is taken within the
round, and the figure is the median over the rounds, so that load on the machine slows both sides of a ratio.  Only
processor time of the thread is counted.
"""

import argparse
import gc
import hmac
import json
import os
import random
import statistics
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import jwt as pyjwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwt as joserfc_jwt
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from safeconduct._tokens.algorithms import MODELS, canonical
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._tokens.key import Key, new_material, read_key
from safeconduct._tokens.key_table import KeyTable
from safeconduct._tokens.verifier import TokenVerifier

ISSUER, AUDIENCE = "https://issuer.example.com", "https://api.example.com"


def segment(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def sign_token(key: Key, subject: str = "user-00000001") -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "client_id": "app", "iat": now - 60, "nbf": now - 60,
        "exp": now + 3600, "jti": "hT5cGIhlQy3nJbSbL3yY2g", "scope": "read write admin",
    }  # fmt: skip
    header = {"alg": key.written, "kid": key.kid, "typ": "at+jwt"}
    signed = segment(json.dumps(header).encode()) + b"." + segment(json.dumps(claims, separators=(",", ":")).encode())
    return (signed + b"." + segment(key.sign(signed))).decode()


def raw(key: Key, token: str):
    message, _, last = token.encode().rpartition(b".")
    signature = urlsafe_b64decode(last + b"=" * (-len(last) % 4))
    public = key.jose.public_key
    if key.algorithm == "HS256":
        # The least that HMAC can cost: both pads are hashed once only.
        block = public.ljust(64, b"\0")
        inner, outer = (sha256(bytes(each ^ pad for each in block)).copy for pad in (0x36, 0x5C))

        def check():
            first, second = inner(), outer()
            first.update(message)
            second.update(first.digest())
            return hmac.compare_digest(second.digest(), signature)

        return check
    if key.algorithm == "RS256":
        how, digest = padding.PKCS1v15(), hashes.SHA256()
        return lambda: public.verify(signature, message, how, digest)
    if key.algorithm == "ES256":
        der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        curve = ec.ECDSA(hashes.SHA256())
        return lambda: public.verify(der, message, curve)
    return lambda: public.verify(signature, message)


def with_pyjwt(key: Key, token: str):
    public, algorithms = key.jose.public_key, [key.written]
    options = {"require": ["exp", "iat", "iss", "aud", "sub", "jti"]}
    return lambda: pyjwt.decode(token, public, algorithms=algorithms, audience=AUDIENCE, issuer=ISSUER, options=options)


def with_joserfc(key: Key, token: str):
    class Registry(JWSRegistry):
        algorithms = {**JWSRegistry.algorithms, "EdDSA": MODELS["Ed25519"]}  # noqa: RUF012 - joserfc's own way

    registry = Registry(algorithms=[key.written])
    wanted = {"essential": True}
    claims = JWTClaimsRegistry(
        iss={**wanted, "value": ISSUER}, aud={**wanted, "value": AUDIENCE}, exp=wanted, iat=wanted, nbf=wanted,
        sub=wanted, jti=wanted,
    )  # fmt: skip

    def check():
        decoded = joserfc_jwt.decode(token, key.jose, registry=registry)
        claims.validate(decoded.claims)
        return decoded

    return check


class OneKey:
    """A source of keys that never changes."""

    def __init__(self, key: Key) -> None:
        self._table = KeyTable([key])

    def table(self) -> KeyTable:
        return self._table

    def look_again(self) -> None:
        """Do nothing."""


def with_safeconduct(key: Key, token: str):
    policy = IssuerPolicy(issuer=ISSUER, audience=AUDIENCE, keys=OneKey(key), roles={})
    verify, clock = TokenVerifier([policy]).verify, time.time
    return lambda: verify(token, now=clock())


def repeats(run, seconds: float) -> int:
    count = 1
    while True:
        started = time.thread_time()
        for _ in range(count):
            run()
        took = time.thread_time() - started
        if took > seconds / 4:
            return max(1, int(count * seconds / took))
        count *= 4


def measure(contenders: dict, rounds: int, seconds: float) -> dict[str, tuple[float, float]]:
    counts = {name: repeats(run, seconds) for name, run in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    gc.disable()
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            run, count = contenders[name], counts[name]
            started = time.thread_time()
            for _ in range(count):
                run()
            times[name].append((time.thread_time() - started) / count * 1e6)
        gc.collect()
    gc.enable()
    floor = times["raw cryptography"]
    return {
        name: (statistics.median(own), statistics.median(mine / base for mine, base in zip(own, floor, strict=True)))
        for name, own in times.items()
    }


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true", help="a tenth of the time")
    arguments.add_argument("--algs", default="HS256,RS256,ES256,EdDSA")
    options = arguments.parse_args()
    rounds, seconds = (8, 0.004) if options.quick else (40, 0.01)
    print(f"{'':24}{'us':>9}{'ratio':>8}")
    for name in options.algs.split(","):
        jwk = {**new_material(canonical(name)), "kid": "k1", "alg": name}
        key = read_key(jwk, algorithms=[canonical(name)], is_published=False)
        token = sign_token(key)
        makers = {
            "raw cryptography": raw, "safeconduct": with_safeconduct, "PyJWT": with_pyjwt, "joserfc": with_joserfc,
        }  # fmt: skip
        contenders = {label: make(key, token) for label, make in makers.items()}
        # Both have one length; they differ in whether there are 21 digits in a row, as in a subject of Google.
        for label, subject in (
            ("with 18 digits", "110169484474386276-33"),
            ("with 21 digits", "110169484474386276334"),
        ):
            contenders[label] = with_safeconduct(key, sign_token(key, subject))
        print(f"{name}, {len(token)} bytes")
        for label, (micros, ratio) in measure(contenders, rounds, seconds).items():
            print(f"  {label:22}{micros:9.2f}{ratio:8.2f}")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
