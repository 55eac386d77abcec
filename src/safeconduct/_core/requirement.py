"""Define what a request must bring, and compare it with what its caller has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from safeconduct.errors import AuthError, InsufficientRights, MissingCredential, StepUpRequired, Unavailable
from safeconduct.principal import Anonymous, Identity, Level, Principal, rank

#: The kind of a credential, where it is not the scheme of its principal: where a token is written changes nothing.
_KIND_OF: Final = {"subprotocol": "bearer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """
    The sum of every rule that matches a request.

    An open requirement lets everyone through, whatever scopes, roles and level it names.
    """

    is_open: bool = False
    #: All of them are needed.
    scopes: frozenset[str] = frozenset()
    #: One role of each set is needed.
    role_sets: tuple[frozenset[str], ...] = ()
    level: Level | None = None
    max_age_seconds: int | None = None
    #: Whether the origin is checked for GET and HEAD too.
    is_unsafe: bool = False
    consistency: Literal["strict", "bounded", "none"] | None = None
    #: What happens while revocations cannot be checked; None for the default.
    on_outage: Literal["refuse", "serve"] | None = None
    #: Whether the response is watched, and ends with its credential.
    is_long_lived: bool = False
    #: The kinds of credentials that are accepted; None for all.  Where it is empty, nobody passes.
    schemes: frozenset[str] | None = None
    #: Whether it asks for more than any principal; stored, because every request needs it.
    is_particular: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Derive ``is_particular`` from the other fields."""
        asks_more = bool(
            self.scopes or self.role_sets or self.level or self.max_age_seconds is not None or self.schemes is not None
        )
        object.__setattr__(self, "is_particular", asks_more)

    def __add__(self, other: "Requirement") -> "Requirement":
        """Return the requirement that is met if both are: requirements only add up."""
        ages = [age for age in (self.max_age_seconds, other.max_age_seconds) if age is not None]
        levels: list[Level] = [level for level in (self.level, other.level) if level is not None]
        by_rank: list[Level] = sorted(levels, key=rank)
        consistencies = {self.consistency, other.consistency}
        return Requirement(
            is_open=self.is_open and other.is_open,
            scopes=self.scopes | other.scopes,
            role_sets=self.role_sets + tuple(roles for roles in other.role_sets if roles not in self.role_sets),
            level=by_rank[-1] if by_rank else None,
            max_age_seconds=min(ages, default=None),
            is_unsafe=self.is_unsafe or other.is_unsafe,
            consistency="strict" if "strict" in consistencies else self.consistency or other.consistency,
            on_outage="refuse" if "refuse" in {self.on_outage, other.on_outage} else self.on_outage or other.on_outage,
            is_long_lived=self.is_long_lived or other.is_long_lived,
            schemes=_common(self.schemes, other.schemes),
        )

    def check(self, identity: Identity, *, now: float) -> None:
        """
        Raise what the caller lacks: first a credential, then one of the right kind, rights, and a better proof.

        Args:
            identity: Who is asking.
            now: The current time, in seconds since the epoch.

        Raises:
            MissingCredential: If the caller is an ``Anonymous`` and the requirement is not open.
            Unavailable: The same, if the store or the directory could not be asked about their credential.
            InsufficientRights: If a scope or a role is missing (RFC 6750 §3.1), or the credential is of a kind that is
                not accepted.
            StepUpRequired: If the level is too low or the proof too old (RFC 9470 §3).
        """
        if not isinstance(identity, Principal):
            if self.is_open:
                return
            raise refusal_of(identity)
        if self.is_particular and not self.is_open:
            self._check_rights(identity)
            self._check_proof(identity, now)

    def is_met_by(self, identity: Identity, *, now: float) -> bool:
        """Say whether ``check`` would pass."""
        try:
            self.check(identity, now=now)
        except AuthError:
            return False
        return True

    def _check_rights(self, principal: Principal) -> None:
        if self.schemes is not None and _KIND_OF.get(principal.scheme, principal.scheme) not in self.schemes:
            # Not 401: no proof of who they are would help, and a browser would be sent to sign in for ever.
            raise InsufficientRights(reason="scheme")
        if not self.scopes <= principal.scopes:
            raise InsufficientRights(sorted(self.scopes), reason="scope")
        if any(roles.isdisjoint(principal.roles) for roles in self.role_sets):
            raise InsufficientRights(reason="role")

    def _check_proof(self, principal: Principal, now: float) -> None:
        too_low = self.level is not None and rank(principal.level) < rank(self.level)
        too_old = self.max_age_seconds is not None and (
            # Without ``auth_time`` the age of the proof is unknown (RFC 9470 §4).
            principal.auth_time is None or now - principal.auth_time > self.max_age_seconds
        )
        if not too_low and not too_old:
            return
        if principal.scheme == "client" or (
            principal.client_id is not None and principal.client_id == principal.subject
        ):
            # The token belongs to a client and not to a user, so there is no user who could step up.
            raise InsufficientRights(reason="a client cannot step up")
        error = StepUpRequired(self.level, self.max_age_seconds, reason="level" if too_low else "age")
        error.principal = principal
        raise error


def _common(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


OPEN = Requirement(is_open=True)
"""Everyone may."""

AUTHENTICATED = Requirement()
"""Any principal may."""


def refusal_of(caller: Identity) -> AuthError:
    """Return the error where a principal is needed and *caller* is none: 503 if a server did not answer, else 401."""
    if isinstance(caller, Anonymous) and caller.reason == "unavailable":
        return Unavailable("the credential of the caller could not be checked")
    return MissingCredential()


def is_issued_by(issuer: str | None, principal: Principal) -> bool:
    """Return whether *issuer* made the access token of *principal*, who may be another issuer's person."""
    return issuer is not None and issuer in (principal.issuer, principal.claims.get("iss"))


def requirements_of(view: Any) -> Iterator[Requirement]:
    """Yield what each ``requires`` around *view* asks."""
    while view is not None:
        found: object = getattr(view, "safeconduct_requirement", None)
        if isinstance(found, Requirement):
            yield found
        view = getattr(view, "__wrapped__", None)
