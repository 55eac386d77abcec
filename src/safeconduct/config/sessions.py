"""Configure sessions, HTTP Basic, the built-in directory and the throttle."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from safeconduct.config.field_errors import Problem
from safeconduct.config.fields import Integer, ProvenLevel, Seconds
from safeconduct.config.sections import CrossCheck, CrossChecks, check_section, checked_constructor

_LIMITED_LIFETIMES = ("short_absolute_lifetime_seconds", "idle_lifetime_seconds", "explicit_lifetime_seconds")


def _lifetimes_are_limited(sessions: "SessionConfig") -> Iterator[Problem]:
    end = sessions.absolute_lifetime_seconds
    for name in _LIMITED_LIFETIMES:
        life: int | None = getattr(sessions, name)
        if life is not None and life > end:
            yield Problem(name, f"got {life}, wanted at most {end} (sessions.absolute_lifetime_seconds)")


def _grace_is_shorter_than_idle(sessions: "SessionConfig") -> Iterator[Problem]:
    grace, idle = sessions.refresh_grace_seconds, sessions.idle_lifetime_seconds
    if grace >= idle:
        yield Problem("refresh_grace_seconds", f"got {grace}, wanted less than {idle} (sessions.idle_lifetime_seconds)")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """
    The lifetimes of sessions and of their refresh tokens.

    Attributes:
        short_absolute_lifetime_seconds: The maximum lifetime of a session without a refresh token, in seconds; half a
            day, for a working day.
        idle_lifetime_seconds: The lifetime of a refresh token, in seconds; rotation does not prolong it, `extend` does.
        absolute_lifetime_seconds: The maximum lifetime of a session, in seconds, after which the user must sign in
            again; thirty days.
        explicit_lifetime_seconds: How long a sign-in counts as explicit, in seconds. Default: the lifetime of an access
            token.
        refresh_grace_seconds: How long the previous refresh token still gets the same successor, in seconds, so that a
            lost response does not end the session.
        max_per_subject: The maximum number of sessions of a user. One more ends another: first one without a refresh
            token, and among these the one that was idle longest.
        bind_network: What happens if a refresh token comes from another network prefix than the sign-in.
        bind_device: What happens if a refresh token comes from another device, which is another family of browsers in
            any version.
        require_session: Whether our own tokens are accepted only while their session is in the store. The store is then
            asked whatever `revocation.consistency` says; with "bounded" once in each period of `staleness_seconds`.
        require_proof_to_extend: Whether `extend` needs the password of the user in the same request.
    """

    short_absolute_lifetime_seconds: Seconds = 43200
    idle_lifetime_seconds: Seconds = 1209600
    absolute_lifetime_seconds: Seconds = 2592000
    explicit_lifetime_seconds: Seconds | None = None
    refresh_grace_seconds: Seconds = 10
    max_per_subject: Annotated[int, Integer(1, 1000)] = 100
    bind_network: Literal["off", "event", "refuse"] = "off"
    bind_device: Literal["off", "event", "refuse"] = "off"
    require_session: bool = False
    require_proof_to_extend: bool = False

    cross_checks: ClassVar[CrossChecks] = (
        CrossCheck((*_LIMITED_LIFETIMES, "absolute_lifetime_seconds"), _lifetimes_are_limited),
        CrossCheck(("refresh_grace_seconds", "idle_lifetime_seconds"), _grace_is_shorter_than_idle),
    )

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "sessions")


Failures = Annotated[int, Integer(1, 1_000_000)]


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class BasicConfig:
    """
    The Basic scheme (RFC 7617), where it is a source.

    Attributes:
        allow_plain_http: Whether passwords are accepted over plain http, where anyone on the path can read them.
        cache_seconds: How long a verified user name and password are cached, in seconds, at most a minute; 0 hashes the
            password at every request.
        level: The level of a caller; remembered, because a browser sends the password again without asking the user.
    """

    allow_plain_http: bool = False
    cache_seconds: Annotated[int, Integer(0, 60)] = 60
    level: ProvenLevel = "remembered"

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "basic")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class LoginConfig:
    """
    The built-in directory, its hashing, and the throttle.

    Attributes:
        users: The file of users. Default: none, because the application has its own directory.
        hashing_threads: How many passwords are hashed at the same time.
        hashing_queue: How many more may wait; the next one is answered 503. If the queue is full, a network that has
            less than a quarter of it still gets in, and the newest entry of a network with more is answered 503.
        queue_seconds: How long a sign-in may wait in the queue, in seconds; then it is answered 503.
        failures_per_account_and_network: How many wrong passwords are allowed in 15 minutes for one account from one
            network.
        failures_per_network: How many wrong passwords are allowed in 15 minutes from one network.
        failures_per_account: How many wrong passwords are allowed in an hour for one account from all networks.
        cut_off: When an account's `cut_off` is compared with the `iat` of its tokens: at renewal and refresh
            ("renewal"), or also at every request, with an account that is looked up at most once in each period of
            `revocation.staleness_seconds` ("cached").
    """

    users: Path | None = None
    hashing_threads: Annotated[int, Integer(1, 64)] = 2
    hashing_queue: Annotated[int, Integer(0, 10_000)] = 32
    queue_seconds: Annotated[int, Integer(1, 60)] = 5
    failures_per_account_and_network: Failures = 5
    failures_per_network: Failures = 50
    failures_per_account: Failures = 100
    cut_off: Literal["renewal", "cached"] = "renewal"

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "login")
