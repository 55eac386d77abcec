"""Tokens that others issue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from safeconduct.config.addresses import is_secure_url
from safeconduct.config.kinds import Keys, Many, OrNone, Text
from safeconduct.config.problems import Problem
from safeconduct.config.sections import Agreement, Agreements, by_name, check, kind_of
from safeconduct.config.values import ENCRYPTIONS, Leeway, ProvenLevel, Scope, Seconds, TokenType, TrustedAlgorithm

SUBJECT: Final = "{sub}"


def _is_user_template(text: str) -> bool:
    around = text.split(SUBJECT)
    return len(around) == 2 and not any(brace in part for part in around for brace in "{}")  # noqa: PLR2004 - before, after


def _one_place_of_keys(trust: "Trust") -> Iterator[Problem]:
    given = [name for name in ("keys", "jwks") if getattr(trust, name) is not None] + ["discovery"] * trust.discovery
    if len(given) != 1:
        yield Problem("keys", f"got {' and '.join(given) or 'nothing'}, wanted exactly one of keys, jwks, discovery")


def _something_is_signed(trust: "Trust") -> Iterator[Problem]:
    # Decrypting proves nothing about who wrote a token: a public key encrypts for everybody.
    if set(trust.algorithms) <= set(ENCRYPTIONS):
        yield Problem("algorithms", "got algorithms that only encrypt, wanted one that signs too")


@by_name
@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """
    One foreign issuer, and what its tokens are worth here.

    Attributes:
        issuer: The `iss` of its tokens.
        audience: The `aud` that its tokens must have: our name there.
        algorithms: The algorithms that its tokens may use; never taken from a token. `EdDSA` reads as `Ed25519`.
        keys: Its keys: the path of a JWK Set, "env:NAME", in code the set itself. Exactly one of `keys`, `jwks` and
            `discovery` is given.
        jwks: The https URL of its JWK Set.
        discovery: Whether its metadata document says where its keys are.
        token_types: The values of `typ` of which its tokens must have one; that of RFC 9068, so that an ID token is not
            taken for an access token.
        max_lifetime_seconds: A token of it that claims a longer life, in seconds, is refused.
        leeway_seconds: How far its clock may differ from ours, in seconds.
        scopes: Which of its scopes count. Default: all.
        roles: Its roles, each with the role of ours that it gives. Default: none counts.
        levels: Its `acr` values, each with our level. Default: none counts, and callers are remembered.
        remote_user: What `REMOTE_USER` and `display_name` become, with `{sub}` for the subject. Default: they are
            absent, because a subject is unique only within its issuer.
        roles_claim: The claim that holds the roles.
        scopes_claim: The claim that holds the scopes.
    """

    issuer: str
    audience: str
    algorithms: Annotated[tuple[str, ...], Many(kind_of(TrustedAlgorithm), least=1)]
    keys: Annotated[str | Path | Mapping[str, Any] | None, OrNone(Keys())] = field(default=None, repr=False)
    jwks: Annotated[str, Text("an https URL without user and fragment", is_secure_url)] | None = None
    discovery: bool = False
    token_types: Annotated[tuple[str, ...], Many(kind_of(TokenType), least=1)] = ("at+jwt",)
    max_lifetime_seconds: Seconds = 86400
    leeway_seconds: Leeway = 10
    scopes: tuple[Scope, ...] | None = None
    roles: Mapping[str, str] | None = None
    levels: Mapping[str, ProvenLevel] | None = None
    remote_user: Annotated[str, Text('a text with "{sub}" once and no other brace', _is_user_template)] | None = None
    roles_claim: str = "roles"
    scopes_claim: str = "scope"

    agreements: ClassVar[Agreements] = (
        Agreement(("keys", "jwks", "discovery"), _one_place_of_keys),
        Agreement(("algorithms",), _something_is_signed),
    )

    def __post_init__(self) -> None:
        """Check the trust."""
        check(self, "trust")
