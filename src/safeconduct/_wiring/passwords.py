"""Make the parts that prove passwords: the directory, the throttle in front of it, and Basic."""

import secrets

from safeconduct._core.account_checks import AccountChecks
from safeconduct._core.basic import LOCAL_ISSUER, BasicAuthenticator
from safeconduct._core.decision import Clock
from safeconduct._core.directory import AsyncDirectory, Directory, DirectoryPort
from safeconduct._core.event_dispatcher import EventDispatcher
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation import Revocations
from safeconduct._core.store import Store
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct._core.wrapped_app import World
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._wiring.settings import require_directory, require_sign_in
from safeconduct.config import Config
from safeconduct.directories import UsersFile
from safeconduct.directories.adapters import adapt_directory, cached_lookups, comparison_queue
from safeconduct.errors import ConfigurationError
from safeconduct.events import UsersRecovered, UsersUnreadable
from safeconduct.stores.memory.store import MemoryStore


class PasswordFactory:
    """
    Make the parts that prove passwords, once for ASGI and once for WSGI.

    Args:
        config: The shared configuration.
        directory: The users; None for the users file of the configuration.
        derived_keys: The derived keys; None if there are none.
        owner: Marks what this ``Auth`` proved.
        clock: The time in seconds since the epoch.
        announce: Called with every event.
    """

    def __init__(
        self,
        config: Config,
        directory: Directory | AsyncDirectory | None,
        *,
        derived_keys: DerivedKeys | None,
        owner: object,
        clock: Clock,
        announce: EventDispatcher,
    ) -> None:
        self._config = config
        self._derived_keys = derived_keys
        self._owner = owner
        self._clock = clock
        self._announce = announce
        self._directory = self._configured_directory() if directory is None else directory
        #: Shared by ASGI and WSGI: it bounds how many passwords a process hashes at once.
        self._queue = comparison_queue(config.login)
        require_sign_in(config, has_directory=self.has_directory, has_secrets=derived_keys is not None)
        self._directories: dict[World, DirectoryPort] = {}
        self._passwords: dict[World, Passwords] = {}
        self._throttle_key: bytes | None = None

    @property
    def has_directory(self) -> bool:
        """Whether there is a directory."""
        return self._directory is not None

    @property
    def is_static(self) -> bool:
        """Whether the directory cannot be asked again about a user."""
        return bool(getattr(self._directory, "static", False))

    def directory(self, world: World) -> DirectoryPort:
        """
        Return the port of the directory.

        Raises:
            ConfigurationError: If there is none, or it does not support *world*.
        """
        if self._directory is None:
            raise ConfigurationError('directory: got nothing, wanted one, or login.users, since "basic" is a source')
        if world not in self._directories:
            self._directories[world] = adapt_directory(self._directory, world, self._config.login, queue=self._queue)
        return self._directories[world]

    def passwords(self, world: World, store: Store) -> Passwords:
        """
        Return what proves passwords; the throttle in front of it counts in *store*.

        Raises:
            ConfigurationError: If there is no directory for *world*, or no key for the throttle.
        """
        if world not in self._passwords:
            port = self.directory(world)
            self._passwords[world] = Passwords(port, self.throttle(store), announce=self._announce)
        return self._passwords[world]

    @property
    def can_throttle(self) -> bool:
        """Whether there is a key under whose names every process counts, or only this process counts."""
        return self._derived_keys is not None or self._config.store.url in {"memory://", "none"}

    def throttle(self, store: Store) -> Throttle:
        """
        Return what limits the attempts of users or of services, counted in *store*.

        Raises:
            ConfigurationError: If there is no key for it.
        """
        local = MemoryStore(clock=self._clock, horizon_ms=0, leeway_ms=0)
        events = ThrottleEvents(self._announce, self._clock)
        return Throttle(store, local, self._config.login, key=self._key(), events=events)

    def basic(
        self, world: World, store: Store, revocations: Revocations | None, *, realm: str
    ) -> BasicAuthenticator | None:
        """
        Return what proves Basic credentials, None if they are not a source.

        Raises:
            ConfigurationError: As for ``passwords``.
        """
        config = self._config
        if "basic" not in config.sources:
            return None
        return BasicAuthenticator(
            config,
            self.passwords(world, store),
            realm=realm,
            key=secrets.token_bytes(32),
            issue_time=None if revocations is None else revocations.issue_time,
            owner=self._owner,
            clock=self._clock,
        )

    def account_checks(self, world: World) -> AccountChecks | None:
        """
        Return what checks at every request that an account was not cut off; None where that is not asked.

        Raises:
            ConfigurationError: If there is no directory for what the configuration asks of it.
        """
        config = self._config
        require_directory(config, has_directory=self.has_directory, is_static=self.is_static)
        if config.login.cut_off != "cached":
            return None
        lookups = cached_lookups(
            self.directory(world),
            world,
            seconds=config.revocation.staleness_seconds,
            wait_seconds=config.login.queue_seconds,
            capacity=config.tokens.remembered,
        )
        issuers = {config.issuer or LOCAL_ISSUER}
        return AccountChecks(lookups, issuers=issuers, leeway_ms=config.tokens.leeway_seconds * 1000)

    def close(self) -> None:
        """Stop the threads that ask the directory."""
        for port in self._directories.values():
            port.close()

    def _key(self) -> bytes:
        if self._throttle_key is None:
            self._throttle_key = self._new_key()
        return self._throttle_key

    def _new_key(self) -> bytes:
        if self._derived_keys is not None:
            return self._derived_keys.derive("throttle")
        if not self.can_throttle:
            raise ConfigurationError(
                "keys: the throttle needs the safeconduct-secrets key, so that every process counts under the same "
                "names; make it with `safeconduct keys new --secrets`"
            )
        # Only this process counts, so no other one needs the key.
        return secrets.token_bytes(32)

    def _configured_directory(self) -> UsersFile | None:
        users = self._config.login.users
        if users is None:
            return None
        return UsersFile(
            users,
            on_unreadable=lambda reason: self._announce(UsersUnreadable(reason=reason)),
            on_readable=lambda: self._announce(UsersRecovered()),
        )
