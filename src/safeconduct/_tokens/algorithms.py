"""
List the algorithms that may be used, each with the one type of key that fits it.

The list is closed: "none", PBES2, RSA1_5, compression and anything that joserfc adds later stay out until they are
named here (RFC 8725 §3.1, §3.2).  joserfc's registry is only read and never changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from joserfc.jws import JWSRegistry

Use = Literal["sig", "enc"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm and the only kind of key that fits it."""

    name: str
    use: Use
    key_type: str
    #: The curves that fit; empty where the key type has none.
    curves: tuple[str, ...] = ()
    #: The minimum size of a secret in bytes; with *is_exact* its only size.
    secret_size: int = 0
    is_exact: bool = False
    #: The values that ``key_ops`` of a key may hold (RFC 7517 §4.3): verify or decrypt first, then sign or encrypt.
    operations: tuple[str, ...] = ("verify", "sign")


def _table() -> Iterable[Algorithm]:
    for bits in (256, 384, 512):
        # "A key of the same size as the hash output … or larger MUST be used" — RFC 7518 §3.2
        yield Algorithm(f"HS{bits}", "sig", "oct", secret_size=bits // 8)
        yield Algorithm(f"RS{bits}", "sig", "RSA")
        yield Algorithm(f"PS{bits}", "sig", "RSA")
    for bits, curve in ((256, "P-256"), (384, "P-384"), (512, "P-521")):
        yield Algorithm(f"ES{bits}", "sig", "EC", (curve,))
    yield Algorithm("Ed25519", "sig", "OKP", ("Ed25519",))
    yield Algorithm("A256KW", "enc", "oct", (), 32, is_exact=True, operations=("unwrapKey", "wrapKey"))
    yield Algorithm("dir", "enc", "oct", (), 32, is_exact=True, operations=("decrypt", "encrypt"))
    curves = ("P-256", "P-384", "P-521")
    yield Algorithm("ECDH-ES+A256KW", "enc", "EC", curves, operations=("deriveKey", "deriveBits"))


ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType({each.name: each for each in _table()})
"""Every signature and key management algorithm, by name."""

SIGNATURES: Final = frozenset(name for name, each in ALGORITHMS.items() if each.use == "sig")
"""The names of the signature algorithms."""


class Model(Protocol):
    """The part of a joserfc model that is used here: it makes and checks one kind of signature."""

    def sign(self, msg: bytes, key: Any) -> bytes:
        """Return the signature of *msg*."""
        ...

    def verify(self, msg: bytes, sig: bytes, key: Any) -> bool:
        """Return whether *sig* is the signature of *msg*."""
        ...


MODELS: Final[Mapping[str, Model]] = MappingProxyType({name: JWSRegistry.algorithms[name] for name in SIGNATURES})
"""The joserfc model of each signature algorithm."""

CONTENT_ENCRYPTION: Final = "A256GCM"
"""The only content encryption."""


def canonical(name: str) -> str:
    """Return the canonical name of an algorithm: ``EdDSA`` is ``Ed25519`` (RFC 9864 §2.2)."""
    return "Ed25519" if name == "EdDSA" else name
