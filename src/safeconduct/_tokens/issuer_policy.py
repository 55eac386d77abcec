"""What tokens of one issuer must look like, and how their claims become ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from safeconduct._tokens.algorithms import ALGORITHMS, SIGNATURES, canonical
from safeconduct._tokens.key_table import KeySource
from safeconduct._tokens.reader import media_type
from safeconduct.config import Config, Trust
from safeconduct.errors import ConfigurationError
from safeconduct.principal import Level

ACR: Final[Mapping[str, Level]] = {
    f"urn:safeconduct:acr:{level}": level for level in ("remembered", "explicit", "multifactor")
}
"""The own levels by the value of ``acr`` that states them."""

OWN_ALGORITHMS: Final = frozenset(ALGORITHMS) - {"dir"}
"""What keys of our own may do; ``dir`` has no fresh content key and is never issued."""

ACCESS_TOKEN: Final = "at+jwt"  # noqa: S105 - a media type
"""The type of an access token (RFC 9068 §2.1)."""

PADDING_CLAIM: Final = "pad"
"""The claim that fills up an encrypted token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
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
    #: Its role to ours; None for the own issuer, whose roles are ours.
    roles: Mapping[str, str] | None = None
    #: Its ``acr`` to our level.
    levels: Mapping[str, Level] = field(default_factory=dict[str, Level])
    #: The template of the name by which callers are known here; None where a foreign subject stays without one.
    remote_user: str | None = None
    roles_claim: str = "roles"
    scopes_claim: str = "scope"
    #: Whether a server's clock stamps its tokens: then ``iat`` and ``nbf`` are compared with that, once it is asked.
    is_dated_by_store: bool = False
    #: What a ``jwe`` of ours repeats in its protected header.
    public_claims: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check what a request could not be told about."""
        if not self.issuer or not self.audience:
            raise ConfigurationError(f"issuer and audience must not be empty, got {self.issuer!r}, {self.audience!r}")


def own_policy(config: Config, keys: KeySource) -> Policy:
    """Return the rules for the tokens that we issue ourselves."""
    if config.issuer is None or config.audience is None:
        raise ConfigurationError("keys: issuer and audience are needed to issue and to verify own tokens")
    tokens = config.tokens
    return Policy(
        issuer=config.issuer,
        audience=config.audience,
        keys=keys,
        is_own=True,
        max_lifetime_seconds=tokens.max_lifetime_seconds,
        leeway_seconds=tokens.leeway_seconds,
        levels=ACR,
        remote_user="{sub}",
        roles_claim=tokens.roles_claim,
        scopes_claim=tokens.scopes_claim,
        public_claims=frozenset(tokens.public_claims),
    )


def trust_policy(trust: Trust, keys: KeySource) -> Policy:
    """Return the rules for the tokens of a foreign issuer; what it may say is only what the trust maps."""
    return Policy(
        issuer=trust.issuer,
        audience=trust.audience,
        keys=keys,
        token_types=frozenset(media_type(each) for each in trust.token_types),
        max_lifetime_seconds=trust.max_lifetime_seconds,
        leeway_seconds=trust.leeway_seconds,
        scopes=None if trust.scopes is None else frozenset(trust.scopes),
        roles=dict(trust.roles or {}),
        levels=dict(trust.levels or {}),
        remote_user=trust.remote_user,
        roles_claim=trust.roles_claim,
        scopes_claim=trust.scopes_claim,
    )


def trust_algorithms(trust: Trust) -> frozenset[str]:
    """
    Return the canonical names of the algorithms that a trust allows; ``A256GCM`` may be named and is always meant.

    Raises:
        ConfigurationError: If the list is empty or names an algorithm that is not offered.
    """
    names = frozenset(canonical(name) for name in trust.algorithms) - {"A256GCM"}
    unknown = sorted(names - ALGORITHMS.keys())
    if unknown or not names & SIGNATURES:
        raise ConfigurationError(
            f"trust.algorithms must name at least one signature and only known ones, got {list(trust.algorithms)!r}; "
            f"known are {sorted(ALGORITHMS)}"
        )
    return names
