"""State the rules for the tokens of one issuer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from safeconduct._tokens.algorithms import ALGORITHMS
from safeconduct._tokens.key_table import KeySource
from safeconduct.errors import ConfigurationError
from safeconduct.principal import Level

ACR: Final[Mapping[str, Level]] = {
    f"urn:safeconduct:acr:{level}": level for level in ("remembered", "explicit", "multifactor")
}
"""The levels of our own tokens by the value of ``acr`` that states them."""

OWN_ALGORITHMS: Final = frozenset(ALGORITHMS) - {"dir"}
"""The algorithms of our own keys; ``dir`` has no fresh content key, so no token is issued with it."""

HAND_OVER_TOKEN: Final = "safeconduct-handover+jwt"  # noqa: S105 - a media type
"""The type of a token that hands a browser over, which is a credential nowhere else."""

HAND_OVER_SECONDS: Final = 60
"""The longest life of such a token."""

ACCESS_TOKEN: Final = "at+jwt"  # noqa: S105 - a media type
"""The type of an access token (RFC 9068 §2.1)."""

ASSERTION: Final = "client-authentication+jwt"
"""The type of a client's assertion, which is never a bearer token (draft-ietf-oauth-rfc7523bis)."""

PADDING_CLAIM: Final = "pad"
"""The claim that pads an encrypted token, so that its length does not reveal the other claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerPolicy:
    """The rules for the tokens of one issuer."""

    issuer: str
    audience: str
    keys: KeySource = field(repr=False)
    is_own: bool = False
    #: As ``media_type`` spells them.
    token_types: frozenset[str] = frozenset({ACCESS_TOKEN})
    max_lifetime_seconds: int = 86400
    leeway_seconds: int = 10
    #: The scopes that count; None for all.
    scopes: frozenset[str] | None = None
    #: The issuer's roles, each with the role of ours that it gives; None for our own tokens, which name ours.
    roles: Mapping[str, str] | None = None
    #: The issuer's ``acr`` values, each with our level.
    levels: Mapping[str, Level] = field(default_factory=dict[str, Level])
    #: The template of the name by which callers are known here; None if subjects of this issuer get no name.
    remote_user: str | None = None
    #: The issuers that may hand their people over to us, each with the template of their names; for our own tokens.
    people: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    roles_claim: str = "roles"
    scopes_claim: str = "scope"
    #: Whether the store's clock dates the tokens; ``iat`` and ``nbf`` are then compared once the store is asked.
    is_dated_by_store: bool = False
    #: The claims that one of our encrypted tokens repeats in its protected header.
    public_claims: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check that the issuer and the audience have names."""
        if not self.issuer or not self.audience:
            raise ConfigurationError(f"issuer and audience must not be empty, got {self.issuer!r}, {self.audience!r}")

    def remote_user_of(self, subject: str, person_issuer: str | None = None) -> str | None:
        """Return the name by which *subject* is known here; of *person_issuer* if that handed the person over."""
        template = self.remote_user if person_issuer is None else self.people.get(person_issuer)
        return None if template is None else template.replace("{sub}", subject)
