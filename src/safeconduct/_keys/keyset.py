"""
Read a set of keys as one immutable value.

==========  ==========  ============  ==========
state       published   verifies      signs
==========  ==========  ============  ==========
``next``    yes         yes           no
``active``  yes         yes           yes
``retired`` yes         yes           no
==========  ==========  ============  ==========

A key that is not usable is left out and listed in *skipped*; the rest of the set is used.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Final, Literal, Self, cast, get_args

from safeconduct._tokens.algorithms import canonical
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer_policy import OWN_ALGORITHMS
from safeconduct._tokens.key import Key, UnusableKey, read_key, read_secret
from safeconduct._tokens.key_table import KeyTable
from safeconduct._tokens.reader import read_object
from safeconduct.errors import ConfigurationError, MalformedToken

State = Literal["next", "active", "retired"]

MAX_KEYS: Final = 100
_SHOWN_KID: Final = 64
STATE_MEMBER: Final = "safeconduct_state"
SECRETS_KID: Final = re.compile(r"safeconduct-secrets(?:-([2-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?")
"""The kid of a key from which others are derived; without a number it is version 1."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyEntry:
    """A usable key of a set, with its state."""

    key: Key
    state: State
    jwk: Mapping[str, Any] = field(repr=False)

    def is_like(self, other: "KeyEntry") -> bool:
        """Return whether the two are the same key in the same state, so that either may be used."""
        one, two = self.key, other.key
        if (one.kid, one.algorithm, one.is_private, self.state) != (
            two.kid,
            two.algorithm,
            two.is_private,
            other.state,
        ):
            return False
        if one.public_jwk is None or two.public_jwk is None:
            return compare_digest(str(self.jwk.get("k")), str(other.jwk.get("k")))
        # One may name its algorithm "EdDSA" and the other "Ed25519".
        return {**one.public_jwk, "alg": ""} == {**two.public_jwk, "alg": ""}


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """An immutable set of keys, made by ``read``, ``of`` or ``parse``."""

    entries: tuple[KeyEntry, ...] = ()
    derived_keys: DerivedKeys | None = None
    #: The kid of each key that was left out, and why.
    skipped: tuple[tuple[str | None, str], ...] = ()
    table: KeyTable = field(default_factory=KeyTable, repr=False)

    @classmethod
    def parse(
        cls,
        data: bytes,
        *,
        algorithms: Collection[str] = OWN_ALGORITHMS,
        is_own: bool = False,
        is_published: bool = False,
    ) -> Self:
        """
        Parse a JWK Set, or a single JWK, from JSON; the keywords are those of ``read``.

        Raises:
            ConfigurationError: If *data* is no JWK Set.
        """
        try:
            document = read_object(data)
        except MalformedToken as error:
            raise ConfigurationError(f"keys must be a JWK Set in JSON, got {error.reason}") from None
        return cls.read(document, algorithms=algorithms, is_own=is_own, is_published=is_published)

    @classmethod
    def read(
        cls,
        document: Mapping[str, Any],
        *,
        algorithms: Collection[str] = OWN_ALGORITHMS,
        is_own: bool = False,
        is_published: bool = False,
    ) -> Self:
        """
        Take the usable keys of a JWK Set (RFC 7517 §5), or of a single JWK.

        Args:
            document: The set.
            algorithms: The canonical names of the algorithms that the issuer may use.
            is_own: Whether the set is our own, so that keys have states and others are derived from a secret.
            is_published: Whether anyone can read the set, so that a private or symmetric key in it is compromised.

        Raises:
            ConfigurationError: If *document* is no JWK Set, or contains more than 100 keys.
        """
        jwks = [document] if "kty" in document and "keys" not in document else document.get("keys")
        if not isinstance(jwks, list):
            raise ConfigurationError("keys must be a JWK Set with a list named keys")
        return cls.of(cast("list[object]", jwks), algorithms=algorithms, is_own=is_own, is_published=is_published)

    @classmethod
    def of(
        cls,
        jwks: Iterable[object],
        *,
        algorithms: Collection[str] = OWN_ALGORITHMS,
        is_own: bool = False,
        is_published: bool = False,
    ) -> Self:
        """Take the usable keys of *jwks*; the keywords are those of ``read``."""
        listed = list(jwks)
        if len(listed) > MAX_KEYS:
            raise ConfigurationError(f"keys must be at most {MAX_KEYS}, got {len(listed)}")
        draft = _Draft()
        for jwk in listed:
            try:
                if is_own and draft.take_secret(jwk):
                    continue
                state = _state_of(jwk) if is_own else "active"
                key = read_key(jwk, algorithms=algorithms, is_published=is_published)
            except UnusableKey as error:
                draft.skip(jwk, error.reason)
            else:
                draft.entries.append(KeyEntry(key, state, cast("Mapping[str, Any]", jwk)))
        draft.skip_duplicates()
        if not is_own:
            draft.skip_mixed_secrets()
        return cls(
            tuple(draft.entries),
            draft.derived_keys(),
            tuple(draft.skipped),
            KeyTable(each.key for each in draft.entries),
        )

    def published(self) -> dict[str, Any]:
        """Return the JWK Set to publish: the public halves of signing keys in every state, and no secret."""
        shown = [entry.key.public_jwk for entry in self.entries if entry.key.use == "sig"]
        return {"keys": [dict(jwk) for jwk in shown if jwk is not None]}

    def signing_key(self, preferred: str | None = None) -> Key:
        """
        Return the active signing key: one of the *preferred* algorithm if there is one, and of several the last kid.

        *preferred* is the canonical name, as the configuration has it.

        Raises:
            ConfigurationError: If there is none.
        """
        keys = self._active_keys("sig")
        fitting = [key for key in keys if key.algorithm == preferred] or keys
        if not fitting:
            raise ConfigurationError("keys: there is no active signing key; make one with `safeconduct keys new`")
        return max(fitting, key=_kid)

    def encryption_key(self) -> Key:
        """
        Return the active encryption key.

        Raises:
            ConfigurationError: If there is none.
        """
        keys = self._active_keys("enc")
        if not keys:
            raise ConfigurationError(
                "keys: there is no active encryption key; make one with `safeconduct keys new --use enc`"
            )
        return max(keys, key=_kid)

    def _active_keys(self, use: str) -> list[Key]:
        active = (entry.key for entry in self.entries if entry.state == "active")
        return [key for key in active if key.use == use and key.is_private]


def _kid(key: Key) -> str:
    # Kids of ours begin with the date and time, so the last one belongs to the newest key.
    return key.kid or ""


def _secrets_version(jwk: Mapping[str, Any]) -> int | None:
    kid = jwk.get("kid")
    match = SECRETS_KID.fullmatch(kid) if isinstance(kid, str) else None
    return None if match is None else int(match[1] or 1)


def _state_of(jwk: object) -> State:
    state = cast("Mapping[str, Any]", jwk).get(STATE_MEMBER, "active") if isinstance(jwk, Mapping) else "active"
    if state not in get_args(State):
        raise UnusableKey(f"{STATE_MEMBER} is not one of next, active, retired")
    return cast("State", state)


class _Draft:
    """A key set while it is being read."""

    def __init__(self) -> None:
        self.entries: list[KeyEntry] = []
        self.skipped: list[tuple[str | None, str]] = []
        self._refused: list[tuple[str, str]] = []
        self._secrets: dict[int, tuple[bytes, State]] = {}
        self._ambiguous: set[int] = set()

    def skip(self, jwk: object, reason: str) -> None:
        """Leave a key out, and note its kid and algorithm, since another key with both is ambiguous."""
        members: Mapping[str, object] = cast("Mapping[str, object]", jwk) if isinstance(jwk, Mapping) else {}
        kid, algorithm = members.get("kid"), members.get("alg")
        self.skipped.append((kid[:_SHOWN_KID] if isinstance(kid, str) else None, reason))
        if isinstance(kid, str) and isinstance(algorithm, str):
            self._refused.append((kid, canonical(algorithm)))

    def take_secret(self, jwk: object) -> bool:
        """Take *jwk* if it is a secret from which keys are derived; return whether it is."""
        version = _secrets_version(cast("Mapping[str, Any]", jwk)) if isinstance(jwk, Mapping) else None
        if version is None:
            return False
        members = cast("Mapping[str, Any]", jwk)
        taken = read_secret(members), _state_of(members)
        if self._secrets.setdefault(version, taken) != taken:
            # It is unknown which of them is meant.
            self._ambiguous.add(version)
            self.skipped.append((members["kid"], "the same kid twice, with different secrets or states"))
        return True

    def derived_keys(self) -> DerivedKeys | None:
        """Return the derived keys, or None without an active version."""
        certain = {version: taken for version, taken in self._secrets.items() if version not in self._ambiguous}
        active = [version for version, (_, state) in certain.items() if state == "active"]
        return (
            DerivedKeys({version: secret for version, (secret, _) in certain.items()}, max(active)) if active else None
        )

    def skip_duplicates(self) -> None:
        """Skip every key that shares its kid and algorithm with another; of equal keys the first is used."""
        self._skip_repeats()
        names = [(each.key.kid, each.key.algorithm) for each in self.entries if each.key.kid is not None]
        duplicates = {name for name, count in Counter([*names, *self._refused]).items() if count > 1}
        dropped = [each for each in self.entries if (each.key.kid, each.key.algorithm) in duplicates]
        # It is unknown which of them is meant.
        self._leave_out(dropped, "the same kid twice for one algorithm")

    def _skip_repeats(self) -> None:
        entries = self.entries
        repeats = [each for index, each in enumerate(entries) if any(each.is_like(first) for first in entries[:index])]
        self._leave_out(repeats, "the same key twice, the first is used")

    def skip_mixed_secrets(self) -> None:
        """Skip shared secrets in a set that also contains public keys: such a set was made by mistake."""
        signing = [each for each in self.entries if each.key.use == "sig"]
        secrets = [each for each in signing if each.key.is_secret]
        if len(secrets) < len(signing):
            self._leave_out(secrets, "a shared secret beside public keys")

    def _leave_out(self, dropped: list[KeyEntry], reason: str) -> None:
        self.entries = [each for each in self.entries if each not in dropped]
        self.skipped.extend((each.key.kid and each.key.kid[:_SHOWN_KID], reason) for each in dropped)
