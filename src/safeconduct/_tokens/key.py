"""
Read one JSON Web Key, check it, and bind it to exactly one algorithm; joserfc's keys are made only here.

A key is refused even if joserfc could load it when it is too short, guessable, not on its curve, made by a generator
with a known flaw, or meant for another use (RFC 8725 §3.1, §3.5).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from safeconduct._tokens.algorithms import ALGORITHMS, MODELS, Algorithm, Use, canonical
from safeconduct._tokens.reader import decode_segment
from safeconduct._tokens.weak_keys import is_roca, is_small_order, why_guessable
from safeconduct.errors import MalformedToken

JoseKey = ECKey | OctKey | OKPKey | RSAKey

MAX_KID_BYTES: Final = 256
_RSA_BITS: Final = range(2048, 8193)
# A longer exponent is legal, makes every verification slower, and adds no security.
_MAX_EXPONENT_BITS: Final = 64
_LEAST_EXPONENT: Final = 3
_DERIVATION_BYTES: Final = 32
# 128 bits of security, as the other algorithms have (NIST SP 800-57 part 1, table 2).
_NEW_RSA_BITS: Final = 3072
_COORDINATE_SIZES: Final = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}
_PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ()}
_PRIVATE_MEMBERS: Final = {"RSA": ("d", "p", "q", "dp", "dq", "qi"), "EC": ("d",), "OKP": ("d",), "oct": ("k",)}
_ANY_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))


class UnusableKey(Exception):
    """A key that is left out of its set; *reason* contains no part of the key."""

    def __init__(self, reason: str) -> None:
        """Keep *reason*, a constant text for the log."""
        super().__init__(reason)
        self.reason = reason


class ReadyKey:
    """
    A key in the form that a joserfc model asks for, without joserfc's checks at every signature.

    joserfc looks up ``key_ops`` and its own registry at every signature; here both were checked when the key was
    loaded.  The signature itself is still made and checked by joserfc's model.
    """

    __slots__ = ("_native", "curve_key_size")

    def __init__(self, native: Any, curve_key_size: int) -> None:
        """Keep the *native* key."""
        self._native = native
        self.curve_key_size = curve_key_size

    def get_op_key(self, _: str) -> Any:
        """Return the native key for any operation."""
        return self._native


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A usable key; it equals only itself, so that no comparison looks at secret bytes."""

    kid: str | None
    algorithm: str
    #: The name of the algorithm in headers: ``EdDSA`` unless the key says ``Ed25519``.
    written: str
    jose: JoseKey = field(repr=False)
    #: Whether it can sign or decrypt.
    is_private: bool
    #: The public part, as a JWK; None for a secret.
    public_jwk: Mapping[str, Any] | None = field(repr=False)

    @property
    def use(self) -> Use:
        """Return whether the key signs or encrypts."""
        return ALGORITHMS[self.algorithm].use

    @property
    def is_secret(self) -> bool:
        """Return whether the key is a shared secret."""
        return self.public_jwk is None

    def for_verifying(self) -> ReadyKey:
        """Return the public key, or the secret, for the ``verify`` of a model."""
        return ReadyKey(self.jose.public_key, self._curve_key_size)

    def sign(self, message: bytes) -> bytes:
        """Sign *message* (RFC 7515 §5.1)."""
        return MODELS[self.algorithm].sign(message, ReadyKey(self.jose.private_key, self._curve_key_size))

    @property
    def _curve_key_size(self) -> int:
        return self.jose.curve_key_size if isinstance(self.jose, ECKey) else 0


def read_key(jwk: object, *, algorithms: Collection[str], is_published: bool) -> Key:
    """
    Make a usable key of a JWK (RFC 7517 §4).

    Args:
        jwk: One member of a JWK Set.
        algorithms: The canonical names that the issuer may use; a key without ``alg`` gets the one that fits.
        is_published: Whether anyone can read the set, so that a private or symmetric key in it is compromised.

    Raises:
        UnusableKey: If the key must not be used.
    """
    if not isinstance(jwk, Mapping):
        raise UnusableKey("not an object")
    members = cast("Mapping[str, Any]", jwk)
    key_type = members.get("kty")
    if not isinstance(key_type, str) or key_type not in _PUBLIC_MEMBERS:
        raise UnusableKey("kty is not one of RSA, EC, OKP, oct")
    if is_published and not _ANY_PRIVATE.isdisjoint(members):
        raise UnusableKey("a private or symmetric key in a published set")
    kid = _read_kid(members)
    algorithm = _bind(members, key_type, algorithms)
    is_private = not _ANY_PRIVATE.isdisjoint(members)
    can_sign = _check_purpose(members, algorithm, is_private=is_private)
    jose = _load(members, key_type, algorithm)
    written = members.get("alg", "EdDSA" if algorithm.name == "Ed25519" else algorithm.name)
    public = None if key_type == "oct" else _public_jwk(members, key_type, kid, written, algorithm)
    key = Key(kid, algorithm.name, written, jose, is_private and can_sign, public)
    _check_pair(key, members)
    return key


def _read_kid(members: Mapping[str, Any]) -> str | None:
    if "kid" not in members:
        return None
    kid = members["kid"]
    if not isinstance(kid, str) or not kid:
        raise UnusableKey("kid is not a string")
    if len(kid.encode("utf-8", "surrogatepass")) > MAX_KID_BYTES:
        raise UnusableKey("kid is too long")
    return kid


def _bind(members: Mapping[str, Any], key_type: str, algorithms: Collection[str]) -> Algorithm:
    """Choose the one algorithm of the key; the header of a token never chooses it (RFC 8725 §3.1)."""
    fitting = [
        each
        for each in ALGORITHMS.values()
        if each.name in algorithms
        and each.key_type == key_type
        and (not each.curves or members.get("crv") in each.curves)
        and members.get("use", each.use) == each.use
    ]
    if "alg" in members:
        name = members["alg"]
        fitting = [each for each in fitting if isinstance(name, str) and each.name == canonical(name)]
    if len(fitting) != 1:
        raise UnusableKey("several algorithms fit and alg is missing" if fitting else "no allowed algorithm fits")
    return fitting[0]


def _check_purpose(members: Mapping[str, Any], algorithm: Algorithm, *, is_private: bool) -> bool:
    """Refuse a key whose ``key_ops`` forbid its algorithm; return whether its private half may be used."""
    if "key_ops" not in members:
        return True
    operations = members["key_ops"]
    if not isinstance(operations, list) or not operations:
        raise UnusableKey("key_ops is not a list of operations")
    verifying, signing = algorithm.operations
    named = [str(each) for each in cast("list[object]", operations)]
    if len(set(named)) != len(named) or not set(named) <= {verifying, signing}:
        raise UnusableKey("key_ops does not fit the algorithm")
    # The public half of a private key may verify, even if ``key_ops`` of the private key say only "sign".
    if verifying not in named and (algorithm.key_type == "oct" or not is_private) and algorithm.name[:4] != "ECDH":
        raise UnusableKey("key_ops forbids verifying")
    return signing in named or algorithm.use == "enc"


def _load(members: Mapping[str, Any], key_type: str, algorithm: Algorithm) -> JoseKey:
    wanted = ("kty", *_PUBLIC_MEMBERS[key_type], *_PRIVATE_MEMBERS[key_type])
    plain = {name: members[name] for name in wanted if name in members}
    if not all(isinstance(value, str) for value in plain.values()):
        raise UnusableKey("a member is missing or not a string")
    try:
        match key_type:
            case "RSA":
                return _load_rsa(plain)
            case "EC":
                _check_sizes(plain, ("x", "y", "d"))
                return ECKey.import_key(plain)
            case "OKP":
                _check_sizes(plain, ("x", "d"))
                if is_small_order(decode_segment(plain["x"].encode())):
                    raise UnusableKey("a point of small order")
                return OKPKey.import_key(plain)
            case _:
                return _load_secret(plain, algorithm)
    except (MalformedToken, UnicodeEncodeError):
        raise UnusableKey("a member is not base64url") from None
    except (JoseError, ValueError, KeyError):
        # cryptography raises ValueError for a key that is not valid; a KeyError means that a member is missing.
        raise UnusableKey("the numbers of the key are wrong") from None


def _load_rsa(plain: dict[str, Any]) -> RSAKey:
    modulus = int.from_bytes(decode_segment(plain["n"].encode()))
    exponent = int.from_bytes(decode_segment(plain["e"].encode()))
    if modulus.bit_length() not in _RSA_BITS:
        raise UnusableKey("an RSA modulus of fewer than 2048 or more than 8192 bits")
    if not modulus & 1 or not exponent & 1 or exponent < _LEAST_EXPONENT or exponent.bit_length() > _MAX_EXPONENT_BITS:
        raise UnusableKey("an RSA modulus or exponent that is even or out of range")
    if is_roca(modulus):
        raise UnusableKey("an RSA modulus with the ROCA weakness")
    return RSAKey.import_key(plain)


def _load_secret(plain: dict[str, Any], algorithm: Algorithm) -> OctKey:
    secret = decode_segment(plain["k"].encode())
    size = algorithm.secret_size
    if len(secret) < size or (algorithm.is_exact and len(secret) != size):
        raise UnusableKey("a secret of the wrong size")
    reason = why_guessable(secret)
    if reason is not None:
        raise UnusableKey(reason)
    return OctKey.import_key(plain)


def _check_sizes(plain: dict[str, Any], names: Collection[str]) -> None:
    """Require that coordinates have the full size of the curve, leading zeros included (RFC 7518 §6.2.1.2)."""
    size = _COORDINATE_SIZES[plain["crv"]]
    if any(len(decode_segment(plain[name].encode())) != size for name in names if name in plain):
        raise UnusableKey("a coordinate that does not have the size of the curve")


def _public_jwk(
    members: Mapping[str, Any], key_type: str, kid: str | None, written: str, algorithm: Algorithm
) -> Mapping[str, Any]:
    public = {"kty": key_type, **{name: members[name] for name in _PUBLIC_MEMBERS[key_type]}}
    named = {} if kid is None else {"kid": kid}
    return MappingProxyType({**public, **named, "alg": written, "use": algorithm.use})


def _check_pair(key: Key, members: Mapping[str, Any]) -> None:
    """Refuse a private half that belongs to another public half, because nobody could verify its signatures."""
    if not _ANY_PRIVATE.isdisjoint(members) and not isinstance(key.jose, OctKey):
        derived = cast("Any", type(key.jose)).import_key(key.jose.private_key).as_dict(private=False)
        if any(derived[name] != members[name] for name in ("x", "y", "n") if name in members):
            raise UnusableKey("the private half does not belong to the public half")


def read_secret(jwk: Mapping[str, Any]) -> bytes:
    """
    Return the bytes of a secret from which other keys are derived, and which is used for nothing else.

    Raises:
        UnusableKey: If it is not a secret of 32 bytes or more, or the JWK says that it signs or encrypts.
    """
    encoded = jwk.get("k")
    if jwk.get("kty") != "oct" or not isinstance(encoded, str) or not jwk.keys().isdisjoint(("alg", "use", "key_ops")):
        raise UnusableKey("not a plain secret")
    try:
        secret = decode_segment(encoded.encode())
    except (MalformedToken, UnicodeEncodeError):
        raise UnusableKey("a member is not base64url") from None
    if len(secret) < _DERIVATION_BYTES:
        raise UnusableKey("a secret of the wrong size")
    reason = why_guessable(secret)
    if reason is not None:
        raise UnusableKey(reason)
    return secret


def new_material(algorithm: str) -> dict[str, str]:
    """Return the JWK members of a new random private key for *algorithm*."""
    wanted = ALGORITHMS[algorithm]
    match wanted.key_type:
        case "RSA":
            key: JoseKey = RSAKey.generate_key(_NEW_RSA_BITS)
        case "EC":
            key = ECKey.generate_key(wanted.curves[0])
        case "OKP":
            key = OKPKey.generate_key("Ed25519")
        case _:
            key = OctKey.generate_key(wanted.secret_size * 8)
    return {name: str(value) for name, value in key.as_dict(private=True).items()}
