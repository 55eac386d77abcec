"""The parts of an ``Auth`` that its operator needs beyond the public methods: the command line, and tests."""

from safeconduct._core.decision import Clock
from safeconduct._core.revocation_keys import stamp_question
from safeconduct._core.run_sync import run_sync
from safeconduct._tokens.issuer import Grant
from safeconduct._wiring.container import Container
from safeconduct.config import Config


class OperatorAccess:
    """
    Issue tokens and close the store with the very parts that serve requests.

    Args:
        container: The parts of one ``Auth``.
        config: Its configuration.
        clock: Its clock, in seconds since the epoch.
    """

    def __init__(self, container: Container, config: Config, clock: Clock) -> None:
        self._container = container
        self._config = config
        self._clock = clock

    @property
    def has_static_directory(self) -> bool:
        """Whether the directory cannot look a user up again after sign-in."""
        return self._container.proving.is_static

    def issue_time_ms(self, *, subject: str, client_id: str | None = None) -> int:
        """
        Return the ``iat_ms`` for a new token: the store's time, and later than every cut-off that would refuse it.

        Where there is no store, it is this process's time.

        Args:
            subject: Whom the token names.
            client_id: The client it names; the configured one, or the issuer, by default.

        Raises:
            Unavailable: If the store does not answer.
        """
        issuer = self._config.issuer
        revocations = self._container.revocations("wsgi")
        if revocations is None or issuer is None:
            return int(self._clock() * 1000)
        question = stamp_question(
            issuer=issuer,
            subject=subject,
            client_id=client_id or self._config.tokens.client_id or issuer,
            shards=self._config.store.shards,
        )
        return run_sync(revocations.stamp(question))

    def issue(self, grant: Grant, *, iat_ms: int) -> str:
        """
        Issue an access token.

        Raises:
            ConfigurationError: If the configuration has no keys or no issuer.
        """
        return self._container.issuer.issue(grant, iat_ms=iat_ms)

    def close_store(self) -> None:
        """Close the connections that blocking calls opened."""
        run_sync(self._container.store("wsgi").close())
