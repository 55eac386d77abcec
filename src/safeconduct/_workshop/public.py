"""What is open to everybody."""

from safeconduct.config import Config


def public_entries(config: Config) -> tuple[str, ...]:
    """Return the entries of ``access.public``, and the page to sign in at."""
    url = config.access.sign_in_url
    if url is None or not url.startswith("/"):
        return config.access.public
    # Whoever is sent there to sign in must be let in there (http.md).
    return (*config.access.public, url.partition("?")[0].partition("#")[0])
