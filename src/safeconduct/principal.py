"""Define who is asking: a ``Principal`` that proved its identity, or an ``Anonymous`` that did not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NoReturn, get_args

Level = Literal["anonymous", "remembered", "explicit", "multifactor"]
"""How strongly a user was authenticated, from not at all to several factors."""

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""Every level, the weakest first."""

Reason = Literal["none", "invalid_request", "invalid_token", "unavailable"]
"""Why a caller is anonymous; no finer reason is given."""

CLIENT_SUBJECT: Final = "client:"
"""The prefix of the subject of a client's tokens, so that no client is taken for a person (RFC 9700 §4.15)."""


class NeverRead:
    """Mark what no framework may make of the body or the query of a request, as FastAPI does by pydantic's schemas."""

    def __init__(self, instead: str) -> None:
        """Say what the author of a view writes *instead*."""
        self.instead = instead

    def __get_pydantic_core_schema__(self, *_asked: object) -> NoReturn:
        """
        Refuse, when a view is defined.

        Raises:
            TypeError: Always.
        """
        raise TypeError(self.instead)


_NEVER_READ: Final = NeverRead(
    "a Principal is never read from a request, nor written into a response: it comes from safeconduct.principal(), or "
    "from the dependency safeconduct.fastapi.CurrentPrincipal"
)

NO_CLAIMS: Final[Mapping[str, Any]] = MappingProxyType({})


def rank(level: Level) -> int:
    """Return the index of *level* among all levels, 0 for the weakest."""
    return LEVELS.index(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """
    A caller whose credential was proven.

    A person is the pair (*issuer*, *subject*): a subject alone is unique only within its issuer (RFC 7519 §4.1.2).
    Instants are integer seconds since the epoch.
    """

    # Marked, because `Depends(Principal)` would otherwise make one of the query.
    subject: Annotated[str, _NEVER_READ]
    issuer: str
    #: How the credential travelled: ``bearer``, ``cookie``, ``basic``, ``subprotocol``, ``api_key``.
    scheme: str
    level: Level = "remembered"
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    session_id: str | None = None
    token_id: str | None = None
    client_id: str | None = None
    #: The name of the key that verified the token; None for an opaque one.
    key_id: str | None = field(default=None, repr=False)
    #: When the user last proved who they are; None if that is not known.
    auth_time: int | None = None
    expires_at: int
    #: The claims of its token without empty ones (null, `""`, `[]`, `{}`): `claims.get(name)` is None for both, those
    #: that are missing and those that are empty.
    # A factory: a mappingproxy has no hash before Python 3.12, and a field refuses such a default.
    claims: Mapping[str, Any] = field(default_factory=lambda: NO_CLAIMS, repr=False)
    #: The party that acts for the subject (RFC 8693 §4.1), or None.
    actor: Mapping[str, Any] | None = None
    #: What to call the caller: the name that our own directory gives, else *remote_user*.  It need not be unique.
    display_name: str | None = field(default=None, repr=False)
    #: Identifies the caller here: the subject for our own issuer, a filled-in template for another one, else None.
    remote_user: str | None = None

    @classmethod
    def __get_pydantic_core_schema__(cls, *asked: object) -> NoReturn:
        """
        Refuse to be a model.

        Raises:
            TypeError: Always.
        """
        _NEVER_READ.__get_pydantic_core_schema__(*asked)

    @property
    def is_authenticated(self) -> Literal[True]:
        """Return True: a principal has proven who it is."""
        return True

    @property
    def identity(self) -> str | None:
        """Return *remote_user*, under the name that Starlette uses for it."""
        return self.remote_user


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymous:
    """A caller about whom nothing is known, and why."""

    reason: Reason = "none"

    @property
    def is_authenticated(self) -> Literal[False]:
        """Return False: the caller has not proven who they are."""
        return False

    @property
    def display_name(self) -> None:
        """Return None: an anonymous caller has no name."""
        return

    @property
    def remote_user(self) -> None:
        """Return None: an anonymous caller has no name."""
        return

    @property
    def identity(self) -> None:
        """Return None: an anonymous caller has no name."""
        return

    @property
    def scopes(self) -> frozenset[str]:
        """Return the empty set: an anonymous caller has no scopes."""
        return frozenset()

    @property
    def roles(self) -> frozenset[str]:
        """Return the empty set: an anonymous caller has no roles."""
        return frozenset()


Identity = Principal | Anonymous
