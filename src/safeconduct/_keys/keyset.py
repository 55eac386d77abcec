"""
A set of keys as a value: what may sign, what may prove, what may be shown.

==========  ==========  ============  ==========
state       published   proves        signs
==========  ==========  ============  ==========
``next``    yes         yes           no
``active``  yes         yes           yes
``retired`` yes         yes           no
==========  ==========  ============  ==========

One bad key is left out and named in *skipped*; the set lives.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self, cast, get_args

from safeconduct._keys.derivation import Secrets
from safeconduct._tokens.algorithms import canonical
from safeconduct._tokens.key import Key, UnusableKey, read_key, read_secret
from safeconduct._tokens.policy import OWN_ALGORITHMS
from safeconduct._tokens.reader import read_object
from safeconduct._tokens.table import KeyTable
from safeconduct.errors import ConfigurationError, MalformedToken

State = Literal["next", "active", "retired"]

MAX_KEYS: Final = 100
STATE_MEMBER: Final = "safeconduct_state"
SECRETS_KID: Final = re.compile(r"safeconduct-secrets(?:-([2-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?")
"""The kid of a key that others are derived from; without a number it is version 1."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One usable key of a set and its state."""

    key: Key
    state: State
    jwk: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """An immutable set of keys; made by ``read`` or ``parse``."""

    entries: tuple[Entry, ...] = ()
    secrets: Secrets | None = None
    #: The kid of each key that was left out, and why.
    skipped: tuple[tuple[str | None, str], ...] = ()
    table: KeyTable = field(default_factory=KeyTable, repr=False)

    @classmethod
    def parse(cls, data: bytes, **how: Any) -> Self:
        """
        Read a JWK Set, or a single JWK, from its bytes; the keywords are those of ``read``.

        Raises:
            ConfigurationError: If it is not one.
        """
        try:
            document = read_object(data)
        except MalformedToken as error:
            raise ConfigurationError(f"keys must be a JWK Set in JSON, got {error.reason}") from None
        return cls.read(document, **how)

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
            algorithms: The canonical names of what its owner may use.
            is_own: Whether it is ours, with states and derived secrets.
            is_published: Whether anyone can read it, so that a private or symmetric key in it is compromised.

        Raises:
            ConfigurationError: If it is not a set, or holds more than 100 keys.
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
        """Take the usable keys of *jwks*; as ``read``."""
        listed = list(jwks)
        if len(listed) > MAX_KEYS:
            raise ConfigurationError(f"keys must be at most {MAX_KEYS}, got {len(listed)}")
        entries: list[Entry] = []
        skipped: list[tuple[str | None, str]] = []
        versions: dict[int, bytes] = {}
        current = 0
        for jwk in listed:
            kid = _kid_of(jwk)
            version = _secrets_version(kid) if is_own else None
            try:
                state = _state_of(jwk) if is_own else "active"
                if version is None:
                    key = read_key(jwk, algorithms=algorithms, is_published=is_published)
                    entries.append(Entry(key, state, cast("Mapping[str, Any]", jwk)))
                else:
                    versions[version] = read_secret(cast("Mapping[str, Any]", jwk))
                    current = max(current, version) if state == "active" else current
            except UnusableKey as error:
                skipped.append((kid, error.reason))
        kept = _without_doubles(entries, skipped)
        if not is_own:
            kept = _without_mixed_secrets(kept, skipped)
        secrets = Secrets(versions, current) if current else None
        return cls(tuple(kept), secrets, tuple(skipped), KeyTable(entry.key for entry in kept))

    def published(self) -> dict[str, Any]:
        """Return the JWK Set for anyone to read: public halves of signing keys, no secret, in every state."""
        shown = [entry.key.public_jwk for entry in self.entries if entry.key.use == "sig"]
        return {"keys": [dict(jwk) for jwk in shown if jwk is not None]}

    def signing_key(self, preferred: str | None = None) -> Key:
        """
        Return the active key that signs: of the *preferred* algorithm if there is one, and of several the last kid.

        Raises:
            ConfigurationError: If there is none.
        """
        keys = self._acting("sig")
        fitting = [key for key in keys if preferred is not None and key.algorithm == canonical(preferred)] or keys
        if not fitting:
            raise ConfigurationError("keys: there is no active key that signs; make one with `safeconduct keys new`")
        return max(fitting, key=_age)

    def sealing_key(self) -> Key:
        """
        Return the active key for envelopes.

        Raises:
            ConfigurationError: If there is none.
        """
        keys = self._acting("enc")
        if not keys:
            raise ConfigurationError(
                "keys: there is no active key for envelopes; make one with `safeconduct keys new --use enc`"
            )
        return max(keys, key=_age)

    def _acting(self, use: str) -> list[Key]:
        active = (entry.key for entry in self.entries if entry.state == "active")
        return [key for key in active if key.use == use and key.is_private]


def _age(key: Key) -> str:
    # New kids begin with their day and time, so that the last in the alphabet is the newest.
    return key.kid or ""


def _kid_of(jwk: object) -> str | None:
    kid = cast("Mapping[str, Any]", jwk).get("kid") if isinstance(jwk, Mapping) else None
    return kid[:64] if isinstance(kid, str) else None


def _secrets_version(kid: str | None) -> int | None:
    match = None if kid is None else SECRETS_KID.fullmatch(kid)
    return None if match is None else int(match[1] or 1)


def _state_of(jwk: object) -> State:
    state = cast("Mapping[str, Any]", jwk).get(STATE_MEMBER, "active") if isinstance(jwk, Mapping) else "active"
    if state not in get_args(State):
        raise UnusableKey(f"{STATE_MEMBER} is not one of next, active, retired")
    return cast("State", state)


def _without_doubles(entries: list[Entry], skipped: list[tuple[str | None, str]]) -> list[Entry]:
    """Drop every key whose kid and algorithm another has too: nobody could say which of them proved."""
    seen = Counter((entry.key.kid, entry.key.algorithm) for entry in entries if entry.key.kid is not None)
    doubles = {name for name, count in seen.items() if count > 1}
    skipped.extend((kid, "the same kid twice") for kid, _ in doubles)
    return [entry for entry in entries if (entry.key.kid, entry.key.algorithm) not in doubles]


def _without_mixed_secrets(entries: list[Entry], skipped: list[tuple[str | None, str]]) -> list[Entry]:
    """Drop shared secrets that stand beside public keys: such a set was put together by mistake."""
    secrets = [entry for entry in entries if entry.key.is_secret and entry.key.use == "sig"]
    if not any(not entry.key.is_secret and entry.key.use == "sig" for entry in entries):
        return entries
    skipped.extend((entry.key.kid, "a shared secret beside public keys") for entry in secrets)
    return [entry for entry in entries if entry not in secrets]
