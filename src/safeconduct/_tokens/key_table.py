"""Look up a key of an issuer by the ``kid`` and ``alg`` that the header of a token names."""

from collections.abc import Iterable
from typing import Protocol

from safeconduct._tokens.algorithms import canonical
from safeconduct._tokens.key import Key
from safeconduct.errors import UnknownKey


class KeyTable:
    """
    The keys of one issuer at one moment; it never changes, and a reload of the keys makes a new table.

    A key is found by its kid and its algorithm together, and there is at most one.  Without a kid it is found only if
    exactly one key has the algorithm.  Keys are never tried one after another.
    """

    __slots__ = ("_by_algorithm", "_by_name", "_kids")

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        """Index *keys*, of which no two have the same kid and algorithm."""
        self._by_name: dict[tuple[str, str], Key] = {}
        self._by_algorithm: dict[str, list[Key]] = {}
        self._kids: set[str] = set()
        for key in keys:
            self._by_algorithm.setdefault(key.algorithm, []).append(key)
            if key.kid is not None:
                self._by_name[key.kid, key.algorithm] = key
                self._kids.add(key.kid)

    def find(self, kid: str | None, algorithm: str) -> Key:
        """
        Return the one key for the *kid* and *algorithm* of a header.

        Raises:
            UnknownKey: If there is no such key, or several have the algorithm and the header has no kid.
        """
        name = canonical(algorithm)
        if kid is None:
            fitting = self._by_algorithm.get(name, ())
            if len(fitting) != 1:
                raise UnknownKey(None, "no kid, and not exactly one key for the algorithm")
            return fitting[0]
        key = self._by_name.get((kid, name))
        if key is None:
            known = kid in self._kids
            raise UnknownKey(kid, "the key is for another algorithm" if known else "no such kid")
        return key


class KeySource(Protocol):
    """The keys of an issuer as the verifier asks for them at every token; must cost next to nothing and never block."""

    def table(self) -> KeyTable:
        """Return the present keys, the same object until they change."""
        ...

    def reload(self) -> None:
        """Reload the keys because a token named an unknown one; the source limits how often it does."""
        ...
