"""What the verbs that give tokens have in common where no store keeps a session."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account, People
from safeconduct._core.session.binding import Binding, Caller
from safeconduct._core.session.life import Lifetimes, level_at
from safeconduct._core.session.minting import Minting
from safeconduct._core.session.rights import Rights, rights_now
from safeconduct._core.session.sealed import LONGEST_LIFE_MS, CarriedSession, SealedSessions, carried
from safeconduct._core.session.tokens import LongTermToken, Tokens
from safeconduct.errors import NotSupported
from safeconduct.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StatelessTurning:
    """Turn what is presented into tokens, and a proof into a session that its owner carries."""

    #: Reads and writes long-term credentials.
    sealed: SealedSessions
    #: Makes access tokens.
    minting: Minting
    #: How long things live.
    lives: Lifetimes
    #: The directory, asked again at every step; None or static: what a sign-in found holds.
    people: People | None
    #: What happens when a long-term credential comes from another place.
    binding: Binding
    #: How long a long-term credential may be that travels in a cookie.
    longest_cookie: int
    #: The time in seconds since the epoch.
    clock: Clock
    #: Draws random bytes.
    draw: Callable[[int], bytes]
    #: Tells the listeners.
    announce: Callable[[Event], None]

    @property
    def now_ms(self) -> int:
        """The instant that a new token bears: this process's, since there is no store's."""
        return int(self.clock() * 1000)

    def ends_at(self, now_ms: int, *, is_remembered: bool) -> int:
        """
        Say when a session that begins now ends, in seconds since the epoch.

        A long-term credential that nobody extends lives for the idle lifetime, and its session no longer than it.
        """
        lives = self.lives
        life_ms = min(lives.idle_ms, lives.absolute_ms) if is_remembered else lives.short_absolute_ms
        return (now_ms + min(life_ms, LONGEST_LIFE_MS)) // 1000

    def read(self, refresh_token: str, caller: Caller) -> CarriedSession:
        """
        Read a session that stands and may come from *caller*.

        Raises:
            InvalidToken: If it is none of ours, or over.
            BindingMismatch: If it came by another transport, or from another place and that is refused.
        """
        found = self.sealed.read(refresh_token, now_ms=self.now_ms)
        self.binding.check(found.session, found.session_id, caller, announce=self.announce)
        return found

    async def rights(self, subject: str) -> Rights | None:
        """
        Ask the directory what *subject* may do now; None where it can't be asked again.

        Raises:
            RevokedToken: If the account is gone or disabled.
            Unavailable: If the directory can't be asked.
        """
        return await rights_now(self.people, subject)

    def proven(
        self,
        session_id: str,
        account: Account,
        rights: Rights,
        *,
        username: str,
        ends_at: int | None,
        is_remembered: bool,
        caller: Caller,
    ) -> Tokens:
        """
        Make the tokens of a proof that was made just now.

        Args:
            session_id: The session, a new one or that within which the proof was made.
            account: What the directory proved.
            rights: What it allows.
            username: As it was submitted.
            ends_at: When the session ends, in seconds since the epoch; None for one that begins now.
            is_remembered: Whether there is to be a long-term credential.
            caller: Where the request comes from.

        Raises:
            Unavailable: If the author's hook failed.
            NotSupported: If a token is too long for its cookie.
        """
        now_ms = self.now_ms
        found = carried(
            session_id,
            subject=account.subject,
            username=username,
            level=account.level,
            auth_ms=now_ms,
            ends_at=self.ends_at(now_ms, is_remembered=is_remembered) if ends_at is None else ends_at,
            rights=rights,
            transport=caller.transport,
            device=caller.label,
            network=caller.network,
        )
        tokens = self.given(found, now_ms=now_ms)
        return replace(tokens, refresh_token=self._long_term(found)) if is_remembered else tokens

    def given(self, found: CarriedSession, *, now_ms: int) -> Tokens:
        """
        Make an access token of the session's present level.

        Raises:
            ExpiredToken: If less than a second of the session is left.
            Unavailable: If the author's hook failed.
        """
        session, session_id = found.session, found.session_id
        level, rights = level_at(session, now_ms, self.lives), Rights.from_text(session.rights)
        prepared = self.minting.prepared(
            session.subject, session_id, rights, level=level, transport=session.transport, now_ms=now_ms
        )
        # Nothing here is renewed, however much of the session is left.
        return replace(self.minting.tokens(session, session_id, prepared, iat_ms=now_ms), renew_after=None)

    def _long_term(self, found: CarriedSession) -> LongTermToken:
        value = self.sealed.write(found)
        if found.session.transport == "cookie" and len(value) > self.longest_cookie:
            raise NotSupported("the refresh token is too long for a cookie")
        return LongTermToken(
            value=value,
            expires_at=found.session.ends_ms // 1000,
            extend_after=None,
            extend_before=None,
        )
