"""What comes of a request: ``Passed`` with the identity and its proof, or ``Refused`` with the error."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from safeconduct._core.ports import Question
from safeconduct.errors import AuthError
from safeconduct.principal import Identity, Principal

Clock = Callable[[], float]
"""Returns the seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Rights:
    """The scopes as Starlette reads them: ``scope["auth"].scopes`` (its ``@requires`` works)."""

    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What an identity rests on, so that an inner middleware of the same ``Auth`` need not prove it again."""

    #: The ``Auth`` that proved it.
    owner: object
    #: The bytes that were proven, with their place; compared, never shown.
    credential: Hashable = field(repr=False)
    #: Until when it holds, milliseconds since the epoch, leeway included.
    expires_ms: int
    #: What the store is asked about it, every time.
    question: Question
    #: Whether a browser sends the credential by itself.
    is_ambient: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """The request may go on, in the name of *identity*; *proof* is None for an ``Anonymous``."""

    identity: Identity
    rights: Rights
    clock: Clock = field(repr=False)
    proof: Proof | None = None

    @classmethod
    def of(cls, identity: Identity, clock: Clock, proof: Proof | None = None) -> "Passed":
        """Return what lets *identity* through."""
        scopes = identity.scopes
        if isinstance(identity, Principal):
            # Starlette's own word for "somebody": `@requires("authenticated")`.
            scopes |= {"authenticated"}
        return cls(identity, Rights(scopes), clock, proof)


@dataclass(frozen=True, slots=True)
class Refused:
    """The request ends here, answered with *error*."""

    error: AuthError


Decision = Passed | Refused
