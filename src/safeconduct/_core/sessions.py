"""End what was granted before its time: one token, one session, a subject, a client, a key, everything."""

from safeconduct._core.decision import Clock
from safeconduct._core.ports import Receipt
from safeconduct._core.revocation import Revocations
from safeconduct.errors import NotSupported


class AsyncSessions:
    """
    The verbs on logins and credentials, awaitable; ``Auth.sessions`` has the same ones, blocking.

    Every verb takes effect for the next request in every process.  A ``Receipt`` says which shards took it; what could
    not be written at all raises ``Unavailable``, and repeating a verb is harmless.
    """

    def __init__(
        self,
        revocations: Revocations | None,
        *,
        issuer: str | None,
        clock: Clock,
        horizon_seconds: int,
        absolute_lifetime_seconds: int,
    ) -> None:
        self._revocations = revocations
        self._issuer = issuer
        self._clock = clock
        self._horizon_seconds = horizon_seconds
        self._absolute_lifetime_seconds = absolute_lifetime_seconds

    async def revoke_token(
        self, token_id: str, *, issuer: str | None = None, subject: str | None = None, expires_at: int | None = None
    ) -> Receipt:
        """
        End one token.

        Args:
            token_id: Its ``jti``, as ``Principal.token_id`` has it.
            issuer: Who issued it; the own issuer where it is left out.
            subject: Whom it names; where it is left out, every shard is told.
            expires_at: When it ends by itself, in seconds; where it is left out, the longest life of any token is
                reckoned from now.

        Raises:
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        end = int(self._clock()) + self._horizon_seconds if expires_at is None else expires_at
        revocations = self._asked()
        return await revocations.revoke_token(self._named(issuer), token_id, subject=subject, expires_ms=end * 1000)

    async def end(self, session_id: str) -> Receipt:
        """
        End one session of the own issuer with all its tokens.

        Raises:
            NotFound: If *session_id* is none.
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        ends_ms = (int(self._clock()) + self._absolute_lifetime_seconds) * 1000
        return await self._asked().revoke_session(self._named(None), session_id, ends_ms=ends_ms)

    async def revoke_subject(self, subject: str, *, issuer: str | None = None) -> Receipt:
        """
        End everything that was issued to *subject* until now; a later sign-in is not touched.

        Raises:
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._asked().revoke_subject(self._named(issuer), subject)

    async def revoke_client(self, client_id: str, *, issuer: str | None = None) -> Receipt:
        """
        End everything that was issued to *client_id* until now.

        Raises:
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._asked().revoke_client(self._named(issuer), client_id)

    async def revoke_key(self, kid: str, *, issuer: str | None = None) -> Receipt:
        """
        End everything that the key *kid* ever signs; for a key that was stolen.

        Raises:
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._asked().revoke_key(self._named(issuer), kid)

    async def revoke_everything(self, *, issuer: str | None = None) -> Receipt:
        """
        End everything that the issuer issued until now.

        Raises:
            Unavailable: If the store cannot be asked.
            NotSupported: If there is no store.
        """
        return await self._asked().revoke_everything(self._named(issuer))

    def _asked(self) -> Revocations:
        if self._revocations is None:
            raise NotSupported("there is no store that could remember a revocation")
        return self._revocations

    def _named(self, issuer: str | None) -> str:
        named = issuer or self._issuer
        if named is None:
            raise NotSupported("there is no own issuer; say whose with issuer=…")
        return named
