"""
Find the access token in a ``Cookie`` field that was seen before, and what of the field the application may see.

::

    a=1; access=…; refresh=…      the field as it came, without any quote
    a=1; access=…                 the rest: each of the hidden cookies is cut out at "; name="
    cookie …                      the key under which the token is cached, remembered by the rest

Only a rest is remembered, never a field: the hidden cookies are secrets that outlive an access token.  What is
remembered follows from the bytes of the rest alone, so it never has to be forgotten.  It is the latest rest of each
cached token, so that nobody can fill the memory with one token.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from safeconduct._core.credential_sources import Sources

LONGEST_LINE: Final = 4096
"""The longest field that is looked up."""


class FoundCookies(NamedTuple):
    """What a ``Cookie`` field has."""

    #: The key under which its token is cached.
    key: str
    #: The field without the cookies that the application must not see; itself where it has none of them.
    rest: bytes
    #: Whether the rest is not remembered.
    is_new: bool


class CookieMemory:
    """
    Remember the keys of the tokens in ``Cookie`` fields.

    Args:
        sources: Finds a token in a field, and says which cookies are hidden.
        capacity: How many fields are remembered.
    """

    __slots__ = ("_capacity", "_cuts", "_hidden", "_keys", "_latest", "_sources")

    def __init__(self, sources: Sources, *, capacity: int) -> None:
        self._sources = sources
        self._hidden: Collection[bytes] = sources.hidden_cookies
        self._cuts = tuple(b"; " + name + b"=" for name in sources.hidden_cookies)
        self._capacity = capacity
        self._keys: dict[bytes, str] = {}
        #: The rest that was last remembered, by the key of its token.
        self._latest: dict[str, bytes] = {}

    def find(self, line: bytes) -> FoundCookies | None:
        """Return what the fields have, joined into one *line*; None where only the slow path can tell."""
        # A cookie may be within the quotes of another one, which is cut out.
        if len(line) > LONGEST_LINE or b'"' in line:
            return None
        rest = line
        for cut in self._cuts:
            at = rest.find(cut)
            if at >= 0:
                end = rest.find(b";", at + 1)
                rest = rest[:at] if end < 0 else rest[:at] + rest[end:]
        key = self._keys.get(rest)
        if key is not None:
            return FoundCookies(key, rest, is_new=False)
        if any(name in rest for name in self._hidden):
            return None
        key = self._sources.key_in(rest)
        return None if key is None else FoundCookies(key, rest, is_new=True)

    def remember(self, found: FoundCookies) -> None:
        """Remember new cookies whose token is cached."""
        if len(self._keys) >= self._capacity:
            self._keys.clear()
            self._latest.clear()
        before = self._latest.get(found.key)
        if before is not None:
            self._keys.pop(before, None)
        self._latest[found.key] = found.rest
        self._keys[found.rest] = found.key
