"""The verbs on sessions as their callers see them, whether a store keeps the sessions or their owners carry them."""

from collections.abc import Callable
from typing import Protocol

from safeconduct._core.directory import Account
from safeconduct._core.session.binding import Caller
from safeconduct._core.session.open_sessions import OpenSession, SessionPage
from safeconduct._core.session.prospects import Prospects
from safeconduct._core.session.tokens import Tokens
from safeconduct.principal import Principal


class LoginVerbs(Protocol):
    """Give tokens; see ``Logins``."""

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, caller: Caller | None = None
    ) -> Tokens:
        """Begin a session for an account whose password was proven in this very request."""
        ...

    async def refresh(self, refresh_token: str, *, extend: bool = False, caller: Caller | None = None) -> Tokens:
        """Give an access token of the session's present level."""
        ...

    async def renew(self, principal: Principal) -> Tokens:
        """Give an access token of the level ``remembered`` for one whose half of life is over."""
        ...


class StepUpVerbs(Protocol):
    """Take proofs within a session; see ``StepUps``."""

    async def step_up(
        self,
        principal: Principal,
        password: str,
        *,
        refresh_token: str | None = None,
        caller: Caller | None = None,
        knows_device: Callable[[str], bool] = ...,
    ) -> Tokens:
        """Prove anew who the user is."""
        ...


class OpenSessionVerbs(Protocol):
    """List and end sessions; see ``OpenSessions``."""

    async def sign_out(self, principal: Principal) -> None:
        """End the session behind an access token; nothing happens where there is none."""
        ...

    async def sign_out_with(self, refresh_token: str) -> str | None:
        """End the session of a refresh token, and return its id; None where no session can be ended."""
        ...

    async def sign_out_of(self, session_id: str) -> None:
        """End a session whose id is proven to be the caller's."""
        ...

    async def sign_out_everywhere(self, subject: str) -> None:
        """End every session of *subject* and whatever was issued to him until now."""
        ...

    async def list(self, subject: str, *, current: str | None = None) -> tuple[OpenSession, ...]:
        """Return the sessions of *subject*, the one used last first."""
        ...

    async def page(self, subject: str, *, current: str | None = None, cursor: str | None = None) -> SessionPage:
        """Return at most a hundred sessions of *subject*."""
        ...

    async def end(self, session_id: str, *, subject: str | None = None) -> None:
        """End one session."""
        ...

    async def touch(self, principal: Principal) -> None:
        """Return if the session behind an access token stands, and note its use."""
        ...

    async def prospects(self, principal: Principal) -> Prospects:
        """Say what may become of the session behind an access token."""
        ...


class SessionVerbs(Protocol):
    """All of them, by what they are about: ``SessionRooms`` and ``StatelessRooms`` are such."""

    @property
    def logins(self) -> LoginVerbs:
        """``sign_in``, ``refresh``, ``renew``."""
        ...

    @property
    def step_ups(self) -> StepUpVerbs:
        """``step_up``."""
        ...

    @property
    def open_sessions(self) -> OpenSessionVerbs:
        """``list``, ``sign_out``, ``sign_out_with``, ``sign_out_everywhere``, ``end``, ``touch``, ``prospects``."""
        ...
