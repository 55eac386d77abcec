"""Derive a key for each purpose from one secret, so that no key serves two purposes (NIST SP 800-108, RFC 5869)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class DerivedKeys:
    """
    The keys that follow from the ``safeconduct-secrets`` key of one key set.

    That key signs and encrypts nothing itself: refresh tokens, opaque tokens, CSRF tokens, device cookies and the
    throttle each get a key of their own, named by its label.  An old version of it is kept for one absolute session
    lifetime, so that what was made with it still counts.

    Each key is derived once and kept, because HKDF costs more than what is done with the key.  Take the value once per
    request: a reload of the keys makes a new one.
    """

    versions: Mapping[int, bytes] = field(repr=False)
    #: The version that new tokens and cookies are made with.
    current: int
    _derived: dict[tuple[str, int], bytes] = field(
        init=False, repr=False, compare=False, default_factory=dict[tuple[str, int], bytes]
    )

    @property
    def all_versions(self) -> tuple[int, ...]:
        """The versions that still count, the current one first."""
        return (self.current, *(version for version in self.versions if version != self.current))

    def derive(self, label: str, *, version: int | None = None) -> bytes:
        """
        Return the 32-byte key for *label*, of the current *version* unless another is named.

        Raises:
            KeyError: If there is no such version.
        """
        number = self.current if version is None else version
        key = self._derived.get((label, number))
        if key is None:
            kdf = HKDF(SHA256(), KEY_BYTES, salt=None, info=f"safeconduct/{label}".encode())
            key = self._derived[label, number] = kdf.derive(self.versions[number])
        return key
