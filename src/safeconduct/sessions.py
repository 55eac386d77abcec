"""Sign users in and out, from pages of the application too, and revoke credentials, in code without an event loop."""

import sys
from collections.abc import Coroutine
from typing import TypeVar

from safeconduct._core.directory import Account
from safeconduct._core.programmatic_sign_in import AsyncCookies, AsyncPasswords, TextFields
from safeconduct._core.receipt import RevocationReceipt
from safeconduct._core.run_sync import run_sync
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.facade import AsyncSessions
from safeconduct._core.sessions.listing import ActiveSession
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._http.given_request import GivenRequest

__all__ = ["AsyncCookies", "AsyncPasswords", "Cookies", "Passwords", "Sessions", "run"]

Result = TypeVar("Result")


class Sessions:
    """
    The same verbs as ``AsyncSessions``, blocking.

    Every verb raises a ``RuntimeError`` that names its awaitable twin if an event loop runs in this thread, since it
    would block that loop.
    """

    def __init__(self, sessions: AsyncSessions) -> None:
        self._sessions = sessions

    def sign_in(
        self,
        account: Account,
        *,
        username: str | None = None,
        remember: bool = False,
        origin: RequestOrigin | None = None,
    ) -> Tokens:
        """Begin a session for a proven user; see ``AsyncSessions.sign_in``."""
        verb = self._sessions.sign_in
        return run("sessions.sign_in", verb(account, username=username, remember=remember, origin=origin))

    def refresh(
        self,
        refresh_token: str,
        *,
        extend: bool = False,
        password: str | None = None,
        origin: RequestOrigin | None = None,
    ) -> Tokens:
        """Rotate a refresh token; see ``AsyncSessions.refresh``."""
        verb = self._sessions.refresh
        return run("sessions.refresh", verb(refresh_token, extend=extend, password=password, origin=origin))

    def renew(self, access_token: str) -> Tokens:
        """Renew an access token; see ``AsyncSessions.renew``."""
        return run("sessions.renew", self._sessions.renew(access_token))

    def step_up(
        self,
        access_token: str,
        password: str,
        *,
        refresh_token: str | None = None,
        remember: bool = False,
        origin: RequestOrigin | None = None,
    ) -> Tokens:
        """Raise the level of a session; see ``AsyncSessions.step_up``."""
        verb = self._sessions.step_up(
            access_token, password, refresh_token=refresh_token, remember=remember, origin=origin
        )
        return run("sessions.step_up", verb)

    def sign_out(self, access_token: str) -> None:
        """End the session behind an access token; see ``AsyncSessions.sign_out``."""
        run("sessions.sign_out", self._sessions.sign_out(access_token))

    def sign_out_everywhere(self, subject: str, *, issuer: str | None = None) -> None:
        """End every session of a subject; see ``AsyncSessions.sign_out_everywhere``."""
        run("sessions.sign_out_everywhere", self._sessions.sign_out_everywhere(subject, issuer=issuer))

    def list(self, subject: str, *, issuer: str | None = None) -> tuple[ActiveSession, ...]:
        """List the sessions of a subject; see ``AsyncSessions.list``."""
        return run("sessions.list", self._sessions.list(subject, issuer=issuer))

    def revoke_token(
        self,
        token_id: str,
        *,
        issuer: str | None = None,
        subject: str | None = None,
        expires_at: int | None = None,
        min_replicas: int | None = None,
    ) -> RevocationReceipt:
        """Revoke one token; see ``AsyncSessions.revoke_token``."""
        verb = self._sessions.revoke_token
        return run(
            "sessions.revoke_token",
            verb(token_id, issuer=issuer, subject=subject, expires_at=expires_at, min_replicas=min_replicas),
        )

    def end(self, session_id: str, *, min_replicas: int | None = None) -> RevocationReceipt:
        """End one session with all its tokens; see ``AsyncSessions.end``."""
        return run("sessions.end", self._sessions.end(session_id, min_replicas=min_replicas))

    def revoke_subject(
        self, subject: str, *, issuer: str | None = None, min_replicas: int | None = None
    ) -> RevocationReceipt:
        """Revoke everything that was issued to a subject; see ``AsyncSessions.revoke_subject``."""
        verb = self._sessions.revoke_subject
        return run("sessions.revoke_subject", verb(subject, issuer=issuer, min_replicas=min_replicas))

    def revoke_client(
        self, client_id: str, *, issuer: str | None = None, min_replicas: int | None = None
    ) -> RevocationReceipt:
        """Revoke everything that was issued to a client; see ``AsyncSessions.revoke_client``."""
        verb = self._sessions.revoke_client
        return run("sessions.revoke_client", verb(client_id, issuer=issuer, min_replicas=min_replicas))

    def revoke_key(self, kid: str, *, issuer: str | None = None, min_replicas: int | None = None) -> RevocationReceipt:
        """Revoke everything that a key signs; see ``AsyncSessions.revoke_key``."""
        verb = self._sessions.revoke_key
        return run("sessions.revoke_key", verb(kid, issuer=issuer, min_replicas=min_replicas))

    def revoke_everything(self, *, issuer: str | None = None, min_replicas: int | None = None) -> RevocationReceipt:
        """Revoke everything that was issued until now; see ``AsyncSessions.revoke_everything``."""
        verb = self._sessions.revoke_everything
        return run("sessions.revoke_everything", verb(issuer=issuer, min_replicas=min_replicas))


class Cookies:
    """
    The same verbs as ``AsyncCookies``, blocking.

    ``set_on`` raises a ``RuntimeError`` that names its awaitable twin if an event loop runs in this thread.
    """

    def __init__(self, cookies: AsyncCookies) -> None:
        self._cookies = cookies

    def origin_of(self, request: GivenRequest) -> RequestOrigin:
        """Return what a session that begins with *request* records of it; see ``AsyncCookies.origin_of``."""
        return self._cookies.origin_of(request)

    def set_on(self, tokens: Tokens, request: GivenRequest) -> TextFields:
        """Return the ``Set-Cookie`` fields for the response to *request*; see ``AsyncCookies.set_on``."""
        return run("cookies.set_on", self._cookies.set_on(tokens, request))

    def clear(self) -> TextFields:
        """Return the fields of a sign-out; see ``AsyncCookies.clear``."""
        return self._cookies.clear()


class Passwords:
    """
    The same verb as ``AsyncPasswords``, blocking.

    It raises a ``RuntimeError`` that names its awaitable twin if an event loop runs in this thread.
    """

    def __init__(self, passwords: AsyncPasswords) -> None:
        self._passwords = passwords

    def check(self, username: str, password: str, *, request: GivenRequest) -> Account:
        """Return the account of *username* if the password is right; see ``AsyncPasswords.check``."""
        return run("passwords.check", self._passwords.check(username, password, request=request))


def run(name: str, coroutine: Coroutine[object, None, Result]) -> Result:
    """
    Run *coroutine*, the work of the blocking verb *name*, to its end.

    Raises:
        RuntimeError: If an event loop runs in this thread.
    """
    # Code that runs a loop has imported asyncio; code that does not need not pay for it.
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001 - documented for this use
        coroutine.close()
        owner, _, verb = name.rpartition(".")
        twin = f"async_{owner}.{verb}" if owner else f"async_{verb}"
        raise RuntimeError(f"{name} would block the running loop; await {twin} instead")
    return run_sync(coroutine)
