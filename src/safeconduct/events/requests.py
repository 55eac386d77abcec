"""Define the base of all events, and the events about requests in general."""

from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, cast

#: What a person meets in the ordinary course of a login.
_ORDINARY: Final = frozenset({"MissingCredential", "StepUpRequired"})
#: A bad credential, an attack or a mistake: of the caller, or in the configuration, which 400 and 501 do not tell them.
_NOTABLE: Final = frozenset({400, 401, 403, 429, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of every event; *log_level* is a level of ``logging``."""

    log_level: ClassVar[int] = 20


class _LevelOfRefusal:
    """The level of a refusal: that of the class is INFO, and that of an event depends on it."""

    def __get__(self, event: "RequestRefused | None", _owner: type) -> int:
        is_notable = event is not None and event.status in _NOTABLE and event.error not in _ORDINARY
        return 30 if is_notable else 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Event):
    """
    A request was refused; *error* is the name of the error's class and *reason* its reason.

    Its level is WARNING for 401 by a bad credential, 400, 403, 429 and 501, and INFO otherwise.
    """

    log_level: ClassVar[int] = cast("int", _LevelOfRefusal())
    status: int
    error: str
    reason: str
    method: str
    #: The path with its prefix and without the query, at most 200 characters; "" if the request could not be read.
    path: str = ""
    #: The template of its route with the prefix, such as ``/users/{id}``, if its view raised the error; else None.
    route: str | None = None
    #: The network of the client, as the throttle counts it: an IPv4 address or an IPv6 /64, ``unix`` or ``unknown``.
    network: str = ""
    #: ``X-Request-ID``, if it came once and has 1 to 128 visible ASCII characters but commas.
    request_id: str | None = None


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
    #: ``file:line`` of the frames that the exception went through, the innermost last.
    places: tuple[str, ...] = field(default=(), compare=False)


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
class RequirementUnchecked(Event):
    """
    A view was given to its framework first and to ``requires`` then, so that on this route nothing is checked.

    Announced before the first request that reaches the application, once for each *route*.  Requests are not refused:
    an application may route a function as it is, and use what ``requires`` made of it elsewhere.
    """

    log_level: ClassVar[int] = 40
    #: The module and the name of the function.
    view: str
    #: The path template, as the framework writes it, such as ``/users/{id}``.
    route: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed(Event):
    """
    A hook of the application raised an exception or returned a wrong value, and was ignored.

    *error* is the name of the class of the exception that it raised, or that its value caused.
    """

    log_level: ClassVar[int] = 40
    hook: str
    error: str
    #: ``file:line`` of the frames that the exception went through, the innermost last.
    places: tuple[str, ...] = field(default=(), compare=False)


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
