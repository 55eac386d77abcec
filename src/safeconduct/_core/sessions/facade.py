"""Sign users in and out, and revoke tokens, sessions, subjects, clients and keys: the public verbs, awaitable."""

from collections.abc import Callable
from dataclasses import replace

from safeconduct._core.bearer import AccessTokenResolver, principal_of
from safeconduct._core.budget import within_one_budget
from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account
from safeconduct._core.passwords import refuse_unusable_name
from safeconduct._core.receipt import RevocationReceipt
from safeconduct._core.revocation import Revocations
from safeconduct._core.revoker import Revoker
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.listing import ActiveSession
from safeconduct._core.sessions.verbs import SessionVerbs, Tokens
from safeconduct.errors import NotSupported
from safeconduct.principal import Principal


class AsyncSessions:
    """
    Sign users in and out, and revoke credentials; ``Auth.sessions`` has the same verbs, blocking.

    Every verb takes effect for the next request in every process.  A ``RevocationReceipt`` says which shards were
    written to; if none could be, the verb raises ``Unavailable``.  Repeating a verb is harmless.

    Where replicas are demanded, by ``revocation.min_replicas`` or by a method's own *min_replicas*, and fewer confirm
    within the deadline, a verb that ends something raises ``TooFewReplicas``, whose ``receipt`` says what is written
    where.  It is in effect all the same.
    """

    def __init__(
        self,
        revocations: Revocations | None,
        *,
        issuer: str | None,
        clock: Clock,
        horizon_seconds: int,
        absolute_lifetime_seconds: int,
        session_verbs: Callable[[], SessionVerbs],
        resolver: AccessTokenResolver,
    ) -> None:
        self._revocations = revocations
        self._issuer = issuer
        self._clock = clock
        self._horizon_seconds = horizon_seconds
        self._absolute_lifetime_seconds = absolute_lifetime_seconds
        self._session_verbs = session_verbs
        self._resolver = resolver

    @within_one_budget
    async def sign_in(
        self,
        account: Account,
        *,
        username: str | None = None,
        remember: bool = False,
        origin: RequestOrigin | None = None,
    ) -> Tokens:
        """
        Begin a session for a user whom the application has just proven in its own way.

        Neither the directory nor the throttle is asked: that was the application's part.

        Args:
            account: The user, with roles, scopes and the level that was proven.
            username: The name that a later step-up asks the directory with. Default: the subject.
            remember: Whether the user asked for a refresh token.
            origin: Where the request comes from, and how the tokens will travel.

        Raises:
            BadCredentials: If the account is disabled, or *username* has a control character or more than 1,024 bytes.
            Unavailable: If the store cannot be asked.
            ConfigurationError: If sessions lack a key, a store or a name.
        """
        if username is not None:
            refuse_unusable_name(username)
        name = account.subject if username is None else username
        tokens = await self._session_verbs().sign_in(account, username=name, remember=remember, origin=origin)
        return replace(tokens, username=name)

    @within_one_budget
    async def refresh(
        self,
        refresh_token: str,
        *,
        extend: bool = False,
        password: str | None = None,
        origin: RequestOrigin | None = None,
    ) -> Tokens:
        """
        Rotate a refresh token and return an access token of the session's present level.

        Args:
            refresh_token: As it was presented.
            extend: Whether the user wants the refresh token to live longer.
            password: With *extend*, the user's password; ``sessions.require_proof_to_extend`` demands it.
            origin: Where the request comes from.

        Raises:
            InvalidToken: If it is not one of ours, was used before, or its session is over.
            BadCredentials: If *password* is wrong, or missing where it is demanded; the token is as good as before.
            TooManyAttempts: If a limit of the throttle is reached; the token is as good as before.
            TooEarly: If *extend* was asked for before half of its life; the token is as good as before.
            Unavailable: If store or directory cannot be asked; the token is as good as before.
        """
        return await self._session_verbs().refresh(refresh_token, extend=extend, password=password, origin=origin)

    @within_one_budget
    async def renew(self, access_token: str) -> Tokens:
        """
        Return an access token of the level ``remembered`` for one that is past half of its life.

        Raises:
            InvalidToken: If it is not one of ours, was revoked, its session is over, or it was renewed before.
            NotRenewable: If it has no session, or its end cannot grow.
            TooEarly: If half of its life is not over.
            Unavailable: If store or directory cannot be asked.
        """
        return await self._session_verbs().renew(await self._verify(access_token))

    @within_one_budget
    async def step_up(
        self,
        access_token: str,
        password: str,
        *,
        refresh_token: str | None = None,
        remember: bool = False,
        origin: RequestOrigin | None = None,
    ) -> Tokens:
        """
        Raise the level of a session by the password of its user; the session's older access tokens end.

        Args:
            access_token: An access token of the session.
            password: As it was submitted.
            refresh_token: The session's refresh token, if it came along; it is rotated.
            remember: Whether the user asks for a refresh token; without effect if the session has one.
            origin: Where the request comes from.

        Raises:
            BadCredentials: If the password is wrong; the last of five in a row ends the session.
            InvalidToken: If a token is not one of ours or was revoked, or the session is over.
            TooManyAttempts: If a limit of the throttle is reached.
            NotSupported: If there is no directory.
            Unavailable: If store or directory cannot be asked.
        """
        principal = await self._verify(access_token)
        verbs = self._session_verbs()
        return await verbs.step_up(principal, password, refresh_token=refresh_token, remember=remember, origin=origin)

    @within_one_budget
    async def sign_out(self, access_token: str) -> None:
        """
        End the session of an access token, even if that token was revoked.

        Raises:
            InvalidToken: If it is not one of ours, or has expired.
            TooFewReplicas: If fewer replicas than configured confirm it, although it is written.
            Unavailable: If the store cannot be asked.
        """
        # Whether the token was revoked is not asked: its session is to end in any case.
        claims = await self._resolver.verify(access_token, now=self._clock())
        await self._session_verbs().sign_out(principal_of(claims, "bearer"))

    async def sign_out_everywhere(self, subject: str, *, issuer: str | None = None) -> None:
        """
        End every session of *subject*, a person of *issuer* or our own, and what was issued to them until now.

        Raises:
            TooFewReplicas: If fewer replicas than configured confirm it, although it is written.
            Unavailable: If the store cannot be asked.
        """
        await self._session_verbs().sign_out_everywhere(subject, issuer=issuer)

    async def list(self, subject: str, *, issuer: str | None = None) -> tuple[ActiveSession, ...]:
        """
        Return the sessions of *subject*, a person of *issuer* or our own, the one used last first.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        return await self._session_verbs().list(subject, issuer=issuer)

    async def revoke_token(
        self,
        token_id: str,
        *,
        issuer: str | None = None,
        subject: str | None = None,
        expires_at: int | None = None,
        min_replicas: int | None = None,
    ) -> RevocationReceipt:
        """
        Revoke one token.

        Args:
            token_id: Its ``jti``, as ``Principal.token_id`` has it.
            issuer: The issuer of the token. Default: this one.
            subject: The subject of the token. Default: unknown; the revocation is written to every shard.
            expires_at: When the token expires, in seconds since the epoch. Default: the longest life of any token from
                now.
            min_replicas: How many replicas must confirm it. Default: ``revocation.min_replicas``.

        Raises:
            TooFewReplicas: If fewer replicas confirm it, although it is written.
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        end = int(self._clock()) + self._horizon_seconds if expires_at is None else expires_at
        return await self._revoker(min_replicas).revoke_token(
            self._issuer_or_own(issuer), token_id, subject=subject, expires_ms=end * 1000
        )

    async def end(self, session_id: str, *, min_replicas: int | None = None) -> RevocationReceipt:
        """
        End one session of this issuer with all its tokens.

        Raises:
            NotFound: If *session_id* is not the id of a session.
            TooFewReplicas: If fewer replicas than demanded confirm it, although it is written.
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        ends_ms = (int(self._clock()) + self._absolute_lifetime_seconds) * 1000
        return await self._revoker(min_replicas).revoke_session(self._issuer_or_own(None), session_id, ends_ms=ends_ms)

    async def revoke_subject(
        self, subject: str, *, issuer: str | None = None, min_replicas: int | None = None
    ) -> RevocationReceipt:
        """
        Revoke everything that was issued to *subject* until now; a later sign-in is not affected.

        Raises:
            TooFewReplicas: If fewer replicas than demanded confirm it, although it is written.
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._revoker(min_replicas).revoke_subject(self._issuer_or_own(issuer), subject)

    async def revoke_client(
        self, client_id: str, *, issuer: str | None = None, min_replicas: int | None = None
    ) -> RevocationReceipt:
        """
        Revoke everything that was issued to *client_id* until now, and whatever it signs itself, now and later.

        Raises:
            TooFewReplicas: If fewer replicas than demanded confirm it, although it is written.
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._revoker(min_replicas).revoke_client(self._issuer_or_own(issuer), client_id)

    async def revoke_key(
        self, kid: str, *, issuer: str | None = None, min_replicas: int | None = None
    ) -> RevocationReceipt:
        """
        Revoke everything that the key *kid* ever signs; for a key that was stolen.

        Raises:
            TooFewReplicas: If fewer replicas than demanded confirm it, although it is written.
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._revoker(min_replicas).revoke_key(self._issuer_or_own(issuer), kid)

    async def revoke_everything(
        self, *, issuer: str | None = None, min_replicas: int | None = None
    ) -> RevocationReceipt:
        """
        Revoke everything that the issuer issued until now.

        Raises:
            TooFewReplicas: If fewer replicas than demanded confirm it, although it is written.
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._revoker(min_replicas).revoke_everything(self._issuer_or_own(issuer))

    async def _verify(self, access_token: str) -> Principal:
        claims = await self._resolver.verify_not_revoked(access_token, self._revocations, now=self._clock())
        return principal_of(claims, "bearer")

    def _revoker(self, min_replicas: int | None) -> Revoker:
        if self._revocations is None:
            raise NotSupported("there is no store that could remember a revocation")
        lifetime_ms = self._absolute_lifetime_seconds * 1000
        return Revoker(self._revocations, absolute_lifetime_ms=lifetime_ms, min_replicas=min_replicas)

    def _issuer_or_own(self, issuer: str | None) -> str:
        named = issuer or self._issuer
        if named is None:
            raise NotSupported("there is no own issuer; say whose with issuer=…")
        return named
