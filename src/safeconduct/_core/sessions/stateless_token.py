"""
The long-term credential where there is no store: a session that its owner carries, sealed.

It is not rotated, and nothing but its end ends it: whoever has a copy has the session until then, which is why that end
is never more than seven days away.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account, People
from safeconduct._core.sessions.issuing import TokenMaker
from safeconduct._core.sessions.model import Lifetimes, Rights, Session, Transport, level_at, rights_now
from safeconduct._core.sessions.rotation import Binding, RequestOrigin
from safeconduct._core.sessions.tokens import RefreshToken, Tokens
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.sealed_refresh import SealedRefresh, open_refresh, seal_refresh
from safeconduct.errors import NotSupported, NotYetValidToken
from safeconduct.events import Event
from safeconduct.principal import Level

LONGEST_LIFE_MS: Final = 7 * 86_400_000
"""What nobody can end ends by itself, after a week at the latest."""

_LABEL: Final = "refresh-jwe"


@dataclass(frozen=True, slots=True)
class CarriedSession:
    """A session that no store keeps, and its name."""

    session_id: str
    session: Session


def carried(  # noqa: PLR0913 - what a credential says, and nothing else
    session_id: str,
    *,
    subject: str,
    username: str,
    level: Level,
    auth_ms: int,
    ends_at: int,
    rights: Rights,
    transport: Transport,
    device: str,
    network: str,
) -> CarriedSession:
    """
    Make the record of a session as a store would keep it.

    ``csrf_generation`` is the second of the proof: it rises with every proof, as the generation of a kept session does,
    and ``csrf_token`` counts in 32 bits, which the milliseconds of ``auth_ms`` don't fit.  Two proofs within one second
    share a generation; they are the same person's, in the same session.

    Args:
        session_id: Its name.
        subject: Whose it is.
        username: What was submitted as his name.
        level: What was proven.
        auth_ms: When.
        ends_at: Its end, in seconds since the epoch.
        rights: What the directory allowed him then.
        transport: How its tokens travel.
        device: From ``RequestOrigin.label``.
        network: From ``network_of``.
    """
    session = Session(
        subject=subject,
        username=username,
        proof_level=level,
        auth_ms=auth_ms,
        created_ms=auth_ms,
        issued_ms=auth_ms,
        used_ms=auth_ms,
        ends_ms=ends_at * 1000,
        over_ms=ends_at * 1000,
        rights=rights.to_text(),
        transport=transport,
        device=device,
        network=network,
        csrf_generation=auth_ms // 1000,
    )
    return CarriedSession(session_id, session)


class SealedSessions:
    """
    Write and read sessions that their owners carry.

    Args:
        keys: Returns the derived keys as they are now.
        issuer: The own one.
        leeway_ms: What is granted to clocks.
    """

    def __init__(self, keys: Callable[[], DerivedKeys], issuer: str, *, leeway_ms: int) -> None:
        self._keys = keys
        self._issuer = issuer
        self._leeway_ms = leeway_ms

    def write(self, carried_session: CarriedSession) -> str:
        """
        Return the session as it travels, sealed with the key of now.

        Raises:
            ConfigurationError: If a name of it is not Unicode text.
        """
        session, keys = carried_session.session, self._keys()
        rights, version = Rights.from_text(session.rights), keys.current
        refresh = SealedRefresh(
            issuer=self._issuer,
            subject=session.subject,
            session_id=carried_session.session_id,
            auth_ms=session.auth_ms,
            level=session.proof_level,
            expires_at=session.ends_ms // 1000,
            username=session.username,
            transport=session.transport,
            device=session.device,
            network=session.network,
            roles=rights.roles,
            scopes=rights.scopes,
            display_name=rights.display_name or "",
        )
        return seal_refresh(refresh, key=keys.derive(_LABEL, version=version), version=version)

    def read(self, text: str, *, now_ms: int) -> CarriedSession:
        """
        Read a session that stands.

        Raises:
            InvalidToken: If it is none of ours, or over.
        """
        keys = self._keys()
        refresh = open_refresh(
            text,
            issuer=self._issuer,
            key_of=lambda version: keys.derive(_LABEL, version=version),
            now=now_ms / 1000,
        )
        if refresh.auth_ms > now_ms + self._leeway_ms:
            # Made while a clock was ahead: its proof would count for longer than a proof may.
            raise NotYetValidToken("the proof of the refresh token lies in the future")
        return carried(
            refresh.session_id,
            subject=refresh.subject,
            username=refresh.username,
            level=refresh.level,
            auth_ms=refresh.auth_ms,
            ends_at=refresh.expires_at,
            rights=Rights(refresh.roles, refresh.scopes, refresh.display_name or None),
            transport=refresh.transport,
            device=refresh.device,
            network=refresh.network,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatelessRotation:
    """Turn what is presented into tokens, and a proof into a session that its owner carries."""

    #: Reads and writes long-term credentials.
    sealed: SealedSessions
    #: Makes access tokens.
    minting: TokenMaker
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

    def read(self, refresh_token: str, origin: RequestOrigin) -> CarriedSession:
        """
        Read a session that stands and may come from *caller*.

        Raises:
            InvalidToken: If it is none of ours, or over.
            BindingMismatch: If it came by another transport, or from another place and that is refused.
        """
        found = self.sealed.read(refresh_token, now_ms=self.now_ms)
        self.binding.check(found.session, found.session_id, origin, announce=self.announce)
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
        origin: RequestOrigin,
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
            origin: Where the request comes from.

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
            transport=origin.transport,
            device=origin.label,
            network=origin.network,
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

    def _long_term(self, found: CarriedSession) -> RefreshToken:
        value = self.sealed.write(found)
        if found.session.transport == "cookie" and len(value) > self.longest_cookie:
            raise NotSupported("the refresh token is too long for a cookie")
        return RefreshToken(
            value=value,
            expires_at=found.session.ends_ms // 1000,
            extend_after=None,
            extend_before=None,
        )
