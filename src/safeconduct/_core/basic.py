"""From a Basic credential to what it proves: over TLS only, by what is remembered or by the directory's word."""

from collections.abc import Callable

from safeconduct._core.decision import Clock, Key, Passed, Proof
from safeconduct._core.members import question_for
from safeconduct._core.network import network_of
from safeconduct._core.pairs import BasicCredentials, ProvenPair
from safeconduct._http.credentials import Basic, read_authorization
from safeconduct._http.forwarded import Client
from safeconduct._http.message import Request
from safeconduct.config import BasicConfig
from safeconduct.errors import InvalidRequest
from safeconduct.principal import Principal


class BasicRecognition:
    """Proves Basic credentials behind WSGI or ASGI."""

    def __init__(
        self,
        pairs: BasicCredentials,
        basic: BasicConfig,
        *,
        owner: object,
        issuer: str,
        clock: Clock,
        shards: int,
        client_of: Callable[[Request], Client],
    ) -> None:
        """
        Keep the parts.

        Args:
            pairs: Proves and remembers pairs of user name and password.
            basic: The level, how long a pair is remembered, whether plain HTTP is allowed.
            owner: The mark of the ``Auth``.
            issuer: In whose name the directory speaks.
            clock: The time, in seconds since the epoch.
            shards: How many shards the store has.
            client_of: Tells who sent a request and whether over TLS, as far as its proxies are trusted.
        """
        self._pairs = pairs
        self._basic = basic
        self._owner = owner
        self._issuer = issuer
        self._clock = clock
        self._shards = shards
        self._client_of = client_of

    async def prove(self, credential: Basic, field: bytes, request: Request, *, now: float) -> Passed:
        """
        Prove *credential*, which came as *field*.

        Raises:
            InvalidRequest: If it came over plain HTTP and that is not allowed by name (RFC 7617 §4).
            BadCredentials: If the user name or the password is wrong.
            TooManyAttempts: If a bound of the throttle is reached.
            Unavailable: If the directory cannot be asked.
        """
        client = self._client_of(request)
        if not client.is_secure and not self._basic.allow_plain_http:
            raise InvalidRequest("Basic over plain HTTP; basic.allow_plain_http allows it by name")
        now_ms = int(now * 1000)
        pair = self._pairs.recall(credential.username, credential.password, now_ms)
        if pair is None:
            pair = await self._pairs.prove(
                credential.username, credential.password, network=network_of(client.address), now_ms=now_ms
            )
        return self._passed(pair, field)

    def forget(self, key: Key) -> None:
        """Forget the pair that a cut-off has met, so that the next request proves it anew; *key* is a proof's."""
        if isinstance(key, bytes):
            credential = read_authorization([key])
            if isinstance(credential, Basic):
                self._pairs.forget(credential.username, credential.password)

    def _passed(self, pair: ProvenPair, field: bytes) -> Passed:
        account = pair.account
        ends_ms = pair.proven_ms + self._basic.cache_seconds * 1000
        question = question_for(
            issuer=self._issuer,
            subject=account.subject,
            token_id=None,
            client_id=None,
            kid=None,
            session_id=None,
            issued_ms=pair.proven_ms,
            ends_ms=ends_ms,
            is_own=True,
            shards=self._shards,
        )
        principal = Principal(
            subject=account.subject,
            issuer=self._issuer,
            scheme="basic",
            level=self._basic.level,
            scopes=frozenset(account.scopes),
            roles=frozenset(account.roles),
            expires_at=ends_ms // 1000,
            display_name=account.subject,
        )
        return Passed.of(principal, self._clock, self._owner, Proof(field, ends_ms, question, "basic"))
