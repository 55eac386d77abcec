"""Configure the tokens that we issue, and the foreign issuers whose tokens are accepted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from safeconduct.config.field_errors import Problem
from safeconduct.config.fields import (
    ENCRYPTION_NAMES,
    SUBJECT,
    AlgorithmName,
    Integer,
    Keys,
    Leeway,
    ListOf,
    OriginText,
    OrNone,
    ProvenLevel,
    ScopeName,
    Seconds,
    Text,
    TokenType,
    TrustedAlgorithmName,
)
from safeconduct.config.sections import CrossCheck, CrossChecks, check_section, checked_constructor, field_type_of
from safeconduct.config.urls import is_secure_url

_REQUIRED_PUBLIC: Final = frozenset({"iss", "exp"})
_NEVER_PUBLIC: Final = frozenset(
    ("sub", "sid", "jti", "acr", "amr", "name", "roles", "groups", "scope", "client_id", "iat_ms"),
)
_PUBLIC_CLAIM: Final = Text(
    f"the name of a claim that reveals nothing about the user (not one of {', '.join(sorted(_NEVER_PUBLIC))})",
    lambda name: name not in _NEVER_PUBLIC,
)


def _lifetimes_fit(tokens: "TokenConfig") -> Iterator[Problem]:
    longest = tokens.max_lifetime_seconds
    if tokens.access_lifetime_seconds > longest:
        said = f"got {tokens.access_lifetime_seconds}, wanted at most {longest} (tokens.max_lifetime_seconds)"
        yield Problem("access_lifetime_seconds", said)


def _public_claims_suffice(tokens: "TokenConfig") -> Iterator[Problem]:
    # A reader without the key must still see the issuer and the expiry.
    missing = _REQUIRED_PUBLIC - set(tokens.public_claims)
    if missing:
        yield Problem("public_claims", f"got a list without {', '.join(sorted(missing))}, wanted at least iss and exp")
    secret = {tokens.roles_claim, tokens.scopes_claim} & set(tokens.public_claims)
    if secret:
        yield Problem("public_claims", f"got {', '.join(sorted(secret))}, wanted no claim that holds roles or scopes")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    """
    The format and lifetime of the tokens that we issue.

    Attributes:
        format: "jws" is signed and readable (RFC 9068); "jwe" is signed and encrypted; "opaque" is a reference to the
            store, which is then asked whatever `revocation.consistency` says; with "bounded" once in each period of
            `staleness_seconds`.
        algorithm: The algorithm of new keys; ES256, because every library supports it and its tokens are short.
        access_lifetime_seconds: The lifetime of an access token, in seconds; a quarter of an hour, because a revoked
            token stays valid for that long at a service that does not check revocations.
        max_lifetime_seconds: The maximum lifetime of a token of ours, in seconds; one that claims more is refused
            even with a good signature.
        leeway_seconds: How far clocks may differ, in seconds.
        remembered: How many verified tokens are cached in memory; 0 verifies the token at every request.
        public_claims: With "jwe": the claims that can be read without the key.
        client_id: The `client_id` of tokens that we issue (RFC 9068 §2.2). Default: the issuer.
        roles_claim: The claim that holds the roles.
        scopes_claim: The claim that holds the scopes.
        audiences: The other services for which tokens may be issued, by the `aud` that each of them expects.
    """

    format: Literal["jws", "jwe", "opaque"] = "jws"
    algorithm: AlgorithmName = "ES256"
    access_lifetime_seconds: Seconds = 900
    max_lifetime_seconds: Seconds = 86400
    leeway_seconds: Leeway = 10
    remembered: Annotated[int, Integer(0, 10_000_000)] = 10000
    public_claims: tuple[Annotated[str, _PUBLIC_CLAIM], ...] = ("iss", "aud", "iat", "exp")
    client_id: str | None = None
    roles_claim: str = "roles"
    scopes_claim: str = "scope"
    audiences: tuple[str, ...] = ()

    cross_checks: ClassVar[CrossChecks] = (
        CrossCheck(("access_lifetime_seconds", "max_lifetime_seconds"), _lifetimes_fit),
        CrossCheck(("public_claims", "roles_claim", "scopes_claim"), _public_claims_suffice),
    )

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "tokens")


def _is_user_template(text: str) -> bool:
    around = text.split(SUBJECT)
    return len(around) == 2 and not any(brace in part for part in around for brace in "{}")  # noqa: PLR2004 - before, after


def _one_key_source(trust: "Trust") -> Iterator[Problem]:
    given = [name for name in ("keys", "jwks") if getattr(trust, name) is not None] + ["discovery"] * trust.discovery
    if len(given) != 1:
        yield Problem("keys", f"got {' and '.join(given) or 'nothing'}, wanted exactly one of keys, jwks, discovery")


def _some_algorithm_signs(trust: "Trust") -> Iterator[Problem]:
    # Encryption does not prove who made a token: anyone can encrypt with a public key.
    if set(trust.algorithms) <= set(ENCRYPTION_NAMES):
        yield Problem("algorithms", "got algorithms that only encrypt, wanted one that signs too")


def _no_hand_over_is_an_access_token(trust: "Trust") -> Iterator[Problem]:
    # It counts once, and at one endpoint; as an access token it would count everywhere.
    for index, name in enumerate(trust.token_types):
        if name.lower().removeprefix("application/") == "safeconduct-handover+jwt":
            yield Problem(f"token_types[{index}]", f"got {name!r}, wanted another, since it is no access token")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """
    A foreign issuer whose tokens are accepted.

    Attributes:
        issuer: The `iss` of its tokens.
        audience: The `aud` that its tokens must have, which is our name at the issuer.
        algorithms: The algorithms that its tokens may use; a token never chooses. `EdDSA` means `Ed25519`.
        keys: Its keys: the path of a JWK Set, "env:NAME", or in code the set itself. Exactly one of `keys`, `jwks` and
            `discovery` must be given.
        jwks: The https URL of its JWK Set.
        discovery: Whether its metadata document says where its keys are.
        token_types: The accepted values of `typ`; that of RFC 9068, so that an ID token is not taken for an access
            token.
        max_lifetime_seconds: The maximum lifetime of its tokens, in seconds; one that claims more is refused.
        leeway_seconds: How far its clock may differ from ours, in seconds.
        scopes: The scopes that are accepted from it. Default: all.
        roles: Its roles, each with the role of ours that it gives. Default: no role is accepted.
        levels: Its `acr` values, each with our level. Default: none is accepted, and the level is remembered.
        remote_user: The template for `REMOTE_USER` and `display_name`, with `{sub}` for the subject. Default: they are
            absent, because a subject is unique only within its issuer.
        roles_claim: The claim that holds the roles.
        scopes_claim: The claim that holds the scopes.
        hand_over: Whether it may hand its users' browsers over to us, so that they are signed in here.
        hand_over_origins: The origins whose pages may do so. Default: the origin of the issuer.
    """

    issuer: str
    audience: str
    algorithms: Annotated[tuple[str, ...], ListOf(field_type_of(TrustedAlgorithmName), least=1)]
    keys: Annotated[str | Path | Mapping[str, Any] | None, OrNone(Keys())] = field(default=None, repr=False)
    jwks: Annotated[str, Text("an https URL without user and fragment", is_secure_url)] | None = None
    discovery: bool = False
    token_types: Annotated[tuple[str, ...], ListOf(field_type_of(TokenType), least=1)] = ("at+jwt",)
    max_lifetime_seconds: Seconds = 86400
    leeway_seconds: Leeway = 10
    scopes: tuple[ScopeName, ...] | None = None
    roles: Mapping[str, str] | None = None
    levels: Mapping[str, ProvenLevel] | None = None
    remote_user: Annotated[str, Text('a text with "{sub}" once and no other brace', _is_user_template)] | None = None
    roles_claim: str = "roles"
    scopes_claim: str = "scope"
    hand_over: bool = False
    hand_over_origins: tuple[OriginText, ...] = ()

    cross_checks: ClassVar[CrossChecks] = (
        CrossCheck(("keys", "jwks", "discovery"), _one_key_source),
        CrossCheck(("algorithms",), _some_algorithm_signs),
        CrossCheck(("token_types",), _no_hand_over_is_an_access_token),
    )

    def __post_init__(self) -> None:
        """Check the trust."""
        check_section(self, "trust")
