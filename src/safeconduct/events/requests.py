"""Define the base of all events, and the events about requests in general."""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of every event; *log_level* is a level of ``logging``."""

    log_level: ClassVar[int] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Event):
    """A request was refused; *error* is the name of the error's class and *reason* its reason."""

    status: int
    error: str
    reason: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused(RequestRefused):
    """A credential was refused."""

    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTokenReused(Event):
    """A token of a client that counts once came again: somebody may have copied it."""

    log_level: ClassVar[int] = 30
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Event):
    """Our code raised an unexpected exception, and the request was answered 503; *error* is the name of its class."""

    log_level: ClassVar[int] = 40
    where: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported(Event):
    """The process cannot serve any request, and *reason* says in one sentence why; announced once."""

    log_level: ClassVar[int] = 50
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUserOmitted(Event):
    """A name with control characters was left out of ``REMOTE_USER``; announced once for each *issuer*."""

    log_level: ClassVar[int] = 30
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed(Event):
    """
    A hook of the application raised an exception or returned a wrong value, and was ignored.

    *error* is the name of the class of the exception that it raised, or that its value caused.
    """

    log_level: ClassVar[int] = 40
    hook: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWeakened(Event):
    """An option that is documented as unsafe took effect."""

    log_level: ClassVar[int] = 30
    switch: Literal["basic.allow_plain_http", "revocation.accept_eviction", "cookies.secure", "access.preflights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRefused(RequestRefused):
    """
    A request to an OAuth endpoint was refused; *error* is its OAuth error code.

    *client_id* is the client that was named, if there is such a client.
    """

    log_level: ClassVar[int] = 30
    client_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTokenIssued(Event):
    """A client got an access token; *subject* is its own, or with token exchange that of a user."""

    client_id: str
    grant_type: str
    subject: str
    audience: str
    scopes: tuple[str, ...]
