"""How long a sign-in lasts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from safeconduct.config.field_errors import Problem
from safeconduct.config.fields import Integer, ProvenLevel, Seconds
from safeconduct.config.sections import CrossCheck, CrossChecks, check, checked_constructor

_BOUNDED_BY_THE_END = ("short_absolute_lifetime_seconds", "idle_lifetime_seconds", "explicit_lifetime_seconds")


def _nothing_outlives_the_end(sessions: "SessionConfig") -> Iterator[Problem]:
    end = sessions.absolute_lifetime_seconds
    for name in _BOUNDED_BY_THE_END:
        life: int | None = getattr(sessions, name)
        if life is not None and life > end:
            yield Problem(name, f"got {life}, wanted at most {end} (sessions.absolute_lifetime_seconds)")


def _grace_is_shorter(sessions: "SessionConfig") -> Iterator[Problem]:
    grace, idle = sessions.refresh_grace_seconds, sessions.idle_lifetime_seconds
    if grace >= idle:
        yield Problem("refresh_grace_seconds", f"got {grace}, wanted less than {idle} (sessions.idle_lifetime_seconds)")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """
    Lives of sessions and of their long-term credentials.

    Attributes:
        short_absolute_lifetime_seconds: The end of a session without a long-term credential, in seconds; half a day, a
            day's work.
        idle_lifetime_seconds: Life of a long-term credential, in seconds; rotation does not prolong it, `extend` does.
        absolute_lifetime_seconds: Nothing outlives this without a new sign-in, in seconds; thirty days.
        explicit_lifetime_seconds: How long a sign-in counts as explicit, in seconds. Default: the life of an access
            token.
        refresh_grace_seconds: How long the previous refresh token is answered with the same successor, in seconds, so
            that a lost answer ends no session.
        max_per_subject: How many sessions a user may have; one more ends another, first one without a long-term
            credential, and of these the longest idle.
        bind_network: What happens when a long-term credential comes from another network prefix than at sign-in.
        bind_device: The same for another device: another family of browsers, whatever its version.
        require_session: Whether an own token counts only while its session is in the store, which is then asked
            whatever the consistency.
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

    cross_checks: ClassVar[CrossChecks] = (
        CrossCheck((*_BOUNDED_BY_THE_END, "absolute_lifetime_seconds"), _nothing_outlives_the_end),
        CrossCheck(("refresh_grace_seconds", "idle_lifetime_seconds"), _grace_is_shorter),
    )

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "sessions")


Failures = Annotated[int, Integer(1, 1_000_000)]


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class BasicConfig:
    """
    The Basic scheme (RFC 7617), where it is a source.

    Attributes:
        allow_plain_http: Whether passwords are taken over plain http, where everybody on the way reads them.
        cache_seconds: How long a proven pair is remembered, in seconds, at most a minute; 0 hashes every time.
        level: The level of a caller; remembered, because a browser sends the password again without its user.
    """

    allow_plain_http: bool = False
    cache_seconds: Annotated[int, Integer(0, 60)] = 60
    level: ProvenLevel = "remembered"

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "basic")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class LoginConfig:
    """
    The built-in directory, its hashing, and the throttle.

    Attributes:
        users: The file of users; none where the application brings its own directory.
        hashing_threads: How many passwords are hashed at once.
        hashing_queue: How many more may wait; the next one is answered 503. A full queue still takes a network that
            has less than a quarter of it, for the newest place of one that has more.
        queue_seconds: How long a sign-in may wait there, in seconds; then it is answered 503.
        failures_per_account_and_network: Wrong passwords in 15 minutes, for one account from one network.
        failures_per_network: Wrong passwords in 15 minutes, from one network.
        failures_per_account: Wrong passwords in an hour, for one account over all networks.
    """

    users: Path | None = None
    hashing_threads: Annotated[int, Integer(1, 64)] = 2
    hashing_queue: Annotated[int, Integer(0, 10_000)] = 32
    queue_seconds: Annotated[int, Integer(1, 60)] = 5
    failures_per_account_and_network: Failures = 5
    failures_per_network: Failures = 50
    failures_per_account: Failures = 100

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "login")
