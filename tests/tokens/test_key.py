"""Refuse unsuitable keys when they are loaded, and bind each other key to one algorithm."""

import pytest

from safeconduct._tokens.algorithms import ALGORITHMS, SIGNATURES
from safeconduct._tokens.key import UnusableKey, read_key, read_secret
from safeconduct._tokens.reader import decode_segment
from safeconduct._tokens.weak_keys import _FIELD, _OF_ORDER_EIGHT, is_roca, is_small_order
from token_factory import jwk_for, public_jwk_for, segment

EC, RSA, OKP, OCT = (jwk_for(name) for name in ("ES256", "RS256", "EdDSA", "HS256"))


def number(value):
    """Return *value* in base64url, as in a JWK."""
    return segment(value.to_bytes((value.bit_length() + 7) // 8)).decode()


def read(jwk, algorithms=tuple(ALGORITHMS), *, is_published=False):
    """Read a JWK."""
    return read_key(jwk, algorithms=algorithms, is_published=is_published)


@pytest.mark.parametrize("name", [*ALGORITHMS, "EdDSA"])
def test_a_good_key_is_bound_to_its_algorithm(name):
    """The algorithm is that of alg, and there is no other use."""
    key = read(jwk_for(name))

    assert ("Ed25519" if name == "EdDSA" else name) == key.algorithm
    assert (name, "k1", True) == (key.written, key.kid, key.is_private)
    assert (key.public_jwk is None) is key.is_secret is (jwk_for(name)["kty"] == "oct")
    assert ("sig" if key.algorithm in SIGNATURES else "enc") == key.use


@pytest.mark.parametrize("name", ["ES256", "RS256", "EdDSA", "ECDH-ES+A256KW"])
def test_a_public_key_holds_nothing_private(name):
    """The published half is public."""
    private = {"d", "p", "q", "dp", "dq", "qi", "k"}

    assert not read(public_jwk_for(name)).is_private
    assert private.isdisjoint(read(jwk_for(name)).public_jwk)
    assert jwk_for(name).get("d", "?") not in repr(read(jwk_for(name)))


REFUSED = {
    "not an object": ["x"],
    "no kty": {},
    "kty of another kind": {"kty": "AKP"},
    "kty of a wrong type": {**EC, "kty": ["EC"]},
    "kid of a wrong type": {**EC, "kid": 1},
    "kid null": {**EC, "kid": None},
    "kid empty": {**EC, "kid": ""},
    "kid of 257 bytes": {**EC, "kid": "\u00e4" * 128 + "x"},
    "use of the other kind": {**EC, "use": "enc"},
    "use of a wrong type": {**EC, "use": 1},
    "use unknown": {**EC, "use": "tls"},
    "alg of another type": {**EC, "alg": 1},
    "alg of another curve": {**EC, "alg": "ES512"},
    "alg of another key type": {**EC, "alg": "RS256"},
    "alg unknown": {**EC, "alg": "ES256K"},
    "alg none": {**OCT, "alg": "none"},
    "key_ops of a wrong type": {**EC, "key_ops": "verify"},
    "key_ops empty": {**EC, "key_ops": []},
    "key_ops doubled": {**EC, "key_ops": ["verify", "verify"]},
    "key_ops of another use": {**EC, "key_ops": ["encrypt"]},
    "key_ops mixed": {**EC, "key_ops": ["verify", "encrypt"]},
    "key_ops of a public key that signs": {**public_jwk_for("ES256"), "key_ops": ["sign"]},
    "key_ops of a secret that only signs": {**OCT, "key_ops": ["sign"]},
    "curve unknown": {**EC, "crv": "secp256k1"},
    "curve of a wrong type": {**EC, "crv": 1},
    "x missing": {name: value for name, value in EC.items() if name != "x"},
    "x of a wrong type": {**EC, "x": 1},
    "x short": {**EC, "x": segment(bytes(31)).decode()},
    # The same number as another text, and so with another thumbprint (RFC 7518 §6.2.1.2).
    "h: x with a zero in front": {**EC, "x": segment(b"\0" + decode_segment(EC["x"].encode())).decode()},
    "h: y with a zero in front": {**EC, "y": segment(b"\0" + decode_segment(EC["y"].encode())).decode()},
    "h: d with a zero in front": {**EC, "d": segment(b"\0" + decode_segment(EC["d"].encode())).decode()},
    "x padded": {**EC, "x": EC["x"] + "="},
    "x not ASCII": {**EC, "x": "\u00e4"},
    "off the curve": {**public_jwk_for("ES256"), "y": EC["x"]},
    "another private half": {**EC, "d": jwk_for("ES256", "other")["d"]},
    "another private half of OKP": {**OKP, "d": jwk_for("EdDSA", "other")["d"]},
    "another private half of RSA": {**RSA, "n": jwk_for("RS256", "other")["n"]},
    "an OKP point of small order": {**public_jwk_for("EdDSA"), "x": segment(b"\1" + b"\0" * 31).decode()},
    "Ed448": {**public_jwk_for("EdDSA"), "crv": "Ed448"},
    "RSA of 2047 bits": {**public_jwk_for("RS256"), "n": number(2**2046 + 1)},
    "RSA of 8193 bits": {**public_jwk_for("RS256"), "n": number(2**8192 + 1)},
    "RSA even": {**public_jwk_for("RS256"), "n": number(2**2048 - 2)},
    "RSA exponent 1": {**public_jwk_for("RS256"), "e": "AQ"},
    "RSA exponent even": {**public_jwk_for("RS256"), "e": number(65536)},
    "RSA exponent long": {**public_jwk_for("RS256"), "e": number(2**64 + 1)},
    "a short secret": {**OCT, "k": segment(bytes(range(31))).decode()},
    "a short secret of HS512": {**jwk_for("HS512"), "k": segment(bytes(range(63))).decode()},
    "an empty secret": {**OCT, "k": ""},
    "a guessable secret": {**OCT, "k": segment(b"password" * 4).decode()},
    "a key of AES that is too long": {**jwk_for("A256KW"), "k": segment(bytes(range(33))).decode()},
}


@pytest.mark.parametrize("jwk", REFUSED.values(), ids=REFUSED)
def test_a_bad_key_is_refused_without_a_warning(jwk):
    """It is refused when it is loaded, without a warning (RFC 8725 §3.1, RFC 7517 §4)."""
    with pytest.raises(UnusableKey):
        read(jwk)


@pytest.mark.parametrize(("name", "expected"), [("ES256", "ES256"), ("EdDSA", "EdDSA")])
def test_h_a_key_without_alg_is_published_with_its_own(name, expected):
    """For Ed25519 it is the name that today's libraries know."""
    jwk = {member: value for member, value in jwk_for(name).items() if member != "alg"}

    key = read(jwk, ["ES256", "Ed25519"])

    assert (expected, expected) == (key.written, key.public_jwk["alg"])


@pytest.mark.parametrize("jwk", [EC, RSA, OKP, OCT], ids=lambda jwk: jwk["kty"])
def test_a_published_key_must_not_be_private(jwk):
    """A private key that anyone can read is worthless."""
    with pytest.raises(UnusableKey, match="published"):
        read(jwk, is_published=True)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(["RS256"], "RS256"), (["PS512", "ES256"], "PS512"), (["RS256", "PS256"], None), (["ES256"], None), ([], None)],
)
def test_without_alg_a_key_gets_the_one_that_fits(allowed, expected):
    """If several fit, the key is dropped (CVE-2026-22817)."""
    jwk = {name: value for name, value in public_jwk_for("RS256").items() if name != "alg"}
    if expected is None:
        with pytest.raises(UnusableKey):
            read(jwk, allowed)
        return

    assert expected == read(jwk, allowed).algorithm


def test_without_use_a_curve_may_fit_two_algorithms():
    """ES256 and ECDH-ES+A256KW are distinguished by use."""
    jwk = {name: value for name, value in public_jwk_for("ES256").items() if name not in ("alg", "use")}

    with pytest.raises(UnusableKey, match="several"):
        read(jwk)
    assert "ECDH-ES+A256KW" == read({**jwk, "use": "enc"}).algorithm
    assert "ES256" == read({**jwk, "use": "sig"}).algorithm


@pytest.mark.parametrize(
    ("name", "operations", "can_act"),
    [
        ("ES256", ["sign"], True), ("ES256", ["verify"], False), ("ES256", ["sign", "verify"], True),
        ("HS256", ["verify"], False), ("HS256", ["verify", "sign"], True), ("A256KW", ["unwrapKey"], True),
        ("ECDH-ES+A256KW", ["deriveBits"], True), ("ECDH-ES+A256KW", ["deriveKey"], True), ("dir", ["decrypt"], True),
    ],
)  # fmt: skip
def test_key_ops_that_fit_are_heeded(name, operations, can_act):
    """A private key for verification only does not sign (RFC 7517 §4.3)."""
    assert can_act == read({**jwk_for(name), "key_ops": operations}).is_private


def test_a_key_without_a_name_is_a_key():
    """A kid is optional (RFC 7517 §4.5)."""
    assert read(jwk_for("ES256", None)).kid is None


def test_roca_is_known_by_its_fingerprint():
    """A product of two primes of the flawed form is a power of 65537 modulo every small prime."""
    product = 1
    for prime in (n for n in range(2, 168) if all(n % d for d in range(2, n))):
        product *= prime
    modulus = pow(65537, 5, product) + product * 2**2000
    factor = modulus * (pow(65537, 9, product) + product * 7)

    assert is_roca(factor)
    assert not is_roca(int.from_bytes(__import__("base64").urlsafe_b64decode(RSA["n"] + "==")))
    with pytest.raises(UnusableKey, match="ROCA"):
        read({**public_jwk_for("RS256"), "n": number(factor)})


def test_the_points_of_small_order_are_what_they_are_called():
    """Eight times each of them is the neutral element of edwards25519 (RFC 8032 §5.1)."""
    prime, d = _FIELD, (-121665 * pow(121666, -1, _FIELD)) % _FIELD

    def add(one, other):
        (a, b), (c, e) = one, other
        product = d * a * c * b * e
        x = (a * e + b * c) * pow(1 + product, -1, prime)
        return x % prime, (b * e + a * c) * pow(1 - product, -1, prime) % prime

    for y in (0, 1, prime - 1, _OF_ORDER_EIGHT, prime - _OF_ORDER_EIGHT):
        square = (y * y - 1) * pow(d * y * y + 1, -1, prime) % prime
        x = pow(square, (prime + 3) // 8, prime)
        if (x * x - square) % prime:
            x = x * pow(2, (prime - 1) // 4, prime) % prime
        assert (x * x - square) % prime == 0
        point = (x, y)
        for _ in range(3):
            point = add(point, point)
        assert (0, 1) == point
        assert is_small_order(y.to_bytes(32, "little"))
        assert is_small_order((y | 1 << 255).to_bytes(32, "little"))
    assert not is_small_order((4 * pow(5, -1, prime) % prime).to_bytes(32, "little"))


def test_a_secret_for_derivation_is_plain_bytes():
    """Secrets have at least 32 bytes and no other use."""
    good = {"kty": "oct", "k": OCT["k"]}

    assert 32 == len(read_secret(good))
    for bad in (
        {**good, "kty": "EC"}, {**good, "k": 1}, {**good, "alg": "HS256"}, {**good, "use": "sig"},
        {**good, "k": "===="}, {**good, "k": "\u00e4"}, {**good, "k": OCT["k"][:40]},
        {**good, "k": segment(b"secret" * 8).decode()},
    ):  # fmt: skip
        with pytest.raises(UnusableKey):
            read_secret(bad)
