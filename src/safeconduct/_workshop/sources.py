"""Where a configuration lets credentials come from."""

from safeconduct._core.credential_sources import Sources
from safeconduct._http.origin import Origin
from safeconduct.config import Config


def sources_of(config: Config) -> Sources:
    """Return them, and whose pages are ours."""
    return Sources(
        config.sources,
        access_cookie=config.cookies.access,
        hidden_cookies=(config.cookies.refresh, config.cookies.device),
        own_origin=None if config.external_url is None else Origin.from_url(config.external_url),
        trusted_origins=frozenset(Origin.from_url(url) for url in config.csrf.trusted_origins),
    )
