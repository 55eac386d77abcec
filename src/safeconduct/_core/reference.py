"""
An opaque token's wire form: a reference to what the store keeps.

``base64url(ver:1 ‖ kv:1 ‖ sid:18 ‖ secret:30 ‖ tag:16)``: *kv* is the version of the key behind the tag, *sid* the
session, which names the shard.  Length and tag are checked before any store is asked.  The store has a digest: whoever
reads it has neither the secret nor the key of the tag.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from safeconduct._core.sessions.refresh_token import (
    SESSION_ID_BYTES,
    DerivedKeys,
    check_tag,
    octets_of,
    read_octets,
    text_of,
)

SECRET_BYTES: Final = 30
LETTERS: Final = 88
"""66 bytes: no padding, and no spare bits that would give one token two spellings."""

_VERSION: Final = 1
_TAG_BYTES: Final = 16
_WHAT: Final = "an opaque token"
_SID_END: Final = 2 + SESSION_ID_BYTES
_SECRET_END: Final = _SID_END + SECRET_BYTES
_WIRE: Final = re.compile(r"[A-Za-z0-9_-]{88}", re.ASCII)
_TAG: Final = b"sc/at-tag/1"


def is_reference(token: str) -> bool:
    """Say whether *token* has the form of a reference; a token that is signed has dots and is longer."""
    return len(token) == LETTERS and "." not in token


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference whose tag is right."""

    session: bytes
    secret: bytes = field(repr=False)
    key_version: int

    @property
    def session_id(self) -> str:
        """The session's name, as it is written."""
        return text_of(self.session)

    @property
    def digest(self) -> bytes:
        """What the store knows the token by."""
        return hashlib.sha256(self.session + self.secret).digest()


class References:
    """
    Write and read references.

    Args:
        keys: Returns the derived keys as they are now.
        draw: Draws random bytes.
    """

    def __init__(self, keys: Callable[[], DerivedKeys], draw: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._draw = draw

    def new(self, session_id: str) -> Reference:
        """Draw a reference for a token of a session."""
        return Reference(octets_of(session_id), self._draw(SECRET_BYTES), self._keys().current)

    def write(self, reference: Reference) -> str:
        """Return the reference as it travels."""
        head = bytes((_VERSION, reference.key_version)) + reference.session + reference.secret
        return base64.urlsafe_b64encode(head + self._tag(reference)).decode()

    def read(self, text: str) -> Reference:
        """
        Read a reference and check its tag.

        Raises:
            MalformedToken: If it is none.
            UnknownKey: If it was made with a version of the key that is gone.
            BadSignature: If it was made by nobody who has the key.
        """
        octets = read_octets(text, form=_WIRE, version=_VERSION, what=_WHAT)
        reference = Reference(octets[2:_SID_END], octets[_SID_END:_SECRET_END], octets[1])
        check_tag(lambda: self._tag(reference), octets[_SECRET_END:], what=_WHAT)
        return reference

    def _tag(self, reference: Reference) -> bytes:
        key = self._keys().derive("reference-tag", version=reference.key_version)
        return hmac.digest(key, _TAG + reference.session + reference.secret, hashlib.sha256)[:_TAG_BYTES]
