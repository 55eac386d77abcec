"""Who trusts whom in the tests with other libraries, and the keys of it, which guard nothing."""

from functools import cache
from typing import Any

from safeconduct._tokens.algorithms import ALGORITHMS, canonical
from safeconduct._tokens.key import new_material

NOW = 1_800_000_000
AUDIENCE = "https://api.example"
THEIR_ISSUER = "https://idp.example"
#: Shared secrets are of a trust of their own: beside public keys they would be left out.
PARTNER = "https://partner.example"
OUR_ISSUER = "https://me.example"

_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi"))


@cache
def _material(algorithm: str, which: str) -> dict[str, Any]:
    # *which* only tells one from another here.
    del which
    return new_material(algorithm)


def key_for_peers(algorithm: str, which: str = "right") -> dict[str, Any]:
    """Return a private JWK, the same for the same arguments, whose kid is the algorithm's name."""
    name = canonical(algorithm)
    # One RSA key for six algorithms: making one takes longer than all else here.
    material = _material("RS256" if name[:2] in {"RS", "PS"} else name, which)
    return {**material, "kid": algorithm, "alg": algorithm, "use": ALGORITHMS[name].use}


def public_half(jwk: dict[str, Any]) -> dict[str, Any]:
    """Return what of *jwk* others have: all of a shared secret."""
    return jwk if jwk["kty"] == "oct" else {name: jwk[name] for name in jwk if name not in _PRIVATE}


def their_issuer(algorithm: str) -> str:
    """Return who signs with *algorithm*."""
    return PARTNER if algorithm.startswith("HS") else THEIR_ISSUER
