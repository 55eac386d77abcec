"""The life of a login, put together: the rooms of the sessions, and the endpoints in front of them."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial

from safeconduct._core.authentication import Identification
from safeconduct._core.bearer import Recognition, principal_of
from safeconduct._core.credential_sources import Sources
from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.device_cookie import Devices
from safeconduct._core.endpoints.login import SignInDesk
from safeconduct._core.endpoints.logout import LeavingDesk
from safeconduct._core.endpoints.refresh import ExchangeDesk
from safeconduct._core.endpoints.replaced_sessions import PresentedSessions
from safeconduct._core.endpoints.request_context import Visits
from safeconduct._core.endpoints.routes import Desks, openapi_row
from safeconduct._core.endpoints.routing import Row
from safeconduct._core.endpoints.session import OverviewDesk
from safeconduct._core.endpoints.token_response import Delivery
from safeconduct._core.opaque import Desk, References, Resolution
from safeconduct._core.opaque_store import KeepsReferences
from safeconduct._core.passwords import Passwords
from safeconduct._core.session_store import KeepsSessions
from safeconduct._core.sessions.issuing import AddClaims, Keeping
from safeconduct._core.sessions.verbs import SessionVerbs, session_rooms, stateless_rooms
from safeconduct._http.forwarded import Proxies
from safeconduct._http.set_cookie import MAX_COOKIE_BYTES
from safeconduct._keys.derivation import Secrets
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import Policy
from safeconduct._wiring.passwords import World
from safeconduct._wiring.world_parts import WorldParts, present
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.events import Event
from safeconduct.principal import Principal


class KeepingWing:
    """
    Make what opaque tokens need, for one world at a time and once for each.

    Args:
        config: The shared configuration.
        parts: What else each world has.
        keys: Returns the derived keys as they are now, None where there are none.
        policy: The rules for own tokens, None where there are none.
    """

    def __init__(
        self, config: Config, *, parts: WorldParts, keys: Callable[[], Secrets | None], policy: Policy | None
    ) -> None:
        self._config = config
        self._parts = parts
        self._keys_or_none = keys
        self._keys = present(keys)
        self._policy = policy
        self._desks: dict[World, Desk | None] = {}

    def desk(self, world: World) -> Desk | None:
        """Return where opaque tokens are looked up, None where there can be none."""
        if world not in self._desks:
            self._desks[world] = self._new_desk(world)
        return self._desks[world]

    def keeping(self, world: World, issuer: TokenIssuer) -> Keeping | None:
        """Return what keeps new tokens, None where none is ever kept."""
        desk, config = self.desk(world), self._config
        keeps_every = config.tokens.format == "opaque"
        if desk is None or not (keeps_every or "cookie" in config.sources):
            return None
        name = config.cookies.access
        return Keeping(
            issuer=issuer,
            references=desk.references,
            store=desk.store,
            revocations=desk.revocations,
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
        if (is_opaque or is_listed) and not isinstance(self._parts.store(world), KeepsReferences):
            name = 'tokens.format is "opaque"' if is_opaque else "sessions.require_session is true"
            raise ConfigurationError(f"store: got one that keeps no sessions and tokens, wanted one, since {name}")

    def _new_desk(self, world: World) -> Desk | None:
        store, revocations = self._parts.store(world), self._parts.revocations(world)
        if self._policy is None or self._keys_or_none() is None:
            return None
        if revocations is None or not isinstance(store, KeepsReferences):
            return None
        return Desk(
            references=References(self._keys, secrets.token_bytes),
            store=store.references,
            revocations=revocations,
            policy=self._policy,
            shards=self._config.store.shards,
        )


class LoginWing:
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
        keeping: KeepingWing,
        keys: Callable[[], Secrets | None],
        csrf: CsrfTokens,
        recognition: Recognition,
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
        self._rooms: dict[World, SessionVerbs] = {}

    def rooms(self, world: World) -> SessionVerbs:
        """
        Return the verbs on sessions.

        Raises:
            ConfigurationError: If they lack a key, a store or a name.
        """
        if world not in self._rooms:
            self._rooms[world] = self._new_rooms(world)
        return self._rooms[world]

    def rows(self, world: World, identification: Identification) -> Iterator[Row]:
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
        prefix = self._config.endpoints.prefix
        rows = list(self._desks(world, passwords, identification).rows(prefix))
        yield from rows
        yield openapi_row(rows, prefix)

    def _new_rooms(self, world: World) -> SessionVerbs:
        store, revocations = self._parts.store(world), self._parts.revocations(world)
        why = self._what_is_missing(world)
        if why is not None:
            raise ConfigurationError(why)
        proving, has_directory = self._parts.proving, self._parts.proving.has_directory
        make: Callable[..., SessionVerbs] = stateless_rooms
        if revocations is not None and isinstance(store, KeepsSessions):
            make = partial(
                session_rooms,
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
        if has_store and not isinstance(self._parts.store(world), KeepsSessions):
            return "store: got one without sessions, wanted one that keeps them"
        return None

    def _what_nobody_proves(self) -> str | None:
        return None if self._parts.proving.has_directory else "directory: got nothing, wanted one, or login.users"

    def _desks(self, world: World, passwords: Passwords, identification: Identification) -> Desks:
        config, clock, sources, rooms = self._config, self._clock, self._sources, self.rooms(world)
        has_cookies = "cookie" in config.sources
        proxies = Proxies.of(config.proxies.trusted)
        visits = Visits(identification, sources, config.cookies, has_cookies=has_cookies, proxies=proxies)
        delivery = Delivery(config.cookies, self._csrf, clock=clock)
        presented = PresentedSessions(
            rooms.open_sessions,
            visits,
            sources,
            verify=self._verify,
            session_of=Resolution(self._recognition, lambda: self._keeping.desk(world)).session_of,
            clock=clock,
        )
        return Desks(
            SignInDesk(
                rooms,
                passwords,
                visits,
                delivery,
                presented,
                Devices(self._keys, secrets.token_bytes),
                cookies=config.cookies,
                mode=config.cookies.mode if has_cookies else "off",
                clock=clock,
            ),
            ExchangeDesk(rooms, visits, delivery, clock=clock),
            LeavingDesk(rooms, visits, delivery, presented, issuer=config.issuer, clock=clock),
            OverviewDesk(
                rooms,
                visits,
                delivery,
                self._csrf,
                prefix=config.endpoints.prefix,
                issuer=config.issuer,
                clock=clock,
            ),
        )

    def _verify(self, token: str, now: float) -> Principal:
        return principal_of(self._recognition.verify(token, now=now), "bearer")
