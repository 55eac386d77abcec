"""What comes of a request: ``Passed`` with the identity and its proof, or ``Refused`` with the error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from safeconduct._core.ports import Question
from safeconduct.errors import AuthError
from safeconduct.principal import Identity, Principal

Clock = Callable[[], float]
"""Returns the seconds since the epoch."""


Key = bytes | str
"""What a credential is known by: the bytes that carried it, with their place."""

Ambient = Literal["cookie", "basic"]
"""The kinds of credential that a browser sends by itself."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What an identity rests on, so that an inner middleware of the same ``Auth`` need not prove it again."""

    #: The bytes that were proven, with their place; compared, never shown.
    credential: Key = field(repr=False)
    #: Until when it holds, milliseconds since the epoch, leeway included.
    expires_ms: int
    #: What the store is asked about it, every time.
    question: Question
    #: What kind of credential a browser sends by itself; None for one that it does not.
    ambient: Ambient | None = None


def _told(identity: Identity) -> Mapping[str, str]:
    if not isinstance(identity, Principal):
        return {}
    name = identity.remote_user
    if name is None:
        return {"AUTH_TYPE": identity.scheme}
    # PEP 3333 strings carry bytes as latin-1.
    return {"AUTH_TYPE": identity.scheme, "REMOTE_USER": name.encode("utf-8", "replace").decode("latin-1")}


@dataclass(frozen=True, slots=True)
class Passed:
    """The request may go on, in the name of *identity*; *proof* is None for an ``Anonymous``."""

    identity: Identity
    #: As Starlette reads them in ``scope["auth"]``, so that its own ``@requires`` works.
    scopes: frozenset[str]
    clock: Clock = field(repr=False)
    #: The mark of the ``Auth`` that decided.
    owner: object = field(repr=False)
    proof: Proof | None = None
    #: Whether a cookie carried the credential, so that no shared cache may keep what it asked for.
    is_by_cookie: bool = False
    #: What a WSGI environ is told beside the identity, made once.
    told: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Reckon what follows from the rest."""
        object.__setattr__(self, "told", _told(self.identity))

    @classmethod
    def of(cls, identity: Identity, clock: Clock, owner: object, proof: Proof | None = None) -> "Passed":
        """Return what lets *identity* through."""
        scopes = identity.scopes
        if isinstance(identity, Principal):
            # Starlette's own word for "somebody": `@requires("authenticated")`.
            scopes |= {"authenticated"}
        return cls(identity, scopes, clock, owner, proof, proof is not None and proof.ambient == "cookie")


class Known:
    """
    A remembered ``Passed`` that has a proof, and at which version of the store's view it was last found to hold.

    Not frozen: the version moves on.  A race between two threads repeats a look, and nothing else.
    """

    __slots__ = ("expires_at", "passed", "question", "version")

    def __init__(self, passed: Passed, proof: Proof) -> None:
        self.passed = passed
        self.question = proof.question
        #: Seconds since the epoch.
        self.expires_at = proof.expires_ms / 1000
        self.version: object = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The request ends here, answered with *error*."""

    error: AuthError


Decision = Passed | Refused
