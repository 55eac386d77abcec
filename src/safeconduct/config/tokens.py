"""The tokens that we issue ourselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from safeconduct.config.kinds import Text, Whole
from safeconduct.config.problems import Problem
from safeconduct.config.sections import Agreement, Agreements, by_name, check
from safeconduct.config.values import Algorithm, Leeway, Seconds

_NEEDED_IN_PUBLIC: Final = frozenset({"iss", "exp"})
_NEVER_PUBLIC: Final = frozenset(
    ("sub", "sid", "jti", "acr", "amr", "name", "roles", "groups", "scope", "client_id", "iat_ms"),
)
_PUBLIC_CLAIM: Final = Text(
    f"the name of a claim that tells nothing of the user (not one of {', '.join(sorted(_NEVER_PUBLIC))})",
    lambda name: name not in _NEVER_PUBLIC,
)


def _lives_fit(tokens: "TokenConfig") -> Iterator[Problem]:
    longest = tokens.max_lifetime_seconds
    if tokens.access_lifetime_seconds > longest:
        said = f"got {tokens.access_lifetime_seconds}, wanted at most {longest} (tokens.max_lifetime_seconds)"
        yield Problem("access_lifetime_seconds", said)


def _public_claims_suffice(tokens: "TokenConfig") -> Iterator[Problem]:
    # Whoever cannot decrypt must still see whose token it is and when it ends.
    missing = _NEEDED_IN_PUBLIC - set(tokens.public_claims)
    if missing:
        yield Problem("public_claims", f"got a list without {', '.join(sorted(missing))}, wanted at least iss and exp")
    secret = {tokens.roles_claim, tokens.scopes_claim} & set(tokens.public_claims)
    if secret:
        yield Problem("public_claims", f"got {', '.join(sorted(secret))}, wanted no claim that holds roles or scopes")


@by_name
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    """
    Form and life of the tokens that we issue.

    Attributes:
        format: "jws" is signed and readable, as RFC 9068 has it; "jwe" is encrypted around that; "opaque" is a
            reference to the store, which is then asked whatever the consistency.
        algorithm: The algorithm of new keys; ES256, because every library knows it and its tokens are short.
        access_lifetime_seconds: Life of an access token, in seconds; a quarter of an hour, because that is how long one
            counts where nobody asks for revocations.
        max_lifetime_seconds: A token of ours that claims a longer life, in seconds, is refused, whoever signed it.
        leeway_seconds: How far clocks may differ, in seconds.
        remembered: How many proven tokens are kept in memory; 0 verifies every one anew.
        public_claims: With "jwe": the claims that are readable without the key.
        client_id: The `client_id` of tokens that we issue (RFC 9068 §2.2). Default: the issuer.
        roles_claim: The claim that holds the roles.
        scopes_claim: The claim that holds the scopes.
    """

    format: Literal["jws", "jwe", "opaque"] = "jws"
    algorithm: Algorithm = "ES256"
    access_lifetime_seconds: Seconds = 900
    max_lifetime_seconds: Seconds = 86400
    leeway_seconds: Leeway = 10
    remembered: Annotated[int, Whole(0, 10_000_000)] = 10000
    public_claims: tuple[Annotated[str, _PUBLIC_CLAIM], ...] = ("iss", "aud", "iat", "exp")
    client_id: str | None = None
    roles_claim: str = "roles"
    scopes_claim: str = "scope"

    agreements: ClassVar[Agreements] = (
        Agreement(("access_lifetime_seconds", "max_lifetime_seconds"), _lives_fit),
        Agreement(("public_claims", "roles_claim", "scopes_claim"), _public_claims_suffice),
    )

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "tokens")
