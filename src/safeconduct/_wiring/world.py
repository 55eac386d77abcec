"""Make the parts of an ``Auth`` that ASGI and WSGI each have for themselves: those that ask the store or the users."""

import secrets
from functools import cached_property

from safeconduct._core.account_checks import AccountChecks
from safeconduct._core.bearer import AccessTokenResolver
from safeconduct._core.client_registry import ClientRegistry
from safeconduct._core.opaque import OpaqueLookup, OpaqueTokens
from safeconduct._core.revocation import Revocations
from safeconduct._core.sessions.facade import AsyncSessions
from safeconduct._core.sessions.issuing import OpaqueTokenWriter
from safeconduct._core.sessions.stored import StoredSessions
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._core.store import Store
from safeconduct._core.token_factory import AsyncTokenFactory
from safeconduct._core.wrapped_app import World
from safeconduct._wiring.api_keys import ApiKeyParts
from safeconduct._wiring.container import Container
from safeconduct._wiring.sessions import session_context, stateless_sessions
from safeconduct._wiring.settings import hand_over_maker, horizon_of, issuing_rules_of
from safeconduct.errors import ConfigurationError


class WorldParts:
    """
    Make the parts of one world, each once.

    Args:
        container: The parts that both worlds share.
        world: Which of the two.
    """

    def __init__(self, container: Container, world: World) -> None:
        self.container = container
        self.world: World = world

    @cached_property
    def clients(self) -> ClientRegistry:
        """The registry of the clients."""
        return self.container.clients.registry(self.world)

    @property
    def store(self) -> Store:
        """The store's port."""
        return self.container.store(self.world)

    @cached_property
    def revocations(self) -> Revocations | None:
        """What asks the store whether a credential was revoked; None if there is no store."""
        return self.container.revocations(self.world)

    @cached_property
    def opaque_lookup(self) -> OpaqueLookup | None:
        """Where opaque tokens are looked up; None if there can be none."""
        container, revocations, opaque_tokens = self.container, self.revocations, self.store.opaque_tokens
        if container.own_policy is None or container.derived_keys_or_none() is None:
            return None
        if revocations is None or opaque_tokens is None:
            return None
        return OpaqueLookup(
            tokens=OpaqueTokens(container.derived_keys, secrets.token_bytes),
            store=opaque_tokens,
            revocations=revocations,
            policy=container.own_policy,
            shards=container.config.store.shards,
        )

    @cached_property
    def resolver(self) -> AccessTokenResolver:
        """What proves access tokens: signed, opaque, or signed by a client."""
        clients, world = self.container.clients, self.world
        return AccessTokenResolver(
            self.container.bearer,
            lambda: self.opaque_lookup,
            lambda: clients.tokens(world, self.store, self.revocations),
        )

    @cached_property
    def accounts(self) -> AccountChecks | None:
        """
        What checks at every request that an account was not cut off; None where that is not asked.

        Raises:
            ConfigurationError: If there is no directory for what the configuration asks of it.
        """
        return self.container.passwords.account_checks(self.world)

    @cached_property
    def api_keys(self) -> ApiKeyParts:
        """What proves, makes and ends API keys."""
        container, passwords = self.container, self.container.passwords
        return ApiKeyParts(
            container.config,
            self.store,
            self.revocations,
            bearer=container.bearer,
            directory=lambda: passwords.directory(self.world) if passwords.has_directory else None,
            announce=container.announce,
        )

    @cached_property
    def session_verbs(self) -> SessionVerbs:
        """
        What can be done with sessions.

        Raises:
            ConfigurationError: If sessions lack a key, a store or a name.
        """
        why = self.why_no_sessions()
        if why is not None:
            raise ConfigurationError(why)
        container, store, revocations = self.container, self.store, self.revocations
        passwords, has_directory = container.passwords, container.passwords.has_directory
        is_stored = revocations is not None and store.sessions is not None
        context = session_context(
            container.config,
            issuer=container.issuer,
            opaque=self._opaque_writer() if is_stored else None,
            derived_keys=container.derived_keys,
            directory=passwords.directory(self.world) if has_directory else None,
            passwords=passwords.passwords(self.world, store) if has_directory else None,
            add_claims=container.add_claims,
            clock=container.clock,
            draw=secrets.token_bytes,
            announce=container.announce,
        )
        if revocations is not None and store.sessions is not None:
            return StoredSessions(context, store.sessions, revocations)
        return stateless_sessions(context, container.config)

    @cached_property
    def sessions(self) -> AsyncSessions:
        """The public verbs on sessions and credentials; they may lack what sessions need until one is called."""
        config = self.container.config
        return AsyncSessions(
            self.revocations,
            issuer=config.issuer,
            clock=self.container.clock,
            horizon_seconds=horizon_of(config),
            absolute_lifetime_seconds=config.sessions.absolute_lifetime_seconds,
            session_verbs=lambda: self.session_verbs,
            resolver=self.resolver,
        )

    @cached_property
    def tokens(self) -> AsyncTokenFactory:
        """The public verbs that issue tokens."""
        container, revocations, clock = self.container, self.revocations, self.container.clock
        hand_overs = hand_over_maker(container.config, lambda: container.issuer, revocations, clock)
        rules = issuing_rules_of(container.config)
        return AsyncTokenFactory(rules, lambda: container.issuer, revocations, clock, hand_overs, lambda: self.accounts)

    def require_records(self) -> None:
        """
        Check that the store can tell which opaque tokens and which sessions there are, where that matters.

        Raises:
            ConfigurationError: If it would answer as if every one of them were there.
        """
        config = self.container.config
        is_opaque, needs_session = config.tokens.format == "opaque", config.sessions.require_session
        if (is_opaque or needs_session) and self.store.opaque_tokens is None:
            name = 'tokens.format is "opaque"' if is_opaque else "sessions.require_session is true"
            raise ConfigurationError(f"store: got one that keeps no sessions and tokens, wanted one, since {name}")

    def why_no_sessions(self) -> str | None:
        """Return what sessions lack, None if they lack nothing."""
        container, config = self.container, self.container.config
        if config.issuer is None or config.keys is None:
            return "keys: got nothing, wanted a folder of keys, since sessions issue tokens"
        if config.tokens.format != "opaque":
            try:
                container.issuer.require_keys()
            except ConfigurationError as error:
                return str(error)
        if container.derived_keys_or_none() is None:
            return (
                "keys: sessions need the safeconduct-secrets key, from which refresh tokens and CSRF tokens are "
                "derived; make it with `safeconduct keys new --secrets`"
            )
        if config.store.url != "none" and self.store.sessions is None:
            return "store: got one without sessions, wanted one that keeps them"
        return None

    def _opaque_writer(self) -> OpaqueTokenWriter | None:
        """Return what keeps the claims of opaque tokens, None if no token is ever opaque."""
        lookup, config = self.opaque_lookup, self.container.config
        is_always = config.tokens.format == "opaque"
        if lookup is None or not (is_always or "cookie" in config.sources):
            return None
        return OpaqueTokenWriter(
            issuer=self.container.issuer,
            opaque_tokens=lookup.tokens,
            store=lookup.store,
            revocations=lookup.revocations,
            is_always=is_always,
            leeway_seconds=config.tokens.leeway_seconds,
            grace_ms=config.sessions.refresh_grace_seconds * 1000,
            shards=config.store.shards,
        )
