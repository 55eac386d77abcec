"""Make keys for one test."""

import secrets
from typing import Any, Final

from safeconduct._keys.generate import new_key, new_secrets
from safeconduct._keys.keyset import KeySet

#: A kid begins with the date; one of 1970 shows that the key was made for a test.
_MADE_AT: Final = 0


def throw_away_keys() -> dict[str, Any]:
    """
    Return new private keys as a JWK Set, for ``Config(keys=…)``; no file is written.

    One signs with ES256.  The other is ``safeconduct-secrets``, from which the keys of sessions and the throttle are
    derived.
    """
    signs = new_key("ES256", now=_MADE_AT, randomness=secrets.token_bytes)
    return {"keys": [signs, new_secrets(KeySet(), randomness=secrets.token_bytes)]}
