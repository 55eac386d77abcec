"""Keys for the length of a test."""

import secrets
from typing import Any, Final

from safeconduct._keys.generate import new_key, new_secrets
from safeconduct._keys.keyset import KeySet

#: A kid begins with its day: whoever meets one of 1970 knows that it was made for a test.
_MADE_AT: Final = 0


def throw_away_keys() -> dict[str, Any]:
    """
    Return new private keys as a JWK Set, for ``Config(keys=…)``; they lie in no file.

    One signs by ES256, the other is ``safeconduct-secrets``, from which those of sessions and of the throttle follow.
    """
    signs = new_key("ES256", now=_MADE_AT, randomness=secrets.token_bytes)
    return {"keys": [signs, new_secrets(KeySet(), randomness=secrets.token_bytes)]}
