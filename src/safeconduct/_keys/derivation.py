"""Keys that are derived from one secret, so that no key serves two purposes (NIST SP 800-108, RFC 5869)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """
    The versions of the ``safeconduct-secrets`` key.

    It signs and encrypts nothing itself; refresh tokens, CSRF tokens, device cookies and the throttle each get a key
    of their own by the label.  An old version is kept for one absolute lifetime.  Each key is derived once, since HKDF
    costs more than what is done with it; there are as many as labels and versions.
    """

    versions: Mapping[int, bytes] = field(repr=False)
    #: The version that makes new things.
    current: int
    _derived: dict[tuple[str, int], bytes] = field(
        init=False, repr=False, compare=False, default_factory=dict[tuple[str, int], bytes]
    )

    @property
    def every(self) -> tuple[int, ...]:
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
