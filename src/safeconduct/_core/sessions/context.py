"""Hold what the verbs on sessions share, whether a store keeps the sessions or not."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from safeconduct._core.account_checks import refuse_future_cut_off, require_current
from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account, DirectoryPort
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.binding import Binding
from safeconduct._core.sessions.issuing import TokenMaker
from safeconduct._core.sessions.model import CurrentAccount, Lifetimes, Rights, Session, level_at
from safeconduct._core.sessions.session_keys import SessionKeys
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer import Checked
from safeconduct.errors import BadCredentials, NotSupported
from safeconduct.events import Event
from safeconduct.principal import Level

_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionContext:
    """Settings and collaborators of the verbs on sessions."""

    session_keys: SessionKeys
    lives: Lifetimes
    binding: Binding
    token_maker: TokenMaker
    #: Returns the derived keys as they are now; raises ``Unavailable`` if they are gone.
    derived_keys: Callable[[], DerivedKeys]
    #: The directory, asked again by every verb; if it is None or static, the rights at sign-in remain.
    directory: DirectoryPort | None
    #: Proves passwords, behind the throttle; None if there is no directory.
    passwords: Passwords | None
    #: The time in seconds since the epoch.
    clock: Clock
    #: How far clocks may differ.
    leeway_ms: int
    #: Whether the password must come along where a refresh token is extended.
    needs_proof_to_extend: bool = False
    #: Draws random bytes.
    draw: Callable[[int], bytes]
    #: Called with every event.
    announce: Callable[[Event], None]

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return int(self.clock() * 1000)

    def draw_id(self) -> str:
        """Draw an id that is never drawn again."""
        return urlsafe_b64encode(self.draw(_ID_BYTES)).rstrip(b"=").decode()

    def prepare(
        self, session_id: str, session: Session, *, rights: Rights | None = None, level: Level | None = None
    ) -> Checked:
        """
        Prepare a token of a session; without *rights* and *level*, with those that the session has now.

        Raises:
            Unavailable: If no such token can be made, see ``TokenMaker.prepare``.
        """
        now_ms = self.now_ms()
        return self.token_maker.prepare(
            session_id,
            session.subject,
            rights or Rights.from_text(session.rights),
            level=level or level_at(session, now_ms, self.lives),
            transport=session.transport,
            now_ms=now_ms,
            person_issuer=session.person_issuer,
        )

    async def look_up(self, subject: str, *, since_ms: int) -> CurrentAccount:
        """
        Ask the directory again about *subject*, who was proven at *since_ms*.

        Raises:
            RevokedToken: If the account is gone or disabled, or its cut-off is at or after *since_ms*.
            Unavailable: If the directory cannot be asked, or the cut-off lies in the future.
        """
        if self.directory is None or self.directory.is_static:
            return CurrentAccount()
        account = require_current(
            await self.directory.lookup(subject),
            since_ms=since_ms,
            now_ms=self.now_ms(),
            leeway_ms=self.leeway_ms,
        )
        return CurrentAccount(Rights.of(account), account.earliest_ms)

    def require_usable(self, account: Account) -> None:
        """
        Return if a session may begin for *account*.

        Raises:
            BadCredentials: If it is disabled.
            Unavailable: If its cut-off lies in the future.
        """
        if account.disabled:
            raise BadCredentials("the account is disabled")
        refuse_future_cut_off(account.earliest_ms, now_ms=self.now_ms(), leeway_ms=self.leeway_ms)

    async def prove(
        self,
        subject: str,
        username: str,
        password: str,
        *,
        network: str,
        knows_device: Callable[[str], bool],
        scheme: str = "step-up",
    ) -> Account:
        """
        Prove again that a user is *subject*; *scheme* says where, for the event of a failure.

        Raises:
            BadCredentials: If the password is wrong, or *username* is another subject's by now.
            TooManyAttempts: If a limit of the throttle is reached.
            NotSupported: If there is no directory.
            Unavailable: If the directory cannot be asked.
        """
        if self.passwords is None:
            raise NotSupported("there is no directory to prove a password with")
        account = await self.passwords.prove(
            username, password, network=network, scheme=scheme, has_device=knows_device(username)
        )
        if account.subject != subject:
            raise BadCredentials("the user name is another subject's by now")
        return account

    async def prove_to_extend(
        self,
        subject: str,
        username: str,
        password: str | None,
        *,
        network: str,
        knows_device: Callable[[str], bool],
    ) -> None:
        """
        Prove that *subject* wants a refresh token to live longer; a password that comes is checked in any case.

        A wrong one counts as a failed sign-in, and changes nothing about the session.

        Raises:
            BadCredentials: If the password is wrong, or missing where it must come along.
            AuthError: As ``prove``.
        """
        if password is not None:
            await self.prove(
                subject, username, password, network=network, knows_device=knows_device, scheme="extend"
            )  # fmt: skip
        elif self.needs_proof_to_extend:
            raise BadCredentials("the refresh token is extended only with the password")
