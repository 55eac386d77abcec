"""
New keys, and the turns of a key's life, as pure functions on a set.

Publish the next key, wait until every verifier has fetched it (a JWKS lifetime), sign with it, retire the old one, and
drop that after the longest token's life: each step is safe alone, and none of them ends a valid token.
"""

import calendar
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from safeconduct._keys.keyset import SECRETS_KID, STATE_MEMBER, Entry, KeySet, State
from safeconduct._tokens.algorithms import ALGORITHMS, canonical
from safeconduct._tokens.issuer_policy import OWN_ALGORITHMS
from safeconduct._tokens.key import new_material
from safeconduct.errors import ConfigurationError

Jwk = dict[str, Any]

_SECOND: Final = "%Y%m%dT%H%M%SZ"
_KID: Final = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]+", re.ASCII)
_SECRET_BYTES: Final = 32


def new_key(
    algorithm: str,
    *,
    now: float,
    randomness: Callable[[int], bytes],
    state: State = "active",
    among: KeySet | None = None,
) -> Jwk:
    """
    Return a new private JWK for *algorithm*.

    Its kid begins with its day and time, so that kids sort by age.  In the second of the youngest key of *among*, or
    where the clock was put back, it takes the second after that key's.

    Args:
        algorithm: A signature, ``A256KW`` or ``ECDH-ES+A256KW``.
        now: The current time, in seconds since the epoch.
        randomness: Returns so many random bytes.
        state: The state in which it begins.
        among: The keys that it is to stand behind.

    Raises:
        ConfigurationError: If no key of ours may have the algorithm.
    """
    name = canonical(algorithm)
    if name not in OWN_ALGORITHMS:
        raise ConfigurationError(f"algorithm must be one of {sorted(OWN_ALGORITHMS)}, got {algorithm!r}")
    made = [made_at(entry.key.kid or "") for entry in among.entries] if among else []
    second = max([int(now), *(each + 1 for each in made if each is not None)])
    kid = f"{time.strftime(_SECOND, time.gmtime(second))}-{randomness(4).hex()}"
    # "EdDSA" is what verifiers of today know; a key that shall be read as RFC 9864 wants it says "Ed25519".
    written = "EdDSA" if name == "Ed25519" and algorithm == "EdDSA" else algorithm
    return {**new_material(name), "kid": kid, "alg": written, "use": ALGORITHMS[name].use, STATE_MEMBER: state}


def made_at(kid: str) -> int | None:
    """Return when the key was made, in seconds since the epoch, as far as its kid tells."""
    found = _KID.fullmatch(kid)
    if found is None:
        return None
    try:
        return calendar.timegm(time.strptime(found[1], _SECOND))
    except ValueError:
        # Somebody else's kid that looks like ours.
        return None


def new_secrets(keys: KeySet, *, randomness: Callable[[int], bytes]) -> Jwk:
    """Return the next version of the key that others are derived from."""
    version = max(keys.derived_keys.versions) + 1 if keys.derived_keys is not None else 1
    kid = "safeconduct-secrets" if version == 1 else f"safeconduct-secrets-{version}"
    if SECRETS_KID.fullmatch(kid) is None:
        raise ConfigurationError("safeconduct-secrets: all 255 versions are used; start again with a new folder")
    encoded = urlsafe_b64encode(randomness(_SECRET_BYTES)).rstrip(b"=").decode()
    return {"kty": "oct", "kid": kid, "k": encoded, STATE_MEMBER: "active"}


def rotate(keys: KeySet, kid: str | None = None) -> list[Jwk]:
    """
    Sign with a published key from now on, and retire the one that it follows.

    Args:
        keys: The set as it is.
        kid: The key that shall sign; the only one in state ``next`` if it is left out.

    Returns:
        The JWKs that changed, to be written.

    Raises:
        ConfigurationError: If there is not exactly one such key.
    """
    waiting = [each for each in keys.entries if each.state == "next" and (kid is None or each.key.kid == kid)]
    if len(waiting) != 1:
        names = [each.key.kid for each in waiting]
        raise ConfigurationError(f"kid must name exactly one key in state next, got {kid!r}; there are {names}")
    follower = waiting[0]
    followed = [each for each in keys.entries if each.state == "active" and each.key.use == follower.key.use]
    return [_turned(follower, "active"), *(_turned(each, "retired") for each in followed)]


def retire(keys: KeySet, kid: str) -> list[Jwk]:
    """
    Let a key prove only; return the JWKs that changed.

    Raises:
        ConfigurationError: If there is no such key, or nothing would sign any more.
    """
    entry = _named(keys, kid)
    if entry.state == "active" and not any(
        each is not entry and each.state == "active" and each.key.use == entry.key.use for each in keys.entries
    ):
        raise ConfigurationError(f"kid must not be the last active key of its use, got {kid!r}; rotate first")
    return [_turned(entry, "retired")]


def drop(keys: KeySet, kid: str) -> str:
    """
    Return the kid of a key whose file may be removed.

    Raises:
        ConfigurationError: If there is no such key, or it is not retired: tokens that it signed may be valid.
    """
    entry = _named(keys, kid)
    if entry.state != "retired":
        raise ConfigurationError(f"kid must name a retired key, got {kid!r} which is {entry.state}")
    return kid


def _named(keys: KeySet, kid: str) -> Entry:
    for entry in keys.entries:
        if entry.key.kid == kid:
            return entry
    raise ConfigurationError(f"kid must name a key of the set, got {kid!r}")


def _turned(entry: Entry, state: State) -> Jwk:
    jwk: Mapping[str, Any] = entry.jwk
    return {**jwk, STATE_MEMBER: state}
