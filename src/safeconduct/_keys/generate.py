"""
Generate and rotate keys, by pure functions on a key set.

Publish the next key, wait until every verifier has fetched it (the lifetime of the JWKS), sign with it and retire the
old one, and remove the old one after the longest token lifetime.  Each step is safe by itself, and none of them ends a
valid token.
"""

import calendar
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from safeconduct._keys.keyset import SECRETS_KID, STATE_MEMBER, KeyEntry, KeySet, State
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

    Its kid begins with the date and time, so that kids sort by age.  If the newest key of *among* has the same second,
    or a later one because the clock was set back, the kid takes the second after that key.

    Args:
        algorithm: A signature, ``A256KW`` or ``ECDH-ES+A256KW``.
        now: The current time, in seconds since the epoch.
        randomness: Returns the given number of random bytes.
        state: The state of the new key.
        among: The existing keys, which the kid must sort after.

    Raises:
        ConfigurationError: If none of our keys may have the algorithm.
    """
    name = canonical(algorithm)
    if name not in OWN_ALGORITHMS:
        raise ConfigurationError(f"algorithm must be one of {sorted(OWN_ALGORITHMS)}, got {algorithm!r}")
    made = [made_at(entry.key.kid or "") for entry in among.entries] if among else []
    second = max([int(now), *(each + 1 for each in made if each is not None)])
    kid = f"{time.strftime(_SECOND, time.gmtime(second))}-{randomness(4).hex()}"
    # Most verifiers know only "EdDSA"; a key that is to follow RFC 9864 says "Ed25519".
    written = "EdDSA" if name == "Ed25519" and algorithm == "EdDSA" else algorithm
    return {**new_material(name), "kid": kid, "alg": written, "use": ALGORITHMS[name].use, STATE_MEMBER: state}


def made_at(kid: str) -> int | None:
    """Return the time in a kid of ours, in seconds since the epoch, or None for any other kid."""
    found = _KID.fullmatch(kid)
    if found is None:
        return None
    try:
        return calendar.timegm(time.strptime(found[1], _SECOND))
    except ValueError:
        # A kid of another origin that happens to have the same form.
        return None


def new_secrets(keys: KeySet, *, randomness: Callable[[int], bytes]) -> Jwk:
    """Return the next version of the ``safeconduct-secrets`` key, from which others are derived."""
    version = max(keys.derived_keys.versions) + 1 if keys.derived_keys is not None else 1
    kid = "safeconduct-secrets" if version == 1 else f"safeconduct-secrets-{version}"
    if SECRETS_KID.fullmatch(kid) is None:
        raise ConfigurationError("safeconduct-secrets: all 255 versions are used; start again with a new folder")
    encoded = urlsafe_b64encode(randomness(_SECRET_BYTES)).rstrip(b"=").decode()
    return {"kty": "oct", "kid": kid, "k": encoded, STATE_MEMBER: "active"}


def rotate(keys: KeySet, kid: str | None = None) -> list[Jwk]:
    """
    Activate a published key, and retire the one that it replaces.

    Args:
        keys: The present set.
        kid: The key to activate. Default: the only one in state ``next``.

    Returns:
        The changed JWKs, to be written.

    Raises:
        ConfigurationError: If there is not exactly one such key.
    """
    waiting = [each for each in keys.entries if each.state == "next" and (kid is None or each.key.kid == kid)]
    if len(waiting) != 1:
        names = [each.key.kid for each in waiting]
        raise ConfigurationError(f"kid must name exactly one key in state next, got {kid!r}; there are {names}")
    successor = waiting[0]
    replaced = [each for each in keys.entries if each.state == "active" and each.key.use == successor.key.use]
    return [_with_state(successor, "active"), *(_with_state(each, "retired") for each in replaced)]


def retire(keys: KeySet, kid: str) -> list[Jwk]:
    """
    Retire a key, so that it only verifies; return the changed JWKs.

    Raises:
        ConfigurationError: If there is no such key, or no other key could sign or encrypt.
    """
    entry = _named(keys, kid)
    if entry.state == "active" and not any(
        each is not entry and each.state == "active" and each.key.use == entry.key.use for each in keys.entries
    ):
        raise ConfigurationError(f"kid must not be the last active key of its use, got {kid!r}; rotate first")
    return [_with_state(entry, "retired")]


def _named(keys: KeySet, kid: str) -> KeyEntry:
    for entry in keys.entries:
        if entry.key.kid == kid:
            return entry
    raise ConfigurationError(f"kid must name a key of the set, got {kid!r}")


def _with_state(entry: KeyEntry, state: State) -> Jwk:
    jwk: Mapping[str, Any] = entry.jwk
    return {**jwk, STATE_MEMBER: state}
