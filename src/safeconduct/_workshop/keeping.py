"""What keeps and resolves opaque tokens, put together."""

import secrets
from collections.abc import Callable

from safeconduct._core.opaque import Desk, References
from safeconduct._core.opaque_store import KeepsReferences
from safeconduct._core.sessions.issuing import Keeping
from safeconduct._http.set_cookie import MAX_COOKIE_BYTES
from safeconduct._keys.derivation import Secrets
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import Policy
from safeconduct._workshop.parts import WorldParts, present
from safeconduct._workshop.proving import World
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError


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
