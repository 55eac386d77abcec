"""What a caller holds after a sign-in, a renewal, a refresh or a step-up."""

from dataclasses import dataclass, field

from safeconduct._core.sessions.model import Transport
from safeconduct._tokens.issuer import Grant
from safeconduct.principal import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token.  Instants are seconds since the epoch."""

    value: str = field(repr=False)
    expires_at: int
    #: From when on it may be extended, None where its end can't grow.
    extend_after: int | None
    #: Until when it may be extended, None where its end can't grow.
    extend_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An access token and, where there is a new one, the refresh token.  Instants are seconds since the epoch."""

    access_token: str = field(repr=False)
    #: What the access token says.
    grant: Grant = field(repr=False)
    session_id: str
    level: Level
    issued_at: int
    expires_at: int
    #: From when on it may be renewed, None where its end can't grow.
    renew_after: int | None
    #: Counts the generations of tokens against forgery of requests, as the access token's ``cg`` does.
    csrf_generation: int
    #: How the session's tokens travel.
    transport: Transport
    #: None where none was asked for, or the one that the caller has goes on.
    refresh_token: RefreshToken | None = None
