"""Bind the button of the page that asks to the token and to the sessions that the page has seen."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from safeconduct._core.hand_over.pages import Person
from safeconduct._tokens.derived_keys import DerivedKeys

_LABEL: Final = "hand-over"
_PURPOSE: Final = b"sc/hand-over/1"


@dataclass(frozen=True, slots=True, order=True)
class SignedInPerson:
    """Someone who is signed in in a browser, and by what."""

    issuer: str
    subject: str
    #: The session, or else the token.
    session_id: str

    @property
    def person(self) -> Person:
        """Who it is."""
        return Person(self.issuer, self.subject)


class Confirmations:
    """
    Make and check what the button of the page that asks sends, and what no script and no other page can send.

    It is base64url(HMAC-SHA256(K, "sc/hand-over/1" ‖ SHA-256(token) ‖ the sessions, sorted, each part after its
    length)), so that nothing of it is stored, and it counts for one token and one state of the browser.

    Args:
        keys: Returns the derived keys as they are now; raises ``Unavailable`` if they are gone.
    """

    def __init__(self, keys: Callable[[], DerivedKeys]) -> None:
        self._keys = keys

    def make(self, token: str, seen: Iterable[SignedInPerson]) -> str:
        """Return the value for *token*, where *seen* are signed in."""
        return _made(self._keys().derive(_LABEL), token, sorted(seen))

    def is_made_for(self, value: str, token: str, seen: Iterable[SignedInPerson]) -> bool:
        """Return whether *value* was made for *token* and exactly these."""
        keys, listed = self._keys(), sorted(seen)
        made = [_made(keys.derive(_LABEL, version=version), token, listed) for version in keys.all_versions]
        return any(hmac.compare_digest(each.encode(), value.encode("utf-8", "replace")) for each in made)


def _made(key: bytes, token: str, seen: Sequence[SignedInPerson]) -> str:
    message = _PURPOSE + sha256(token.encode()).digest()
    for each in seen:
        for part in (each.issuer, each.subject, each.session_id):
            octets = part.encode("utf-8", "surrogatepass")
            message += len(octets).to_bytes(4, "big") + octets
    return urlsafe_b64encode(hmac.digest(key, message, sha256)).rstrip(b"=").decode("ascii")
