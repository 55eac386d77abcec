"""The life of a login, put together: the rooms of the sessions, and the endpoints in front of them."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial

from safeconduct._core.authentication import Authenticator
from safeconduct._core.bearer import BearerAuthenticator, principal_of
from safeconduct._core.credential_sources import Sources
from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._core.endpoints.login import LoginEndpoint
from safeconduct._core.endpoints.logout import LogoutEndpoint, PresentedSessions
from safeconduct._core.endpoints.refresh import RefreshEndpoint
from safeconduct._core.endpoints.request_context import RequestContext
from safeconduct._core.endpoints.routes import openapi_row, session_rows
from safeconduct._core.endpoints.routing import Row
from safeconduct._core.endpoints.session import SessionEndpoint
from safeconduct._core.endpoints.token_response import TokenResponse
from safeconduct._core.opaque import OpaqueLookup, OpaqueTokenResolver, OpaqueTokens
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.issuing import AddClaims, OpaqueTokenWriter
from safeconduct._core.sessions.verbs import SessionVerbs, stateless_sessions, stored_sessions
from safeconduct._http.forwarded import Proxies
from safeconduct._http.set_cookie import MAX_COOKIE_BYTES
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct._wiring.passwords import World
from safeconduct._wiring.world_parts import WorldParts, present
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.events import Event
from safeconduct.principal import Principal


class OpaqueTokenFactory:
    """
    Make what opaque tokens need, for one world at a time and once for each.

    Args:
        config: The shared configuration.
        parts: What else each world has.
        keys: Returns the derived keys as they are now, None where there are none.
        policy: The rules for own tokens, None where there are none.
    """

    def __init__(
        self, config: Config, *, parts: WorldParts, keys: Callable[[], DerivedKeys | None], policy: IssuerPolicy | None
    ) -> None:
        self._config = config
        self._parts = parts
        self._keys_or_none = keys
        self._keys = present(keys)
        self._policy = policy
        self._session_endpoints: dict[World, OpaqueLookup | None] = {}

    def opaque_lookup(self, world: World) -> OpaqueLookup | None:
        """Return where opaque tokens are looked up, None where there can be none."""
        if world not in self._session_endpoints:
            self._session_endpoints[world] = self._new_opaque_lookup(world)
        return self._session_endpoints[world]

    def keeping(self, world: World, issuer: TokenIssuer) -> OpaqueTokenWriter | None:
        """Return what keeps new tokens, None where none is ever kept."""
        opaque_lookup, config = self.opaque_lookup(world), self._config
        keeps_every = config.tokens.format == "opaque"
        if opaque_lookup is None or not (keeps_every or "cookie" in config.sources):
            return None
        name = config.cookies.access
        return OpaqueTokenWriter(
            issuer=issuer,
            references=opaque_lookup.references,
            store=opaque_lookup.store,
            revocations=opaque_lookup.revocations,
            keeps_every=keeps_every,
            is_too_long=lambda token: len(name) + len(token) > MAX_COOKIE_BYTES,
            leeway_seconds=config.tokens.leeway_seconds,
            grace_ms=config.sessions.refresh_grace_seconds * 1000,
            shards=config.store.shards,
        )

    def require_a_store(self, world: World) -> None:
        """
        Return if the store can look for records, or none is looked for.

        Raises:
            ConfigurationError: If it would answer as if every record were there.
        """
        is_opaque, is_listed = self._config.tokens.format == "opaque", self._config.sessions.require_session
        if (is_opaque or is_listed) and self._parts.store(world).opaque_tokens is None:
            name = 'tokens.format is "opaque"' if is_opaque else "sessions.require_session is true"
            raise ConfigurationError(f"store: got one that keeps no sessions and tokens, wanted one, since {name}")

    def _new_opaque_lookup(self, world: World) -> OpaqueLookup | None:
        store, revocations = self._parts.store(world), self._parts.revocations(world)
        if self._policy is None or self._keys_or_none() is None:
            return None
        if revocations is None or store.opaque_tokens is None:
            return None
        return OpaqueLookup(
            references=OpaqueTokens(self._keys, secrets.token_bytes),
            store=store.opaque_tokens,
            revocations=revocations,
            policy=self._policy,
            shards=self._config.store.shards,
        )


class SessionFactory:
    """
    Make what a login's life needs, for one world at a time and once for each.

    Args:
        config: The shared configuration.
        parts: What else each world has.
        issuer: Returns what makes access tokens.
        keeping: Keeps what opaque tokens say.
        keys: Returns the derived keys as they are now, None where there are none.
        csrf: Makes tokens against forgery.
        recognition: Proves access tokens.
        sources: Where they may be.
        add_claims: The author's hook.
        clock: The time in seconds since the epoch.
        announce: Tells the listeners.
    """

    def __init__(  # noqa: PLR0913 - every part of a login's life meets here
        self,
        config: Config,
        *,
        parts: WorldParts,
        issuer: Callable[[], TokenIssuer],
        keeping: OpaqueTokenFactory,
        keys: Callable[[], DerivedKeys | None],
        csrf: CsrfTokens,
        recognition: BearerAuthenticator,
        sources: Sources,
        add_claims: AddClaims | None,
        clock: Clock,
        announce: Callable[[Event], None],
    ) -> None:
        self._config = config
        self._parts = parts
        self._issuer = issuer
        self._keeping = keeping
        self._keys_or_none = keys
        self._keys = present(keys)
        self._csrf = csrf
        self._recognition = recognition
        self._sources = sources
        self._add_claims = add_claims
        self._clock = clock
        self._announce = announce
        self._session_verbs: dict[World, SessionVerbs] = {}

    def session_verbs(self, world: World) -> SessionVerbs:
        """
        Return the verbs on sessions.

        Raises:
            ConfigurationError: If they lack a key, a store or a name.
        """
        if world not in self._session_verbs:
            self._session_verbs[world] = self._new_session_verbs(world)
        return self._session_verbs[world]

    def rows(self, world: World, identification: Authenticator) -> Iterator[Row]:
        """
        Yield the endpoints: only those that can work, so none where nobody can sign in by us.

        Raises:
            ConfigurationError: If they were switched on by name and can't work.
        """
        why = self._what_is_missing(world) or self._what_nobody_proves()
        enabled = self._config.endpoints.enabled
        if enabled and why:
            raise ConfigurationError(f"endpoints.enabled: got true; {why}")
        if why or enabled is False:
            return
        passwords = self._parts.proving.passwords(world, self._parts.store(world))
        rows = list(self._session_rows(world, passwords, identification))
        yield from rows
        yield openapi_row(rows, self._config.endpoints.prefix)

    def _new_session_verbs(self, world: World) -> SessionVerbs:
        store, revocations = self._parts.store(world), self._parts.revocations(world)
        why = self._what_is_missing(world)
        if why is not None:
            raise ConfigurationError(why)
        proving, has_directory = self._parts.proving, self._parts.proving.has_directory
        make: Callable[..., SessionVerbs] = stateless_sessions
        if revocations is not None and store.sessions is not None:
            make = partial(
                stored_sessions,
                store=store.sessions,
                revocations=revocations,
                keeping=self._keeping.keeping(world, self._issuer()),
            )
        return make(
            self._config,
            issuer=self._issuer(),
            keys=self._keys,
            people=proving.people(world) if has_directory else None,
            passwords=proving.passwords(world, store) if has_directory else None,
            add_claims=self._add_claims,
            clock=self._clock,
            announce=self._announce,
        )

    def _what_is_missing(self, world: World) -> str | None:
        if self._config.issuer is None or self._config.keys is None:
            return "keys: got nothing, wanted a folder of keys, since sessions issue tokens"
        if self._config.tokens.format != "opaque":
            try:
                self._issuer().require_keys()
            except ConfigurationError as error:
                return str(error)
        if self._keys_or_none() is None:
            return (
                "keys: sessions need the safeconduct-secrets key, from which refresh tokens and CSRF tokens are "
                "derived; make it with `safeconduct keys new --secrets`"
            )
        has_store = self._config.store.url != "none"
        if has_store and self._parts.store(world).sessions is None:
            return "store: got one without sessions, wanted one that keeps them"
        return None

    def _what_nobody_proves(self) -> str | None:
        return None if self._parts.proving.has_directory else "directory: got nothing, wanted one, or login.users"

    def _session_rows(self, world: World, passwords: Passwords, authenticator: Authenticator) -> Iterator[Row]:
        config, clock, sources, session_verbs = self._config, self._clock, self._sources, self.session_verbs(world)
        active_sessions, prefix = session_verbs.open_sessions, config.endpoints.prefix
        proxies = Proxies.of(config.proxies.trusted)
        requests = RequestContext(
            authenticator, sources, proxies, cookies=config.cookies, issuer=config.issuer, clock=clock
        )
        replies = TokenResponse(config.cookies, self._csrf, clock=clock)
        presented = PresentedSessions(
            active_sessions,
            requests,
            sources,
            verify=self._verify,
            session_of=OpaqueTokenResolver(self._recognition, lambda: self._keeping.opaque_lookup(world)).session_of,
            clock=clock,
        )
        devices = DeviceCookies(
            self._keys, secrets.token_bytes, config.cookies, are_read=sources.takes_cookies, clock=clock
        )
        return session_rows(
            prefix,
            login=LoginEndpoint(
                session_verbs, passwords, requests, replies, devices, end_replaced=presented.end_cookies
            ),
            refresh=RefreshEndpoint(session_verbs, requests, replies),
            logout=LogoutEndpoint(active_sessions, requests, replies, presented),
            session=SessionEndpoint(active_sessions, requests, replies, self._csrf, prefix=prefix, clock=clock),
        )

    def _verify(self, token: str, now: float) -> Principal:
        return principal_of(self._recognition.verify(token, now=now), "bearer")
