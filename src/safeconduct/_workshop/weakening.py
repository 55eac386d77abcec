"""What a configuration gives up by name."""

from collections.abc import Iterator

from safeconduct.config import Config
from safeconduct.events import RuleWeakened


def weakened(config: Config) -> Iterator[RuleWeakened]:
    """Yield an event for every switch that is unsafe by name and takes effect."""
    if config.basic.allow_plain_http and "basic" in config.sources:
        yield RuleWeakened(switch="basic.allow_plain_http")
    if config.revocation.accept_eviction:
        yield RuleWeakened(switch="revocation.accept_eviction")
    if not config.cookies.secure and "cookie" in config.sources:
        yield RuleWeakened(switch="cookies.secure")
