"""Passwords: Basic, the directory, and how often one may be wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from safeconduct.config.kinds import Whole
from safeconduct.config.sections import by_name, check
from safeconduct.config.values import ProvenLevel

Failures = Annotated[int, Whole(1, 1_000_000)]


@by_name
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
    cache_seconds: Annotated[int, Whole(0, 60)] = 60
    level: ProvenLevel = "remembered"

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "basic")


@by_name
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
    hashing_threads: Annotated[int, Whole(1, 64)] = 2
    hashing_queue: Annotated[int, Whole(0, 10_000)] = 32
    queue_seconds: Annotated[int, Whole(1, 60)] = 5
    failures_per_account_and_network: Failures = 5
    failures_per_network: Failures = 50
    failures_per_account: Failures = 100

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "login")
