"""
Find the access token in a ``Cookie`` field that was seen before, and what of the field the application may see.

::

    a=1; access=…; refresh=…      the field as it came
    a=1; access=…                 the rest, without any quote: each hidden cookie is cut out at "; name="
    cookie …                      the key under which the token is cached, remembered by the rest

Only a rest is remembered, never a field: the hidden cookies are secrets that outlive an access token.  What is
remembered follows from the bytes of the rest alone, so it never has to be forgotten.  It is the latest rest of each
cached token, so that nobody can fill the memory with one token.
"""

from collections.abc import Collection
from typing import Final

from safeconduct._core.credential_sources import Sources

LONGEST_LINE: Final = 4096
"""The longest field that is looked up."""


FoundCookies = tuple[str, bytes, bool]
"""The key under which a token is cached; the field without hidden cookies, itself if it has none; whether it is new."""


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
        if len(line) > LONGEST_LINE:
            return None
        rest = line
        # A sign-in sets our cookies one after another, so the hidden ones are usually the last.  A quote among them
        # does not matter: none comes before them in a rest that is remembered.
        at = rest.rfind(b";")
        while at >= 0 and rest.startswith(self._cuts, at):
            rest = rest[:at]
            at = rest.rfind(b";")
        key = None if rest is line else self._keys.get(rest)
        if key is not None:
            return key, rest, False
        return self._find_closely(line)

    def _find_closely(self, line: bytes) -> FoundCookies | None:
        rest = line
        for cut in self._cuts:
            at = rest.find(cut)
            if at >= 0:
                end = rest.find(b";", at + 1)
                end = len(rest) if end < 0 else end
                if rest.find(b'"', at, end) >= 0:
                    # Another cookie may be within the quotes of this one.
                    return None
                rest = rest[:at] + rest[end:]
        key = self._keys.get(rest)
        if key is not None:
            return key, rest, False
        if any(name in rest for name in self._hidden):
            return None
        key = self._sources.key_in(rest)
        return None if key is None else (key, rest, True)

    def remember(self, key: str, rest: bytes) -> None:
        """Remember what was new, once the token is known to be cached."""
        if len(self._keys) >= self._capacity:
            self._keys.clear()
            self._latest.clear()
        before = self._latest.get(key)
        if before is not None:
            self._keys.pop(before, None)
        self._latest[key] = rest
        self._keys[rest] = key
