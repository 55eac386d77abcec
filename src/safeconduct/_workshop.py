"""
Where an ``Auth`` is put together: each part made once from the configuration and handed to the parts that need it.

What differs between the worlds is made per world: the store's port, the directory's port, and so the gate.
"""

import secrets
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal

from safeconduct._core.announcer import Announcer
from safeconduct._core.answers import Answers, ProblemBody
from safeconduct._core.basic import BasicRecognition
from safeconduct._core.decision import Clock
from safeconduct._core.endpoints import JWKS_PATH, Endpoint, jwks_endpoint
from safeconduct._core.gate import Gate
from safeconduct._core.passwords import Passwords
from safeconduct._core.policy import Policy
from safeconduct._core.ports import AsyncDirectory, Directory, People, Store, Stores
from safeconduct._core.recognition import Recognition
from safeconduct._core.revocation import Epochs, Revocations
from safeconduct._core.sessions import AsyncSessions
from safeconduct._core.sources import Sources
from safeconduct._core.throttle import Throttle
from safeconduct._http.forwarded import client_of, trusted_networks
from safeconduct._http.origin import Origin
from safeconduct._keys.opening import issuer_rules, own_keys
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.policy import ACR
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.config import Config
from safeconduct.directories import UsersFile, people_for
from safeconduct.errors import ConfigurationError
from safeconduct.events import RuleWeakened, UsersUnreadable
from safeconduct.stores import MemoryStore, open_store

World = Literal["asgi", "wsgi"]

_DEFAULT_REALM = "safeconduct"
_LOCAL_ISSUER = "urn:safeconduct:local"


class Workshop:
    """Makes the parts of one ``Auth``."""

    def __init__(
        self,
        config: Config,
        *,
        directory: Directory | AsyncDirectory | None,
        store: Stores | None,
        clock: Clock,
        announce: Announcer,
        problem_body: ProblemBody | None,
    ) -> None:
        """
        Make what both worlds share; the keys are read here.

        Raises:
            ConfigurationError: If the keys cannot be used, or the parts cannot work together.
        """
        self._config = config
        self._clock = clock
        self._announce = announce
        self._problem_body = problem_body
        #: By this a nested middleware knows its own kind.
        self._owner = object()
        self.keys = own_keys(config, announce)
        self._policy = Policy(_public(config), config.access.rules, default=config.access.default)
        self._verifier = TokenVerifier(issuer_rules(config, self.keys, announce))
        self._stores = store or self._configured_store()
        self._epochs = Epochs()
        self._directory = self._configured_directory() if directory is None else directory
        self._gates: list[Gate] = []
        self._people: list[People] = []
        self._is_closed = False
        self._ports: dict[World, Store] = {}
        for weakened in _weakened(config):
            announce(weakened)

    @cached_property
    def issuer(self) -> TokenIssuer:
        """What issues own tokens."""
        keys = self.keys
        if keys is None:
            raise ConfigurationError("keys: got nothing, wanted a folder of keys to issue tokens with")
        return TokenIssuer(self._config, keys.current, secrets.token_bytes)

    def gate(self, world: World) -> Gate:
        """
        Make the gate of one world.

        Raises:
            ConfigurationError: If the store or the directory has no face for it.
        """
        store, revocations = self.store(world), self.revocations(world)
        gate = Gate(
            policy=self._policy,
            sources=self._sources,
            recognition=self._recognition,
            basic=self._basic(world, store, revocations),
            revocations=revocations,
            asks_by_default=self._config.consistency != "none",
            answers=self._answers,
            rejects_invalid=self._config.access.on_invalid == "reject",
            endpoints=self._endpoints,
            announce=self._announce,
            release=store.close,
        )
        self._gates.append(gate)
        if self._is_closed:
            gate.close()
        return gate

    def store(self, world: World) -> Store:
        """Return the store's port for one world, always the same."""
        if world not in self._ports:
            self._ports[world] = self._stores.blocking() if world == "wsgi" else self._stores.native()
        return self._ports[world]

    def revocations(self, world: World) -> Revocations | None:
        """Return what asks the store of one world, or None where there is no store."""
        config = self._config
        if config.store.url == "none":
            return None
        return Revocations(
            self.store(world),
            shards=config.store.shards,
            horizon_ms=self.horizon_seconds * 1000,
            leeway_ms=self._leeway_seconds * 1000,
            absolute_lifetime_ms=config.sessions.absolute_lifetime_seconds * 1000,
            on_new_store=config.revocation.on_new_store,
            announce=self._announce,
            epochs=self._epochs,
        )

    def sessions(self, world: World) -> AsyncSessions:
        """Return the verbs on logins and credentials for one world."""
        return AsyncSessions(
            self.revocations(world),
            issuer=self._config.issuer,
            clock=self._clock,
            horizon_seconds=self.horizon_seconds,
            absolute_lifetime_seconds=self._config.sessions.absolute_lifetime_seconds,
        )

    def close(self) -> None:
        """Let nothing pass any more and let go of the store."""
        self._is_closed = True
        for gate in self._gates:
            gate.close()
        for people in self._people:
            people.close()
        self._stores.end()

    @cached_property
    def horizon_seconds(self) -> int:
        """The largest lifetime of any token that may be accepted."""
        own = [self._config.tokens.max_lifetime_seconds]
        return max(own + [trust.max_lifetime_seconds for trust in self._config.trust])

    @cached_property
    def _leeway_seconds(self) -> int:
        own = [self._config.tokens.leeway_seconds]
        return max(own + [trust.leeway_seconds for trust in self._config.trust])

    @cached_property
    def _realm(self) -> str:
        return self._config.audience or self._config.external_url or _DEFAULT_REALM

    @cached_property
    def _sources(self) -> Sources:
        config = self._config
        return Sources(
            config.sources,
            access_cookie=config.cookies.access,
            hidden_cookies=(config.cookies.refresh, config.cookies.device),
            own_origin=None if config.external_url is None else Origin.from_url(config.external_url),
            trusted_origins=frozenset(Origin.from_url(url) for url in config.csrf.trusted_origins),
        )

    @cached_property
    def _recognition(self) -> Recognition:
        config = self._config
        own = {} if config.issuer is None else {config.issuer: config.tokens.leeway_seconds}
        return Recognition(
            owner=self._owner,
            verifier=self._verifier,
            capacity=config.tokens.remembered,
            clock=self._clock,
            leeway_seconds=own | {trust.issuer: trust.leeway_seconds for trust in config.trust},
            shards=config.store.shards,
        )

    @cached_property
    def _answers(self) -> Answers:
        return Answers(
            realm=self._realm,
            offers_basic="basic" in self._config.sources,
            acr_values={level: acr for acr, level in ACR.items()},
            sign_in_url=self._config.access.sign_in_url,
            problem_body=self._problem_body,
            announce=self._announce,
        )

    @cached_property
    def _endpoints(self) -> Mapping[str, Endpoint]:
        keys = self.keys
        if keys is None or not self._config.endpoints.well_known or not keys.current().published()["keys"]:
            return {}
        return {JWKS_PATH: jwks_endpoint(lambda: keys.current().published())}

    def _basic(self, world: World, store: Store, revocations: Revocations | None) -> BasicRecognition | None:
        config = self._config
        if "basic" not in config.sources:
            return None
        if self._directory is None:
            raise ConfigurationError('directory: got nothing, wanted one, or login.users, since "basic" is a source')
        people = people_for(self._directory, world, config.login)
        self._people.append(people)
        local = MemoryStore(clock=self._clock, horizon_ms=0, leeway_ms=0)
        throttle = Throttle(store, local, config.login, key=self._throttle_key, announce=self._announce)
        passwords = Passwords(people, throttle, announce=self._announce)
        networks = trusted_networks(config.proxies.trusted)
        return BasicRecognition(
            passwords,
            people,
            config.basic,
            realm=self._realm,
            key=secrets.token_bytes(32),
            stamp=None if revocations is None else revocations.stamp,
            owner=self._owner,
            issuer=config.issuer or _LOCAL_ISSUER,
            clock=self._clock,
            shards=config.store.shards,
            client_of=lambda request: client_of(request, networks),
        )

    @cached_property
    def _throttle_key(self) -> bytes:
        derived = None if self.keys is None else self.keys.current().secrets
        if derived is not None:
            return derived.derive("throttle")
        if self._config.store.url not in {"memory://", "none"}:
            raise ConfigurationError(
                "keys: the throttle needs the safeconduct-secrets key, so that every process counts under the same "
                "names; make it with `safeconduct keys new --secrets`"
            )
        # Counted in this process alone: nobody else needs to know the names.
        return secrets.token_bytes(32)

    def _configured_store(self) -> Stores:
        return open_store(
            self._config.store,
            self._config.revocation,
            clock=self._clock,
            horizon_ms=self.horizon_seconds * 1000,
            leeway_ms=self._leeway_seconds * 1000,
            announce=self._announce,
        )

    def _configured_directory(self) -> UsersFile | None:
        users = self._config.login.users
        if users is None:
            return None
        return UsersFile(users, on_unreadable=lambda reason: self._announce(UsersUnreadable(reason=reason)))


def _public(config: Config) -> tuple[str, ...]:
    url = config.access.sign_in_url
    if url is None or not url.startswith("/"):
        return config.access.public
    # Whoever is sent there to sign in must be let in there (http.md).
    return (*config.access.public, url.partition("?")[0].partition("#")[0])


def _weakened(config: Config) -> Iterator[RuleWeakened]:
    """Yield an event for every switch that is unsafe by name and takes effect."""
    if config.basic.allow_plain_http and "basic" in config.sources:
        yield RuleWeakened(switch="basic.allow_plain_http")
    if config.revocation.accept_eviction:
        yield RuleWeakened(switch="revocation.accept_eviction")
    if not config.cookies.secure and "cookie" in config.sources:
        yield RuleWeakened(switch="cookies.secure")
