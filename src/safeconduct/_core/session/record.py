"""What is kept of a session: nothing from which a token follows."""

from dataclasses import dataclass, field
from typing import Literal

from safeconduct.principal import Level

Transport = Literal["header", "cookie"]
"""How a session's tokens travel; it stays what it was at sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """
    The refresh tokens of a session, of which one is live.

    *digest* is of the live token's secret and *previous* of the one before; *salt* made the live one out of that, and
    is kept only while the one before may still come again.
    """

    position: int
    digest: bytes = field(repr=False)
    previous: bytes = field(default=b"", repr=False)
    salt: bytes = field(default=b"", repr=False)
    #: Until when the token before the live one is answered with the live one.
    grace_ms: int = 0
    #: When its life was last begun, by sign-in or by ``extend``; rotation does not prolong it.
    begun_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The access token that the last renewal made, so that one who asks again is given the same."""

    token_id: str
    iat_ms: int
    #: Seconds since the epoch.
    expires_at: int
    #: Until when it is given again.
    grace_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login.  Instants are milliseconds by the store's clock."""

    subject: str
    #: What was proven at the last sign-in or step-up, at *auth_ms*.
    proof_level: Level
    auth_ms: int
    is_demoted: bool = False
    created_ms: int
    #: The ``iat_ms`` of the newest token: whatever cut-off is not before it has ended the session.
    issued_ms: int
    used_ms: int
    #: The absolute end.
    ends_ms: int
    #: When nobody can hold a live credential of it any more, at the latest the absolute end and the leeway.
    over_ms: int
    #: Roles, scopes and the user's name as they were last looked up, see ``Rights``.
    rights: str = field(repr=False)
    #: What was submitted as the user's name, for a later step-up.
    username: str = field(repr=False)
    transport: Transport
    device: str
    network: str
    csrf_generation: int = 0
    #: How many step-ups failed since the last one that did not.
    failures: int = 0
    #: The id of the last failure or step-up, so that a command that was sent twice counts once.
    last_request: str = ""
    renewals: int = 0
    renewal: Renewal | None = None
    #: None where no long-term credential was asked for.
    chain: Chain | None = None
