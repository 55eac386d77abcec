"""What we answer ourselves, and whom in front of us we believe."""

from dataclasses import dataclass
from typing import Annotated

from safeconduct.config.addresses import is_prefix, is_proxy
from safeconduct.config.kinds import Text
from safeconduct.config.sections import by_name, check


@by_name
@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """
    The own endpoints.

    Attributes:
        enabled: Whether login, refresh, logout and the like are served. Default: where a directory is configured, which
            then needs the safeconduct-secrets key.
        prefix: The path below which they are.
        well_known: Whether `/.well-known/jwks.json` is served.
    """

    enabled: bool | None = None
    prefix: Annotated[str, Text('a path such as "/auth", without a slash at its end', is_prefix)] = "/auth"
    well_known: bool = True

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "endpoints")


@by_name
@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """
    The proxies in front of the application.

    Attributes:
        trusted: Addresses or networks whose `Forwarded` and `X-Forwarded-*` count, walked from the right; `"unix"` is a
            peer without an address, as behind a Unix socket. None, because anybody can send such a field.
    """

    trusted: tuple[Annotated[str, Text('an IP address, a network such as 10.0.0.0/8, or "unix"', is_proxy)], ...] = ()

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "proxies")
