"""
Hash and verify passwords with Argon2id (RFC 9106), in the PHC string format; the only module that imports argon2.

::

    $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
"""

import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from safeconduct.errors import ConfigurationError

_HASH_BYTES: Final = 32
_SALT_BYTES: Final = 16
_PHC = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]{0,3}),p=([1-9][0-9]{0,2})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """
    The parameters that decide how much time and memory one hash takes.

    The default is the one that OWASP recommends for Argon2id: about 35 ms and 19 MiB.
    """

    memory_kib: int = 19456
    passes: int = 2
    lanes: int = 1

    def __post_init__(self) -> None:
        """Raise ``ConfigurationError`` for parameters that Argon2 does not take (RFC 9106 §3.1)."""
        if self.passes < 1 or self.lanes < 1:
            raise ConfigurationError(f"passes and lanes must be 1 or more, got {self.passes} and {self.lanes}")
        if self.memory_kib < 8 * self.lanes:
            raise ConfigurationError(f"memory_kib must be {8 * self.lanes} (8 * lanes) or more, got {self.memory_kib}")

    def is_below(self, other: "Cost") -> bool:
        """Tell whether *other* costs an attacker more: memory times passes, which OWASP's choices have in common."""
        return self.memory_kib * self.passes < other.memory_kib * other.passes


class HashingFailed(Exception):
    """A hash could not be computed, usually for lack of memory."""


def require_argon2() -> None:
    """
    Import argon2, so that a missing extra is an error at set-up and not at the first sign-in.

    Raises:
        ConfigurationError: If the extra is not installed.
    """
    try:
        import_module("argon2.low_level")
    except ImportError as error:
        raise ConfigurationError('the users file needs Argon2: pip install "safeconduct[argon2]"') from error


def cost_of(phc: str) -> Cost | None:
    """Return what verifying *phc* costs, or None if it is not an Argon2id hash in the PHC format."""
    match = _PHC.fullmatch(phc)
    if match is None:
        return None
    memory_kib, passes, lanes = int(match[1]), int(match[2]), int(match[3])
    if memory_kib < 8 * lanes or not _is_bare64(match[4]) or not _is_bare64(match[5]):
        return None
    return Cost(memory_kib, passes, lanes)


def hash_password(password: bytes, cost: Cost) -> str:
    """
    Hash *password* with a new salt.

    Raises:
        HashingFailed: If Argon2 cannot.
    """
    from argon2.exceptions import HashingError  # noqa: PLC0415 - an extra, and 49 ms
    from argon2.low_level import Type, hash_secret  # noqa: PLC0415 - an extra, and 49 ms

    try:
        return hash_secret(
            password,
            secrets.token_bytes(_SALT_BYTES),
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=_HASH_BYTES,
            type=Type.ID,
        ).decode("ascii")
    except HashingError as error:
        raise HashingFailed(str(error)) from error


def is_password(password: bytes, phc: str) -> bool:
    """
    Tell whether *phc* is a hash of *password*.

    Raises:
        VerificationError: If the hash could not be computed, which says nothing about the password.
    """
    from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415 - an extra, and 49 ms
    from argon2.low_level import Type, verify_secret  # noqa: PLC0415 - an extra, and 49 ms

    try:
        return verify_secret(phc.encode("ascii"), password, Type.ID)
    except VerifyMismatchError:
        return False


def unmatchable_hash(cost: Cost) -> str:
    """Return a hash that no password has, and that takes as long to verify as any other of *cost*."""
    salt, digest = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_HASH_BYTES)
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${_bare64(salt)}${_bare64(digest)}"


def _is_bare64(text: str) -> bool:
    # A length of 1 modulo 4 cannot be decoded, and padding bits that are set are lost in decoding.
    return len(text) % 4 != 1 and _bare64(b64decode(text + "=" * (-len(text) % 4))) == text


def _bare64(octets: bytes) -> str:
    return b64encode(octets).decode("ascii").rstrip("=")
