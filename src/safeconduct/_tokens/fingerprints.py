"""
Marks by which a weak public key is known at sight.

ROCA (CVE-2017-15361): the library made its primes as ``k·M + (65537^a mod M)``, M a product of the first primes, so
that the modulus is a power of 65537 modulo every one of them.  A sound modulus is so by chance once in 2^27 or less.
(Nemec, Sýs, Švenda, Klinec, Matyáš: "The Return of Coppersmith's Attack", CCS 2017, §2.3.)
"""

from typing import Final

_GENERATOR: Final = 65537
_FIRST_PRIMES: Final = tuple(n for n in range(3, 168) if all(n % d for d in range(2, n)))
_POWERS: Final = {
    prime: frozenset(pow(_GENERATOR, exponent, prime) for exponent in range(prime)) for prime in _FIRST_PRIMES
}

_FIELD: Final = 2**255 - 19
_OF_ORDER_EIGHT: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
# The y of every point of order 1, 2, 4 and 8 on edwards25519, and the two second spellings below 2^255.
_SMALL_ORDER: Final = frozenset((0, 1, _FIELD - 1, _OF_ORDER_EIGHT, _FIELD - _OF_ORDER_EIGHT, _FIELD, _FIELD + 1))


def is_roca(modulus: int) -> bool:
    """Tell whether an RSA *modulus* bears the mark of the flawed generator."""
    return all(modulus % prime in powers for prime, powers in _POWERS.items())


def is_small_order(point: bytes) -> bool:
    """Tell whether an Ed25519 public key verifies signatures that nobody made (RFC 8032 §8.9)."""
    return int.from_bytes(point, "little") & ((1 << 255) - 1) in _SMALL_ORDER
