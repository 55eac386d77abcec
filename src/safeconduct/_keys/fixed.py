"""Keys that were given in code and never change."""

from collections.abc import Callable

from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.table import KeyTable
from safeconduct.errors import ConfigurationError
from safeconduct.events import Event, KeySkipped


class FixedKeySet:
    """A set of keys in the place of a folder."""

    def __init__(self, keys: KeySet, listener: Callable[[Event], None]) -> None:
        """
        Keep *keys*, and tell *listener* which of them were refused.

        Raises:
            ConfigurationError: If none is left.
        """
        for kid, reason in keys.skipped:
            listener(KeySkipped(kid=kid, reason=reason))
        if not keys.entries:
            told = "; ".join(f"{kid or 'a key without kid'}: {reason}" for kid, reason in keys.skipped)
            raise ConfigurationError(f"keys: no usable key in the set that was given; {told or 'it is empty'}")
        self._keys = keys

    def current(self) -> KeySet:
        """Return the keys."""
        return self._keys

    def table(self) -> KeyTable:
        """Return what the verifier asks."""
        return self._keys.table

    def look_again(self) -> None:
        """Do nothing: there are no other keys."""
