"""Hold what the verbs on sessions share, whether a store keeps the sessions or not."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account, DirectoryPort
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.binding import Binding
from safeconduct._core.sessions.issuing import TokenMaker
from safeconduct._core.sessions.model import Lifetimes, Rights, Session, level_at
from safeconduct._core.sessions.session_keys import SessionKeys
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer import Checked
from safeconduct.errors import BadCredentials, NotSupported, RevokedToken
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
        )

    async def rights_of(self, subject: str) -> Rights | None:
        """
        Ask the directory what *subject* may do now; None if it cannot be asked again.

        Raises:
            RevokedToken: If the account is gone or disabled.
            Unavailable: If the directory cannot be asked.
        """
        if self.directory is None or self.directory.is_static:
            return None
        account = await self.directory.lookup(subject)
        if account is None or account.disabled:
            raise RevokedToken("the account is gone or disabled")
        return Rights.of(account)

    async def prove(
        self, subject: str, username: str, password: str, *, network: str, knows_device: Callable[[str], bool]
    ) -> Account:
        """
        Prove again that a user is *subject*.

        Raises:
            BadCredentials: If the password is wrong, or *username* is another subject's by now.
            TooManyAttempts: If a limit of the throttle is reached.
            NotSupported: If there is no directory.
            Unavailable: If the directory cannot be asked.
        """
        if self.passwords is None:
            raise NotSupported("there is no directory to prove a password with")
        account = await self.passwords.prove(
            username, password, network=network, scheme="step-up", has_device=knows_device(username)
        )
        if account.subject != subject:
            raise BadCredentials("the user name is another subject's by now")
        return account
