"""What a proven token says, typed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from safeconduct.principal import Level


class Claims(NamedTuple):
    """
    The claims of a token that was proven.

    A named tuple and not a frozen dataclass: one is made for every token that is verified, and a frozen dataclass of
    this size takes six times as long to make.  It is shared between requests all the same, so it must not change.
    """

    issuer: str
    subject: str
    token_id: str
    client_id: str | None
    #: The instant that cut-offs are compared with: ``iat_ms`` of own tokens, ``iat`` less the leeway of foreign ones.
    issued_ms: int
    #: Seconds since the epoch, rounded down.
    expires_at: int
    auth_time: int | None
    level: Level
    scopes: frozenset[str]
    roles: frozenset[str]
    session_id: str | None
    csrf_generation: int | None
    renewals: int | None
    actor: Mapping[str, Any] | None
    kid: str | None
    is_own: bool
    display_name: str | None
    remote_user: str | None
    raw: Mapping[str, Any]
