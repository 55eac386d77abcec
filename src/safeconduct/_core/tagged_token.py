"""
Read the wire form that refresh tokens and opaque tokens share, and the session id in it.

Both are base64url of a version, the version of the key behind the tag, a session id, the token's own bytes, and a tag.
The session id is base64url of ``shard:u16 ‖ instance:8 ‖ random:8``.
"""

import base64
import hmac
import re
from collections.abc import Callable
from typing import Final

from safeconduct._core.revocation_keys import instance_from
from safeconduct.errors import BadSignature, MalformedToken, UnknownKey

SESSION_ID_BYTES: Final = 18
_INSTANCE_BYTES: Final = 8


def new_session_id(shard: int, origin: bytes | None, draw: Callable[[int], bytes]) -> bytes:
    """
    Make the id of a new session; ``revocation_keys.parse_session_id`` reads its text.

    Args:
        shard: The shard of the user.
        origin: The tag of the store's epoch, or the mark of the sessions of this process; None without a store.
        draw: Returns the given number of random bytes.
    """
    first = instance_from(draw(_INSTANCE_BYTES)) if origin is None else origin
    return shard.to_bytes(2, "big") + first + draw(_INSTANCE_BYTES)


def text_of(session_id: bytes) -> str:
    """Return the text of a session id: 24 characters of base64url."""
    return base64.urlsafe_b64encode(session_id).decode()


def octets_of(session_id: str) -> bytes:
    """Return the session id of a text from ``text_of``."""
    return base64.urlsafe_b64decode(session_id)


def read_octets(text: str, *, form: re.Pattern[str], version: int, what: str) -> bytes:
    """
    Decode *text*, whose *form* leaves no padding and no spare bits; *what* names the kind of token in the log.

    Raises:
        MalformedToken: If the text has another form or version.
    """
    # The decoder also accepts "+" and "/", and a token must have one spelling.
    if form.fullmatch(text) is None:
        raise MalformedToken(f"{what} of another form")
    octets = base64.urlsafe_b64decode(text)
    if octets[0] != version:
        raise MalformedToken(f"{what} of another version")
    return octets


def check_tag(tag: Callable[[], bytes], shown: bytes, *, what: str) -> None:
    """
    Raise unless *shown* is the tag that *tag* makes.

    Raises:
        UnknownKey: If *tag* raises ``KeyError``, because the version of the key is gone.
        BadSignature: If the tags differ.
    """
    try:
        own = tag()
    except KeyError:
        raise UnknownKey(reason=f"no such version of the key for {what}") from None
    if not hmac.compare_digest(own, shown):
        raise BadSignature(reason=f"{what} with a wrong tag")
