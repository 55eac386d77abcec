"""Make the parts of one world that prove, make and end API keys."""

import secrets
from collections.abc import Callable
from functools import cached_property

from safeconduct._core.api_keys.authenticator import ApiKeyAuthenticator
from safeconduct._core.api_keys.owners import KeyOwners
from safeconduct._core.api_keys.verbs import AsyncApiKeys
from safeconduct._core.basic import LOCAL_ISSUER
from safeconduct._core.bearer import BearerAuthenticator
from safeconduct._core.directory import DirectoryPort
from safeconduct._core.revocation import Revocations
from safeconduct._core.store import Store
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.events import Event


class ApiKeyParts:
    """
    Make the parts of API keys, each once.

    Args:
        config: The shared configuration.
        store: The store's port.
        revocations: What asks the store; None if there is none.
        bearer: Caches what was proven.
        directory: Returns the directory's port; None where there is no directory.
        announce: Tells the listeners.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        revocations: Revocations | None,
        *,
        bearer: BearerAuthenticator,
        directory: Callable[[], DirectoryPort | None],
        announce: Callable[[Event], None],
    ) -> None:
        self._has_source = "api_key" in config.sources
        self._issuer = config.issuer or LOCAL_ISSUER
        self._store = store
        self._revocations = revocations
        self._bearer = bearer
        self._announce = announce
        #: What finds out what the owners of keys have.
        self.owners = KeyOwners(
            directory,
            staleness_seconds=config.revocation.staleness_seconds,
            leeway_ms=config.tokens.leeway_seconds * 1000,
        )

    @cached_property
    def authenticator(self) -> ApiKeyAuthenticator | None:
        """
        What proves API keys; None if they are not among the sources.

        Raises:
            ConfigurationError: If the store keeps none.
        """
        if not self._has_source:
            return None
        store, revocations = self._store.api_keys, self._revocations
        if store is None or revocations is None:
            raise ConfigurationError('store: got one that keeps no API keys, wanted one, since "api_key" is a source')
        return ApiKeyAuthenticator(store, revocations, self.owners, self._bearer, issuer=self._issuer)

    @cached_property
    def verbs(self) -> AsyncApiKeys:
        """The public verbs."""
        return AsyncApiKeys(
            self._store.api_keys,
            self._revocations,
            self.owners,
            issuer=self._issuer,
            draw=secrets.token_bytes,
            announce=self._announce,
        )
