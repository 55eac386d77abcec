"""
Where an ``Auth`` is put together: each part made once from the configuration and handed to the parts that need it.

What differs between the worlds is made per world: the store's port, the directory's port, and so the gate.
"""

import secrets
from collections.abc import Iterator
from functools import cached_property

from safeconduct._core.authentication import Authenticator
from safeconduct._core.basic import BasicAuthenticator
from safeconduct._core.bearer import BearerAuthenticator
from safeconduct._core.credential_sources import Sources
from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.directory import AsyncDirectory, Directory
from safeconduct._core.endpoints.routes import jwks_row
from safeconduct._core.endpoints.routing import Endpoints, Row
from safeconduct._core.epochs import Epochs
from safeconduct._core.error_responses import ErrorResponses, ProblemBody
from safeconduct._core.event_dispatcher import EventDispatcher
from safeconduct._core.gate import Gate
from safeconduct._core.opaque import OpaqueTokenResolver
from safeconduct._core.revocation import Revocations
from safeconduct._core.sessions.facade import AsyncSessions
from safeconduct._core.sessions.issuing import AddClaims
from safeconduct._core.store import Store, StoreProvider, Unasked
from safeconduct._core.validity import ValidityCheck
from safeconduct._keys.loading import issuer_policies, own_issuer, own_keys
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import ACR
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct._wiring.connections import watching_of
from safeconduct._wiring.passwords import PasswordFactory, World
from safeconduct._wiring.sessions import OpaqueTokenFactory, SessionFactory
from safeconduct._wiring.settings import dated, leeway_of, policy_of, realm_of, sources_of, weakened
from safeconduct._wiring.world_parts import WorldParts
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.stores import open_store


class Container:
    """Makes the parts of one ``Auth``."""

    def __init__(
        self,
        config: Config,
        *,
        directory: Directory | AsyncDirectory | None,
        store: StoreProvider | None,
        clock: Clock,
        announce: EventDispatcher,
        problem_body: ProblemBody | None,
        add_claims: AddClaims | None,
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
        self._add_claims = add_claims
        #: By this a nested middleware knows its own kind.
        self._owner = object()
        self.keys = own_keys(config, announce)
        self._policy = policy_of(config)
        self._stores = store or self._configured_store()
        self._ports: dict[World, Store] = {}
        store_port = self.store("wsgi")
        rules = dated(issuer_policies(config, self.keys, announce), config, store_port)
        self._own_rules = next((policy for policy in rules if policy.is_own), None)
        self._verifier = TokenVerifier(rules)
        self._epochs = Epochs(store_port.known_epochs)
        self.proving = PasswordFactory(
            config,
            directory,
            derived=self._secrets_or_none(),
            owner=self._owner,
            clock=clock,
            announce=announce,
        )
        self._gates: list[Gate] = []
        self._is_closed = False
        for event in weakened(config):
            announce(event)

    @cached_property
    def issuer(self) -> TokenIssuer:
        """What issues own tokens."""
        keys, policy = self.keys, self._own_rules
        if keys is None or policy is None:
            raise ConfigurationError("keys: got nothing, wanted a folder of keys to issue tokens with")
        return own_issuer(self._config.tokens, policy, keys.current, secrets.token_bytes)

    def gate(self, world: World) -> Gate:
        """
        Make the gate of one world.

        Raises:
            ConfigurationError: If the store or the directory has no face for it.
        """
        self._keeping.require_a_store(world)
        revocations = self.revocations(world)
        basic = self.proving.basic(world, self.store(world), revocations, realm=self._realm)
        asks = self._config.consistency != "none"
        validity = ValidityCheck(revocations, self._sources, basic, asks_by_default=asks, csrf=self._csrf)
        view = Unasked() if revocations is None else revocations.view
        authenticator = self._authenticator(world, validity, basic)
        gate = Gate(
            policy=self._policy,
            authenticator=authenticator,
            view=view,
            error_responses=self._answers,
            endpoints=Endpoints(self._rows(world, self._authenticator(world, validity, None))),
            connection_checks=watching_of(
                self._config,
                store=self.store(world),
                revocations=revocations,
                authenticator=authenticator,
                view=view,
                announce=self._announce,
            ),
            announce=self._announce,
            release=self.store(world).close,
        )
        self._gates.append(gate)
        if self._is_closed:
            gate.close()
        return gate

    def _authenticator(self, world: World, validity: ValidityCheck, basic: BasicAuthenticator | None) -> Authenticator:
        return Authenticator(
            sources=self._sources,
            bearer=self._recognition,
            resolver=self._resolution(world),
            basic=basic,
            validity=validity,
            rejects_invalid=self._config.access.on_invalid == "reject",
        )

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
            leeway_ms=leeway_of(self._config) * 1000,
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
            session_verbs=lambda: self._factory.session_verbs(world),
            resolution=self._resolution(world),
        )

    def _rows(self, world: World, identification: Authenticator) -> Iterator[Row]:
        yield from self._factory.rows(world, identification)
        keys = self.keys
        if keys is not None and self._config.endpoints.well_known:
            yield jwks_row(lambda: keys.current().published())

    def close(self) -> None:
        """Let nothing pass any more and let go of the store."""
        self._is_closed = True
        for gate in self._gates:
            gate.close()
        self.proving.close()
        self._stores.end()

    @cached_property
    def horizon_seconds(self) -> int:
        """The largest lifetime of any token that may be accepted."""
        own = [self._config.tokens.max_lifetime_seconds]
        return max(own + [trust.max_lifetime_seconds for trust in self._config.trust])

    @cached_property
    def _realm(self) -> str:
        return realm_of(self._config)

    @cached_property
    def _sources(self) -> Sources:
        return sources_of(self._config)

    @cached_property
    def _recognition(self) -> BearerAuthenticator:
        config = self._config
        own = {} if config.issuer is None else {config.issuer: config.tokens.leeway_seconds}
        return BearerAuthenticator(
            owner=self._owner,
            verifier=self._verifier,
            capacity=config.tokens.remembered,
            clock=self._clock,
            leeway_seconds=own | {trust.issuer: trust.leeway_seconds for trust in config.trust},
            shards=config.store.shards,
            needs_session=config.sessions.require_session,
        )

    def _resolution(self, world: World) -> OpaqueTokenResolver:
        return OpaqueTokenResolver(self._recognition, lambda: self._keeping.opaque_lookup(world))

    @cached_property
    def _answers(self) -> ErrorResponses:
        return ErrorResponses(
            realm=self._realm,
            offers_basic="basic" in self._config.sources,
            acr_values={level: acr for acr, level in ACR.items()},
            sign_in_url=self._config.access.sign_in_url,
            problem_body=self._problem_body,
            announce=self._announce,
        )

    @cached_property
    def _parts(self) -> WorldParts:
        return WorldParts(self.store, self.revocations, self.proving)

    @cached_property
    def _keeping(self) -> OpaqueTokenFactory:
        return OpaqueTokenFactory(self._config, parts=self._parts, keys=self._secrets_or_none, policy=self._own_rules)

    @cached_property
    def _factory(self) -> SessionFactory:
        return SessionFactory(
            self._config,
            parts=self._parts,
            issuer=lambda: self.issuer,
            keeping=self._keeping,
            keys=self._secrets_or_none,
            csrf=self._csrf,
            recognition=self._recognition,
            sources=self._sources,
            add_claims=self._add_claims,
            clock=self._clock,
            announce=self._announce,
        )

    @cached_property
    def _csrf(self) -> CsrfTokens:
        return CsrfTokens(
            self._config.issuer,
            self._secrets_or_none,
            asks_always=self._config.csrf.token == "always",  # noqa: S105 - a mode
        )

    def _secrets_or_none(self) -> DerivedKeys | None:
        return None if self.keys is None else self.keys.current().derived_keys

    def _configured_store(self) -> StoreProvider:
        return open_store(
            self._config.store,
            self._config.revocation,
            clock=self._clock,
            horizon_ms=self.horizon_seconds * 1000,
            leeway_ms=leeway_of(self._config) * 1000,
            announce=self._announce,
        )
