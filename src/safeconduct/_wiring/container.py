"""Make the parts of an ``Auth`` that ASGI and WSGI share, each once."""

import atexit
import secrets
import weakref
from functools import cached_property
from typing import Protocol

from safeconduct._core.bearer import BearerAuthenticator
from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.event_dispatcher import EventDispatcher
from safeconduct._core.refusals import Refusals
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_query import BoundedView
from safeconduct._core.store import Store, StoreProvider
from safeconduct._core.wrapped_app import World
from safeconduct._keys.loading import issuer_policies, own_issuer, own_keys
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct._wiring.arguments import Provided
from safeconduct._wiring.clients import ClientFactory
from safeconduct._wiring.passwords import PasswordFactory
from safeconduct._wiring.settings import (
    dated,
    horizon_of,
    leeway_of,
    permissions_of,
    sources_of,
    weakened,
)
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError, Unavailable
from safeconduct.stores import open_store


class Container:
    """
    Make the parts that ASGI and WSGI share, and the ports of the store for each; the keys are read at once.

    Args:
        config: The shared configuration.
        clock: The time in seconds since the epoch.
        announce: Called with every event.
        provided: What the application brings along.

    Raises:
        ConfigurationError: If the keys cannot be used, or the parts cannot work together.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        announce: EventDispatcher,
        provided: Provided,
    ) -> None:
        self.config = config
        self.clock = clock
        self.announce = announce
        self.add_claims = provided.add_claims
        self.problem_body = provided.problem_body
        self.problem_page = provided.problem_page
        self.tracer = provided.tracer
        self.keys = own_keys(config, announce)
        #: The access rules; they also mark what this ``Auth`` proved, for a nested middleware and for ``allows``.
        self.permissions = permissions_of(config, self.csrf)
        self.sources = sources_of(config)
        self.stores = provided.store or self._configured_store()
        self._ports: dict[World, Store] = {}
        store_port = self.store("wsgi")
        policies = dated(issuer_policies(config, self.keys, announce), config, store_port)
        #: The rules for each issuer whose tokens count.
        self.policies = policies
        self.own_policy = next((policy for policy in policies if policy.is_own), None)
        #: Who the clients are; read at once, so that a missing secret is found when the ``Auth`` is made.
        self.refusals = Refusals(config.proxies.trusted, announce)
        self.clients = ClientFactory(config, provided.clients, clock=clock, announce=announce)
        self.verifier = TokenVerifier(policies, self.clients.keys)
        self._epochs = store_port.epochs
        self.passwords = PasswordFactory(
            config,
            provided.directory,
            derived_keys=self.derived_keys_or_none(),
            owner=self.permissions,
            clock=clock,
            announce=announce,
        )
        for event in weakened(config):
            announce(event)

    @cached_property
    def issuer(self) -> TokenIssuer:
        """What issues our own tokens."""
        keys, policy = self.keys, self.own_policy
        if keys is None or policy is None:
            raise ConfigurationError("keys: got nothing, wanted a folder of keys to issue tokens with")
        return own_issuer(self.config.tokens, policy, keys.current, secrets.token_bytes)

    @cached_property
    def bearer(self) -> BearerAuthenticator:
        """What proves signed access tokens."""
        config = self.config
        return BearerAuthenticator(
            owner=self.permissions,
            verifier=self.verifier,
            capacity=config.tokens.remembered,
            clock=self.clock,
            shards=config.store.shards,
            needs_session=config.sessions.require_session,
        )

    @cached_property
    def csrf(self) -> CsrfTokens:
        """What makes and checks CSRF tokens."""
        return CsrfTokens(
            self.config.issuer,
            self.derived_keys_or_none,
            asks_always=self.config.csrf.token == "always",  # noqa: S105 - a mode
        )

    def store(self, world: World) -> Store:
        """
        Return the store's port for one world, always the same.

        Raises:
            ConfigurationError: If the store does not support it.
        """
        if world not in self._ports:
            self._ports[world] = self.stores.blocking() if world == "wsgi" else self.stores.native()
        return self._ports[world]

    def revocations(self, world: World) -> Revocations | None:
        """Return what asks the store of one world, None if there is no store."""
        config = self.config
        if config.store.url == "none":
            return None
        return Revocations(
            self.store(world),
            shards=config.store.shards,
            horizon_ms=horizon_of(config) * 1000,
            leeway_ms=leeway_of(config) * 1000,
            on_new_store=config.revocation.on_new_store,
            announce=self.announce,
            epochs=self._epochs,
        )

    @property
    def bounded_view(self) -> BoundedView | None:
        """What this process knows of the store without asking it, for both worlds; None where nothing is kept."""
        return self.store("wsgi").bounded_view

    def derived_keys_or_none(self) -> DerivedKeys | None:
        """Return the derived keys as they are now, None if there are none."""
        return None if self.keys is None else self.keys.current().derived_keys

    def derived_keys(self) -> DerivedKeys:
        """
        Return the derived keys as they are now.

        Raises:
            Unavailable: If they are gone.
        """
        found = self.derived_keys_or_none()
        if found is None:
            raise Unavailable("the safeconduct-secrets key was there when this began, and is gone")
        return found

    def close(self) -> None:
        """Prove no more passwords and close the store."""
        self.passwords.close()
        self.stores.end()

    def _configured_store(self) -> StoreProvider:
        return open_store(
            self.config.store,
            self.config.revocation,
            clock=self.clock,
            horizon_ms=horizon_of(self.config) * 1000,
            leeway_ms=leeway_of(self.config) * 1000,
            announce=self.announce,
            keeps_view=self.config.has_bounded,
        )


class Closable(Protocol):
    """Holds connections until it is closed."""

    def close(self) -> None:
        """Close them; idempotent."""
        ...


def close_at_exit(closable: Closable) -> None:
    """Close *closable* when the interpreter ends, if it is alive then."""
    alive: weakref.ref[Closable] = weakref.ref(closable)

    def close() -> None:
        living = alive()
        if living is not None:
            living.close()

    atexit.register(close)
    weakref.finalize(closable, atexit.unregister, close)
