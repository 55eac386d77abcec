"""Make, list and revoke API keys, in code without an event loop."""

from collections.abc import Collection

from safeconduct._core.api_keys.verbs import DEFAULT_LIFETIME_SECONDS, ApiKey, AsyncApiKeys, NewApiKey
from safeconduct._core.receipt import RevocationReceipt
from safeconduct.sessions import run

__all__ = ["ApiKeys", "AsyncApiKeys"]


class ApiKeys:
    """
    The same verbs as ``AsyncApiKeys``, blocking.

    Every verb raises a ``RuntimeError`` that names its awaitable twin if an event loop runs in this thread, since it
    would block that loop.
    """

    def __init__(self, api_keys: AsyncApiKeys) -> None:
        self._api_keys = api_keys

    def create(
        self,
        subject: str,
        *,
        name: str,
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        expires_in_seconds: int = DEFAULT_LIFETIME_SECONDS,
    ) -> NewApiKey:
        """Make a key for a user; see ``AsyncApiKeys.create``."""
        verb = self._api_keys.create
        made = verb(subject, name=name, scopes=scopes, roles=roles, expires_in_seconds=expires_in_seconds)
        return run("api_keys.create", made)

    def list(self, subject: str) -> tuple[ApiKey, ...]:
        """List the keys of a user; see ``AsyncApiKeys.list``."""
        return run("api_keys.list", self._api_keys.list(subject))

    def revoke(self, subject: str, key_id: str, *, min_replicas: int | None = None) -> RevocationReceipt:
        """Revoke one key of a user; see ``AsyncApiKeys.revoke``."""
        return run("api_keys.revoke", self._api_keys.revoke(subject, key_id, min_replicas=min_replicas))
