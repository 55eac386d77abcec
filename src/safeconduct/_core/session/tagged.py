"""What refresh tokens and opaque tokens have in common on the wire: one spelling, a version, and a tag under a key."""

import base64
import hmac
import re
from collections.abc import Callable

from safeconduct.errors import BadSignature, MalformedToken, UnknownKey


def read_octets(text: str, *, form: re.Pattern[str], version: int, what: str) -> bytes:
    """
    Return the octets behind *text*, whose *form* leaves no padding and no spare bits; *what* it is goes into the log.

    Raises:
        MalformedToken: If it has another form or version.
    """
    # Not left to the decoder, which also takes + and /: one token has one spelling.
    if form.fullmatch(text) is None:
        raise MalformedToken(f"{what} of another form")
    octets = base64.urlsafe_b64decode(text)
    if octets[0] != version:
        raise MalformedToken(f"{what} of another version")
    return octets


def check_tag(tag: Callable[[], bytes], shown: bytes, *, what: str) -> None:
    """
    Return if *shown* is the tag that we would make.

    Raises:
        UnknownKey: If the version of the key is gone: *tag* raises ``KeyError``.
        BadSignature: If it was made by nobody who has the key.
    """
    try:
        own = tag()
    except KeyError:
        raise UnknownKey(reason=f"no such version of the key for {what}") from None
    if not hmac.compare_digest(own, shown):
        raise BadSignature(reason=f"{what} without its right tag")
