"""Give the command line and tests what they need of an ``Auth`` beyond its public methods."""

from collections.abc import Callable, Mapping
from typing import Any

from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account
from safeconduct._core.revocation_keys import issue_time_query
from safeconduct._core.run_sync import run_sync
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.facade import AsyncSessions
from safeconduct._core.sessions.model import Transport
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._keys.folder import KeyFolder
from safeconduct._tokens.issuer import Grant
from safeconduct._tokens.key import Key
from safeconduct._wiring.container import Container


class OperatorAccess:
    """
    Issue tokens and close the store with the very parts that serve requests.

    Args:
        container: The parts of one ``Auth``.
        sessions: Returns its verbs for WSGI.
    """

    def __init__(self, container: Container, sessions: Callable[[], AsyncSessions]) -> None:
        self._container = container
        self._sessions = sessions

    @property
    def has_static_directory(self) -> bool:
        """Whether the directory cannot look a user up again after sign-in."""
        return self._container.passwords.is_static

    @property
    def clock(self) -> Clock:
        """The time in seconds since the epoch, as the ``Auth`` reads it."""
        return self._container.clock

    def issue_time_ms(self, *, subject: str, client_id: str | None = None) -> int:
        """
        Return the ``iat_ms`` for a new token: the store's time, and later than every cut-off that would refuse it.

        Without a store, it is the time of the clock of the ``Auth``.

        Args:
            subject: The subject of the token.
            client_id: Its client; the configured one, or the issuer, by default.

        Raises:
            Unavailable: If the store does not answer.
        """
        config = self._container.config
        revocations = self._container.revocations("wsgi")
        if revocations is None or config.issuer is None:
            return int(self._container.clock() * 1000)
        query = issue_time_query(
            issuer=config.issuer,
            subject=subject,
            client_id=client_id or config.tokens.client_id or config.issuer,
            shards=config.store.shards,
        )
        return run_sync(revocations.issue_time(query))

    def issue(self, grant: Grant, *, iat_ms: int) -> str:
        """
        Issue an access token.

        Raises:
            ConfigurationError: If the configuration has no keys or no issuer.
        """
        return self._container.issuer.issue(grant, iat_ms=iat_ms)

    def sign(self, claims: Mapping[str, Any], token_type: str) -> str:
        """
        Sign any claims with the key of access tokens, also those that no verifier accepts.

        Raises:
            ConfigurationError: If the configuration has no keys or no issuer.
        """
        return self._container.issuer.sign(claims, token_type)

    def claims(self, grant: Grant, *, iat_ms: int) -> dict[str, Any]:
        """Return the claims that ``issue`` would sign."""
        return self._container.issuer.claims(grant, iat_ms=iat_ms)

    def public_keys(self) -> tuple[Key, ...]:
        """Return the keys that verify our access tokens, for tests that forge one."""
        keys = self._container.keys
        return () if keys is None else tuple(entry.key for entry in keys.current().entries if entry.key.public_jwk)

    def reload_keys(self) -> None:
        """Read the files of our keys and of those of trusted issuers again, if they have changed."""
        for policy in self._container.policies:
            if isinstance(policy.keys, KeyFolder):
                policy.keys.read_again()
        # So that the next request compares the keys, although the last comparison may be less than a second old.
        self._container.bearer.close()

    def begin_session(self, account: Account, *, transport: Transport) -> Tokens:
        """
        Sign *account* in, without a password.

        Raises:
            ConfigurationError: If the configuration has no keys or no issuer.
            Unavailable: If the store does not answer.
        """
        return run_sync(self._sessions().sign_in(account, origin=RequestOrigin(transport=transport)))

    def csrf_token(self, tokens: Tokens) -> str:
        """Return the CSRF token of a session; empty where there is no key for them, which cookies demand."""
        return self._container.csrf.token(tokens.session_id, tokens.csrf_generation) or ""

    def close_store(self) -> None:
        """Close the connections that blocking calls opened."""
        run_sync(self._container.store("wsgi").close())
