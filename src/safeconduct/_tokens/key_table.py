"""The keys of one issuer, looked up by what a token's header names."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from safeconduct._tokens.algorithms import canonical
from safeconduct._tokens.key import Key
from safeconduct.errors import UnknownKey


class KeyTable:
    """
    One immutable state of an issuer's keys; another state is another object.

    A key is found by its kid and its algorithm together, and there is at most one; without a kid only if exactly one
    key fits the algorithm.  Nothing is ever tried.
    """

    __slots__ = ("_by_algorithm", "_by_name", "_kids")

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        """Take *keys*, of which no two have the same kid and algorithm."""
        self._by_name: dict[tuple[str, str], Key] = {}
        self._by_algorithm: dict[str, list[Key]] = {}
        self._kids: set[str] = set()
        for key in keys:
            self._by_algorithm.setdefault(key.algorithm, []).append(key)
            if key.kid is not None:
                self._by_name[key.kid, key.algorithm] = key
                self._kids.add(key.kid)

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the keys."""
        return (key for keys in self._by_algorithm.values() for key in keys)

    def find(self, kid: str | None, algorithm: str) -> Key:
        """
        Return the one key for a header's *kid* and *algorithm*.

        Raises:
            UnknownKey: If there is none, or no kid and several.
        """
        name = canonical(algorithm)
        if kid is None:
            fitting = self._by_algorithm.get(name, ())
            if len(fitting) != 1:
                raise UnknownKey(None, "no kid, and not exactly one key that fits")
            return fitting[0]
        key = self._by_name.get((kid, name))
        if key is None:
            known = kid in self._kids
            raise UnknownKey(kid, "the key is for another algorithm" if known else "no such kid")
        return key


class KeySource(Protocol):
    """Where the verifier gets an issuer's keys from, at every token; must cost next to nothing and never block."""

    def table(self) -> KeyTable:
        """Return the keys as they are now, the same object until they change."""
        ...

    def look_again(self) -> None:
        """Look for new keys because a token named an unknown one; bounded by the source itself."""
        ...
