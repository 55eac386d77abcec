"""Make what knows the clients: those of the configuration, and those of the application."""

from safeconduct._core.client_registry import ClientMemory, ClientRegistry, ClientSource
from safeconduct._core.client_tokens import ClientRevocations, ClientTokens
from safeconduct._core.clients import AsyncClients, Clients
from safeconduct._core.decision import Clock
from safeconduct._core.event_dispatcher import EventDispatcher
from safeconduct._core.revocation import Revocations
from safeconduct._core.store import Store
from safeconduct._core.wrapped_app import World
from safeconduct._keys.clients import load_client
from safeconduct._tokens.client_tokens import OurNames
from safeconduct._tokens.key_table import KeySource
from safeconduct.config import Config
from safeconduct.directories.clients import adapt_clients
from safeconduct.errors import ConfigurationError


class ClientFactory:
    """
    Make the port of the clients, once for ASGI and once for WSGI; the secrets of the configured ones are read at once.

    Args:
        config: The shared configuration.
        clients: Those of the application; None if there are none.
        clock: The time in seconds since the epoch.
        announce: Called with every event.

    Raises:
        ConfigurationError: If the secret or the keys of a client cannot be used, or the clients sign for no audience.
    """

    def __init__(
        self, config: Config, clients: Clients | AsyncClients | None, *, clock: Clock, announce: EventDispatcher
    ) -> None:
        if clients is not None and config.audience is None:
            raise ConfigurationError("audience: got nothing, wanted the aud that clients sign tokens for")
        self._config = config
        self._clients = clients
        self._announce = announce
        self.configured = {entry.client_id: load_client(entry, announce) for entry in config.clients}
        self._memory = ClientMemory(
            lambda entry: load_client(entry, announce),
            clock,
            staleness_seconds=config.revocation.staleness_seconds,
        )
        self._registries: dict[World, ClientRegistry] = {}
        self._tokens: dict[World, ClientTokens] = {}

    @property
    def are_there(self) -> bool:
        """Whether there may be clients."""
        return bool(self.configured) or self._clients is not None

    @property
    def has_others(self) -> bool:
        """Whether the application has clients besides the configured ones."""
        return self._clients is not None

    @property
    def keys(self) -> list[KeySource]:
        """The keys of the configured clients, whose changes end what was proven with them."""
        return [client.keys for client in self.configured.values() if client.keys is not None]

    def registry(self, world: World) -> ClientRegistry:
        """
        Return the port of the clients.

        Raises:
            ConfigurationError: If those of the application do not support *world*.
        """
        if world not in self._registries:
            self._registries[world] = ClientRegistry(
                self.configured,
                reserved=reserved_names(self._config),
                memory=self._memory,
                source=self._source(world),
            )
        return self._registries[world]

    def tokens(self, world: World, store: Store, revocations: Revocations | None) -> ClientTokens | None:
        """
        Return what verifies the tokens that clients sign themselves, always the same for one world.

        None if there are no clients.

        Raises:
            ConfigurationError: As ``registry``.
        """
        if self.are_there and world not in self._tokens:
            self._tokens[world] = ClientTokens(
                self.registry(world), self.revocations(store, revocations), self._announce
            )
        return self._tokens.get(world)

    def revocations(self, store: Store, revocations: Revocations | None) -> ClientRevocations:
        """Return what asks the store about clients."""
        return ClientRevocations(
            _our_names(self._config),
            realm=_realm_of_clients(self._config),
            shards=self._config.store.shards,
            store=store,
            revocations=revocations,
        )

    def _source(self, world: World) -> ClientSource | None:
        if self._clients is None:
            return None
        return adapt_clients(self._clients, world, threads=self._config.login.hashing_threads)


def _our_names(config: Config) -> OurNames:
    """Return the names by which clients address us; there must be an audience."""
    url = base_url_of(config)
    return OurNames(
        issuer=config.issuer,
        audience=config.audience or "",
        token_endpoints=frozenset({f"{url}{config.endpoints.prefix}/token"} if url else ()),
        leeway_seconds=config.tokens.leeway_seconds,
    )


def base_url_of(config: Config) -> str:
    """Return the URL below which clients find our endpoints, without a slash at its end; empty if it is not known."""
    return (config.external_url or config.issuer or "").rstrip("/")


def _realm_of_clients(config: Config) -> str:
    """Return under which name clients are revoked."""
    return config.issuer or config.audience or ""


def reserved_names(config: Config) -> frozenset[str]:
    """Return the names of issuers and audiences, which no client has."""
    names = (config.issuer, config.audience, *config.tokens.audiences, *(trust.issuer for trust in config.trust))
    return frozenset(name for name in names if name is not None)
