"""From a Basic credential to what it proves: over TLS only, by what is remembered or by the directory's word."""

from collections.abc import Awaitable, Callable

from safeconduct._core.decision import Clock, Passed, Proof
from safeconduct._core.members import question_for
from safeconduct._core.network import network_of
from safeconduct._core.pairs import BasicCredentials, ProvenPair
from safeconduct._core.passwords import Passwords
from safeconduct._core.ports import Question
from safeconduct._http.credentials import Basic, read_authorization
from safeconduct._http.forwarded import Client
from safeconduct._http.message import Request
from safeconduct.config import BasicConfig
from safeconduct.errors import InvalidRequest
from safeconduct.principal import Principal


class BasicRecognition:
    """Proves Basic credentials behind WSGI or ASGI."""

    def __init__(  # noqa: PLR0913 - what a password is compared with and under which bounds is this much
        self,
        passwords: Passwords,
        basic: BasicConfig,
        *,
        realm: str,
        key: bytes,
        stamp: Callable[[Question], Awaitable[int]] | None,
        owner: object,
        issuer: str,
        clock: Clock,
        shards: int,
        client_of: Callable[[Request], Client],
    ) -> None:
        """
        Keep the parts.

        Args:
            passwords: Proves a pair of user name and password.
            basic: The level, how long a pair is remembered, whether plain HTTP is allowed.
            realm: The protection space.
            key: Random bytes of this process, under which pairs are remembered.
            stamp: Asks the store for its time; None where there is no store.
            owner: The mark of the ``Auth``.
            issuer: In whose name the directory speaks.
            clock: The time, in seconds since the epoch.
            shards: How many shards the store has.
            client_of: Tells who sent a request and whether over TLS, as far as its proxies are trusted.
        """
        self._pairs = BasicCredentials(passwords, basic, realm=realm, key=key, make=self._passed)
        self._stamp = stamp
        self._basic = basic
        self._owner = owner
        self._issuer = issuer
        self._clock = clock
        self._shards = shards
        self._client_of = client_of

    async def prove(
        self, credential: Basic, request: Request, *, now: float, cut_off: Question | None = None
    ) -> Passed:
        """
        Prove *credential*, which came with *request*.

        Args:
            credential: The pair.
            request: Says from where it came.
            now: The current time, in seconds since the epoch.
            cut_off: What was asked about the same pair when a cut-off had met it: this proof is dated after that.

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
        passed = self._pairs.recall(credential.username, credential.password, now_ms)
        if passed is None:
            # Of whom it is, is not known before it is proven.
            asked = self._question("", now_ms, now_ms) if cut_off is None else cut_off
            passed = await self._pairs.prove(
                credential.username,
                credential.password,
                network=network_of(client.address),
                now_ms=now_ms,
                issued_ms=now_ms if self._stamp is None else await self._stamp(asked),
            )
        return passed

    def forget(self, request: Request) -> None:
        """Forget the pair of *request*, which a cut-off has met, so that the next one proves it anew."""
        credential = read_authorization(request.values(b"authorization"))
        if isinstance(credential, Basic):  # pragma: no branch - only a pair is forgotten, and it came by Basic
            self._pairs.forget(credential.username, credential.password)

    def _passed(self, pair: ProvenPair) -> Passed:
        account = pair.account
        # A pair that is not remembered at all must hold for the request that proved it.
        ends_ms = pair.proven_ms + max(self._basic.cache_seconds, 1) * 1000
        principal = Principal(
            subject=account.subject,
            issuer=self._issuer,
            scheme="basic",
            level=self._basic.level,
            scopes=frozenset(account.scopes),
            roles=frozenset(account.roles),
            expires_at=ends_ms // 1000,
            display_name=account.display_name or account.subject,
            remote_user=account.subject,
        )
        question = self._question(account.subject, pair.issued_ms, ends_ms)
        # The same pair may come spelt in several ways, so what is kept names no bytes.
        return Passed.of(principal, self._clock, self._owner, Proof(b"", ends_ms, question, "basic"))

    def _question(self, subject: str, issued_ms: int, ends_ms: int) -> Question:
        return question_for(
            issuer=self._issuer,
            subject=subject,
            token_id=None,
            client_id=None,
            kid=None,
            session_id=None,
            issued_ms=issued_ms,
            ends_ms=ends_ms,
            is_own=True,
            shards=self._shards,
        )
