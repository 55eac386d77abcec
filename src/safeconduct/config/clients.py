"""Configure the services that identify themselves with a secret or a key of their own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from safeconduct.config.field_errors import Problem
from safeconduct.config.fields import AlgorithmName, Choice, Keys, ListOf, OrNone, ScopeName, Text
from safeconduct.config.sections import CrossCheck, CrossChecks, check_section, checked_constructor
from safeconduct.config.shown_values import MASK
from safeconduct.config.urls import is_secure_url, like

ClientGrant = Literal["self_signed", "client_credentials", "token_exchange", "introspection"]
"""What a client may do: sign its own tokens, ask for tokens, exchange those of users, ask about any token."""

_GRANTS: Final = ("self_signed", "client_credentials", "token_exchange", "introspection")
_LEAST_SECRET_BYTES: Final = 16
_DIGEST: Final = "sha256:"


def _is_secret(text: str) -> bool:
    if text.startswith("env:"):
        return re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", text) is not None
    if text.startswith(_DIGEST):
        return re.fullmatch(r"sha256:[0-9a-f]{64}", text) is not None
    return len(text.encode()) >= _LEAST_SECRET_BYTES


_SECRET: Final = Text(
    '"env:NAME", "sha256:" with 64 hexadecimal digits, or in code a secret of at least 16 bytes',
    _is_secret,
    show=lambda _: MASK,
)
is_client_id: Final = like(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")
"""Says whether a text can be the name of a client."""

_CLIENT_ID: Final = Text("1 to 128 printable ASCII characters", is_client_id)


def _one_credential(client: "Client") -> Iterator[Problem]:
    given = [name for name in ("secret", "keys", "jwks") if getattr(client, name) is not None]
    if len(given) != 1:
        yield Problem("secret", f"got {' and '.join(given) or 'nothing'}, wanted exactly one of secret, keys, jwks")


def _digest_cannot_verify(client: "Client") -> Iterator[Problem]:
    if "self_signed" in client.grants and client.secret is not None and client.secret.startswith(_DIGEST):
        yield Problem("secret", "got a digest, wanted the secret itself (env:NAME), since the client signs with it")


def _keys_have_algorithms(client: "Client") -> Iterator[Problem]:
    if client.algorithm is not None and (client.secret is None) is client.algorithm.startswith("HS"):
        wanted = "an algorithm of its keys" if client.secret is None else "HS256, HS384 or HS512"
        yield Problem("algorithm", f"got {client.algorithm!r}, wanted {wanted}")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """
    A service that is known by a secret or by keys of its own.

    Attributes:
        client_id: Its name, 1 to 128 printable ASCII characters; never an issuer's name or an audience of ours.
        secret: The secret that it shares with us: "env:NAME", or its digest as "sha256:HEX" where the client only sends
            the secret and signs nothing with it. Exactly one of `secret`, `keys` and `jwks` must be given.
        keys: Its public keys: the path of a JWK Set, "env:NAME", or in code the set itself.
        jwks: The https URL of its JWK Set.
        algorithm: The one algorithm that it signs with. Default: HS256 with a secret, that of each key with keys.
        scopes: The scopes that its tokens may have at most.
        roles: The roles that its tokens have.
        audiences: For whom it may ask for tokens, besides our own audience.
        grants: What it may do.
        single_use: Whether a token that it signed itself is accepted only once; it needs `jti` then.
    """

    client_id: Annotated[str, _CLIENT_ID]
    secret: Annotated[str, _SECRET] | None = field(default=None, repr=False)
    keys: Annotated[str | Path | Mapping[str, Any] | None, OrNone(Keys())] = field(default=None, repr=False)
    jwks: Annotated[str, Text("an https URL without user and fragment", is_secure_url)] | None = None
    algorithm: AlgorithmName | None = None
    scopes: tuple[ScopeName, ...] = ()
    roles: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    grants: Annotated[tuple[ClientGrant, ...], ListOf(Choice(_GRANTS), least=1)] = ("self_signed",)
    single_use: bool = False

    cross_checks: ClassVar[CrossChecks] = (
        CrossCheck(("secret", "keys", "jwks"), _one_credential),
        CrossCheck(("secret", "grants"), _digest_cannot_verify),
        CrossCheck(("secret", "algorithm"), _keys_have_algorithms),
    )

    def __post_init__(self) -> None:
        """Check the client."""
        check_section(self, "client")
