"""What follows from single switches of a configuration."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from safeconduct._core.ports import Stores, View
from safeconduct._tokens.policy import Policy
from safeconduct.config import Config
from safeconduct.events import RuleWeakened

_DEFAULT_REALM = "safeconduct"


def realm_of(config: Config) -> str:
    """Return the name of what is guarded, as challenges tell it."""
    return config.audience or config.external_url or _DEFAULT_REALM


def public_paths(config: Config) -> tuple[str, ...]:
    """Return the paths that are open, the sign-in page of the application among them."""
    url = config.access.sign_in_url
    if url is None or not url.startswith("/"):
        return config.access.public
    # Whoever is sent there to sign in must be let in there (http.md).
    return (*config.access.public, url.partition("?")[0].partition("#")[0])


def leeway_of(config: Config) -> int:
    """Return the largest leeway of any token that may be accepted, in seconds."""
    return max([config.tokens.leeway_seconds, *(trust.leeway_seconds for trust in config.trust)])


def dated(rules: Sequence[Policy], config: Config, stores: Stores) -> list[Policy]:
    """Return *rules*, where own tokens are compared with the clock of a store that has one of its own."""
    if config.store.url == "none" or isinstance(stores, View):
        return list(rules)
    return [replace(policy, is_dated_by_store=True) if policy.is_own else policy for policy in rules]


def weakened(config: Config) -> Iterator[RuleWeakened]:
    """Yield an event for every switch that is unsafe by name and takes effect."""
    if config.basic.allow_plain_http and "basic" in config.sources:
        yield RuleWeakened(switch="basic.allow_plain_http")
    if config.revocation.accept_eviction:
        yield RuleWeakened(switch="revocation.accept_eviction")
    if not config.cookies.secure and "cookie" in config.sources:
        yield RuleWeakened(switch="cookies.secure")
