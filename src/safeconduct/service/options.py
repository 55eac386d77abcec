"""Say how tokens are asked for and where they may be sent: ``Options``."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx2

from safeconduct.config.urls import is_secure_origin, is_secure_url
from safeconduct.errors import ConfigurationError
from safeconduct.service.errors import InsecureDestination

_PORTS: Final = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How tokens are asked for, and where they may be sent.

    Attributes:
        origins: The only origins to which a token or a secret is sent. Default: those that the caller names in a
            request, if they are https or the local machine. Plain http must be named here.
        timeout_seconds: How long a request waits for a token; for a blocking one, the limit of each of its steps.
        parameters: More fields for the token request, such as ``{"audience": …}`` where a provider wants that name.
        clock: Returns the time in seconds since the epoch.
        new_client: Returns a new blocking client for one token request, which is closed afterwards: for proxies and
            certificates.
        new_async_client: Returns such a client for ``AsyncClient``.
    """

    origins: Collection[str] = ()
    timeout_seconds: float = 10
    parameters: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    clock: Callable[[], float] = time.time
    new_client: Callable[[], httpx2.Client] = httpx2.Client
    new_async_client: Callable[[], httpx2.AsyncClient] = httpx2.AsyncClient

    def __post_init__(self) -> None:
        """Check the options."""
        if isinstance(self.origins, str):
            raise ConfigurationError(f"origins: got the text {self.origins!r}, wanted a collection of origins")
        for each in self.origins:
            if origin_of(each) is None or urlsplit(each).path not in {"", "/"}:
                raise ConfigurationError(f"origins: got {each!r}, wanted scheme://host[:port]")
        if not self.timeout_seconds > 0:
            raise ConfigurationError(f"timeout_seconds: got {self.timeout_seconds!r}, wanted a positive number")

    def check_destination(self, url: str) -> None:
        """
        Check that a token may be sent to *url*.

        Raises:
            InsecureDestination: If it may not.
        """
        origin = origin_of(url)
        if origin is None:
            raise InsecureDestination("the token was not sent: the URL has no http or https origin")
        if self.origins:
            if origin not in {origin_of(each) for each in self.origins}:
                raise InsecureDestination(f"the token was not sent: {origin_text(origin)} is not among the origins")
        elif not is_secure_origin(origin_text(origin)):
            raise InsecureDestination(
                f"the token was not sent: {origin_text(origin)} is plain http, and not among Options(origins=…)"
            )

    def require_endpoint(self, name: str, url: str) -> str:
        """
        Return *url* if secrets may be sent there.

        Raises:
            ConfigurationError: If it is not https, not the local machine, and not among the origins.
        """
        is_named = origin_of(url) in {origin_of(each) for each in self.origins}
        if not (is_secure_url(url) or (is_named and origin_of(url) is not None)):
            raise ConfigurationError(f"{name}: got {url!r}, wanted an https URL, or one of Options(origins=…)")
        return url


def origin_of(url: str) -> Origin | None:
    """Return scheme, host and port of *url*; None if it has none (RFC 6454 §4)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    return parts.scheme, host.lower(), _PORTS[parts.scheme] if port is None else port


def origin_text(origin: Origin) -> str:
    """Return *origin* as it is written, with its port unless that is the usual one."""
    scheme, host, port = origin
    written = f"[{host}]" if ":" in host else host
    return f"{scheme}://{written}" + ("" if port == _PORTS[scheme] else f":{port}")
