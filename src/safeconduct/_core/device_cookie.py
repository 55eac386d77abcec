"""
The mark by which a device is known at the next sign-in: it was signed in to this very account before.

``base64url(kv:1 ‖ random:16 ‖ tag:32)``, where the tag is HMAC-SHA256(K_device[kv], "sc/device/1" ‖ random ‖ account).
All but the account has a fixed length, so that no two accounts and numbers are one message.  The account is the name
letter by letter, since the owner of a name that is spelt alike is somebody else.  It signs nobody in: its bearer skips
a bound of the throttle that strangers can fill.
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

from safeconduct._tokens.derived_keys import DerivedKeys

LABEL: Final = "device"
MARK_LIFETIME_SECONDS: Final = 180 * 24 * 60 * 60
"""Half a year: whoever is away for longer is a stranger to the throttle, and to nothing else."""

_PURPOSE: Final = b"sc/device/1"
_RANDOM_BYTES: Final = 16
_BYTES: Final = 1 + _RANDOM_BYTES + hashlib.sha256().digest_size


class Devices:
    """
    Make marks and know them again.

    Args:
        keys: Returns the derived keys as they are now.
        draw: Draws random bytes.
    """

    def __init__(self, keys: Callable[[], DerivedKeys], draw: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._draw = draw

    def mark(self, username: str) -> str:
        """Make the mark of a device on which *username*, as it was submitted, has just signed in."""
        keys = self._keys()
        random = self._draw(_RANDOM_BYTES)
        mark = bytes([keys.current]) + random + _tag(keys.derive(LABEL), random, username)
        return urlsafe_b64encode(mark).rstrip(b"=").decode()

    def knows(self, mark: str, username: str) -> bool:
        """Say whether *mark* was made for *username*; never raises."""
        try:
            octets = urlsafe_b64decode(mark + "=" * (-len(mark) % 4))
        except (ValueError, binascii.Error):
            return False
        if len(octets) != _BYTES:
            return False
        try:
            key = self._keys().derive(LABEL, version=octets[0])
        except KeyError:
            return False
        random, tag = octets[1 : 1 + _RANDOM_BYTES], octets[1 + _RANDOM_BYTES :]
        return hmac.compare_digest(tag, _tag(key, random, username))


def _tag(key: bytes, random: bytes, username: str) -> bytes:
    return hmac.digest(key, _PURPOSE + random + username.encode("utf-8", "surrogatepass"), hashlib.sha256)
