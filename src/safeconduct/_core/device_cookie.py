"""
Make and check the cookie that shows that a user has signed in to an account from this browser before.

Its value is ``base64url(version:1 ‖ random:16 ‖ tag:32)``, with ``tag = HMAC-SHA256(K_device[version], "sc/device/1" ‖
random ‖ account)``.  Everything but the account has a fixed length, so two different inputs are never one message.  The
account is the name exactly as it is spelt, since a similar spelling may be another person's account.  The cookie signs
nobody in: it only exempts the browser from the throttle's limit per account, which attackers can exhaust.
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

from safeconduct._core.decision import Clock
from safeconduct._http.cookies import find
from safeconduct._http.request import Request
from safeconduct._http.set_cookie import SetCookie, own_cookie
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.config.cookies import CookieConfig
from safeconduct.errors import InvalidRequest, InvalidToken

LABEL: Final = "device"
LIFETIME_SECONDS: Final = 180 * 24 * 60 * 60
"""Half a year; after that the browser is unknown to the throttle, and nothing else changes."""

_PURPOSE: Final = b"sc/device/1"
_RANDOM_BYTES: Final = 16
_BYTES: Final = 1 + _RANDOM_BYTES + hashlib.sha256().digest_size


class DeviceCookies:
    """
    Make device cookies and recognize them.

    Args:
        keys: Returns the derived keys as they are now.
        draw: Draws random bytes.
        cookies: The name and the attributes of the cookie.
        are_read: Whether cookies are among the configured sources.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        keys: Callable[[], DerivedKeys],
        draw: Callable[[int], bytes],
        cookies: CookieConfig,
        *,
        are_read: bool,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._draw = draw
        self._cookies = cookies
        self._name = cookies.device.encode()
        self._are_read = are_read
        self._clock = clock

    def new(self, username: str) -> SetCookie:
        """Return the cookie for a browser on which *username*, as it was submitted, has just signed in."""
        keys, random, now = self._keys(), self._draw(_RANDOM_BYTES), int(self._clock())
        value = bytes([keys.current]) + random + _tag(keys.derive(LABEL), random, username)
        text = urlsafe_b64encode(value).rstrip(b"=").decode()
        return own_cookie(self._cookies, "device", text, expires_at=now + LIFETIME_SECONDS, now=now)

    def recognizes(self, request: Request, username: str) -> bool:
        """Return whether *request* has a cookie that was made for *username*; never raises."""
        if not self._are_read:
            return False
        try:
            value = find(request.values(b"cookie"), self._name)
        except (InvalidRequest, InvalidToken):
            # An unreadable cookie proves nothing, and must not block a sign-in.
            return False
        return value is not None and self.is_valid(value, username)

    def is_valid(self, value: str, username: str) -> bool:
        """Return whether a cookie with this *value* was made for *username*; never raises."""
        try:
            octets = urlsafe_b64decode(value + "=" * (-len(value) % 4))
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
