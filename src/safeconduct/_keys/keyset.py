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
"""The kid of a key that others are derived from; without a number it is version 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One usable key of a set and its state."""

    key: Key
    state: State
    jwk: Mapping[str, Any] = field(repr=False)

    def is_like(self, other: "Entry") -> bool:
        """Say whether it makes no difference which of the two is used."""
        mine, theirs = self.key, other.key
        if (mine.kid, mine.algorithm, mine.is_private, self.state) != (
            theirs.kid,
            theirs.algorithm,
            theirs.is_private,
            other.state,
        ):
            return False
        if mine.public_jwk is None or theirs.public_jwk is None:
            return compare_digest(str(self.jwk.get("k")), str(other.jwk.get("k")))
        # One may spell its algorithm "EdDSA" and the other "Ed25519".
        return {**mine.public_jwk, "alg": ""} == {**theirs.public_jwk, "alg": ""}


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """An immutable set of keys; made by ``read`` or ``parse``."""

    entries: tuple[Entry, ...] = ()
    derived_keys: DerivedKeys | None = None
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
        draft = _Draft()
        for jwk in listed:
            try:
                if is_own and draft.took_secret(jwk):
                    continue
                state = _state_of(jwk) if is_own else "active"
                key = read_key(jwk, algorithms=algorithms, is_published=is_published)
            except UnusableKey as error:
                draft.skip(jwk, error.reason)
            else:
                draft.entries.append(Entry(key, state, cast("Mapping[str, Any]", jwk)))
        draft.drop_doubles()
        if not is_own:
            draft.drop_mixed_secrets()
        return cls(
            tuple(draft.entries),
            draft.derived_keys(),
            tuple(draft.skipped),
            KeyTable(each.key for each in draft.entries),
        )

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
    """A set while it is being read."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.skipped: list[tuple[str | None, str]] = []
        self._refused: list[tuple[str, str]] = []
        self._secrets: dict[int, tuple[bytes, State]] = {}
        self._doubtful: set[int] = set()

    def skip(self, jwk: object, reason: str) -> None:
        """Leave a key out, and remember the name that it claimed."""
        members: Mapping[str, object] = cast("Mapping[str, object]", jwk) if isinstance(jwk, Mapping) else {}
        kid, algorithm = members.get("kid"), members.get("alg")
        self.skipped.append((kid[:_SHOWN_KID] if isinstance(kid, str) else None, reason))
        if isinstance(kid, str) and isinstance(algorithm, str):
            self._refused.append((kid, canonical(algorithm)))

    def took_secret(self, jwk: object) -> bool:
        """Take a key that others are derived from, if it is one."""
        version = _secrets_version(cast("Mapping[str, Any]", jwk)) if isinstance(jwk, Mapping) else None
        if version is None:
            return False
        members = cast("Mapping[str, Any]", jwk)
        taken = read_secret(members), _state_of(members)
        if self._secrets.setdefault(version, taken) != taken:
            # Nobody could say which of them is meant.
            self._doubtful.add(version)
            self.skipped.append((members["kid"], "the same kid twice, with different secrets or states"))
        return True

    def derived_keys(self) -> DerivedKeys | None:
        """Return what others are derived from, if there is an active version."""
        sure = {version: taken for version, taken in self._secrets.items() if version not in self._doubtful}
        active = [version for version, (_, state) in sure.items() if state == "active"]
        return DerivedKeys({version: secret for version, (secret, _) in sure.items()}, max(active)) if active else None

    def drop_doubles(self) -> None:
        """Drop every key whose kid and algorithm another claims too; of equal ones the first stays."""
        self._drop_repeats()
        names = [(each.key.kid, each.key.algorithm) for each in self.entries if each.key.kid is not None]
        doubles = {name for name, count in Counter([*names, *self._refused]).items() if count > 1}
        dropped = [each for each in self.entries if (each.key.kid, each.key.algorithm) in doubles]
        # Nobody could say which of them is meant.
        self._leave_out(dropped, "the same kid twice for one algorithm")

    def _drop_repeats(self) -> None:
        entries = self.entries
        repeats = [each for place, each in enumerate(entries) if any(each.is_like(first) for first in entries[:place])]
        self._leave_out(repeats, "the same key twice, the first is used")

    def drop_mixed_secrets(self) -> None:
        """Drop shared secrets that stand beside public keys: such a set was put together by mistake."""
        signing = [each for each in self.entries if each.key.use == "sig"]
        secrets = [each for each in signing if each.key.is_secret]
        if len(secrets) < len(signing):
            self._leave_out(secrets, "a shared secret beside public keys")

    def _leave_out(self, dropped: list[Entry], reason: str) -> None:
        self.entries = [each for each in self.entries if each not in dropped]
        self.skipped.extend((each.key.kid and each.key.kid[:_SHOWN_KID], reason) for each in dropped)
