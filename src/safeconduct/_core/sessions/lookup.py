"""Whether a session stands and its owner may still sign in; and its end."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, Self

from safeconduct._core.directory import People
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import epoch_tag, parse_session_id, revocation_key, shard_of
from safeconduct._core.session_store import Presented, SessionRef, SessionReply, SessionStore
from safeconduct._core.sessions.model import Lifetimes, Rights, Session, level_at, rights_now, token_end
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError, NotFound, NotRenewable, RevokedToken, Unavailable
from safeconduct.events import Event, SessionEnded, StoreRolledBack
from safeconduct.principal import Principal

_NOBODY = b""


class SessionKeys:
    """
    Name the sessions of the own issuer, and what may have ended them.

    Args:
        issuer: The own one.
        client_id: What its tokens name as their client.
        shards: How many shards the store has.
    """

    def __init__(self, issuer: str, *, client_id: str, shards: int) -> None:
        self.issuer = issuer
        self._others = (revocation_key("client", issuer, client_id), revocation_key("everything", issuer))
        self._shards = shards

    @classmethod
    def of(cls, config: Config) -> Self:
        """
        Take what *config* names.

        Raises:
            ConfigurationError: If it names no issuer.
        """
        if config.issuer is None:
            raise ConfigurationError("issuer: got nothing, wanted a name for sessions to be issued under")
        client_id = config.tokens.client_id or config.issuer
        return cls(config.issuer, client_id=client_id, shards=config.store.shards)

    def shard_of(self, subject: str) -> int:
        """Say where everything of *subject* lies."""
        return shard_of(self.issuer, subject, self._shards)

    def member(self, session_id: str) -> bytes:
        """Name what a session's cut-off is kept under."""
        return revocation_key("session", self.issuer, session_id)

    def of_subject(self, subject: str, session_id: str = "") -> SessionRef:
        """Reach a session of *subject*, or all of them."""
        owner = revocation_key("subject", self.issuer, subject)
        return SessionRef(self.shard_of(subject), session_id, self.member(session_id), owner, self._others)

    def of_unknown(self, session_id: str) -> SessionRef:
        """
        Reach a session whose owner its record will tell.

        Raises:
            NotFound: If *session_id* is none.
        """
        place = parse_session_id(session_id)
        if place is None or place[0] >= self._shards:
            raise NotFound("no session's id")
        return SessionRef(place[0], session_id, self.member(session_id), _NOBODY, self._others)

    def of_principal(self, principal: Principal) -> SessionRef:
        """
        Reach the session behind an access token.

        Raises:
            NotRenewable: If there is none: another issuer's, a client's, a user name and password.
        """
        session_id = principal.session_id
        if principal.issuer != self.issuer or session_id is None or parse_session_id(session_id) is None:
            raise NotRenewable("no session stands behind the credential")
        return self.of_subject(principal.subject, session_id)

    def presented(self, principal: Principal) -> Presented:
        """
        Read what the store is told of the access token behind *principal*.

        Raises:
            NotRenewable: If it does not say how often it was renewed.
        """
        issued_ms, renewals = principal.claims.get("iat_ms"), principal.claims.get("rn")
        if type(issued_ms) is not int or type(renewals) is not int:
            raise NotRenewable("the token says nothing of renewals")
        return Presented(issued_ms=issued_ms, expires_at=principal.expires_at, renewals=renewals)


Reason = Literal["signed_out", "ended", "reused", "account", "failures", "too_many"]


class SessionLookup:
    """
    Ask for sessions and end them.

    Args:
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
        session_keys: Names sessions.
        people: The directory, asked again at every step; None or static: what a sign-in found holds.
        lives: How long things live.
        announce: Tells the listeners.
    """

    def __init__(
        self,
        store: SessionStore,
        revocations: Revocations,
        *,
        session_keys: SessionKeys,
        people: People | None,
        lives: Lifetimes,
        announce: Callable[[Event], None],
    ) -> None:
        self.store = store
        self.session_keys = session_keys
        self.lives = lives
        self.announce = announce
        self.consult = revocations.consult
        self._revocations = revocations
        self._people = people

    async def read(self, ref: SessionRef) -> Session:
        """
        Return a session that stands.

        Raises:
            RevokedToken: If it is over.
        """
        session = (await self.consult(ref.shard, lambda: self.store.read(ref))).session
        if session is None:
            raise session_ended()
        return session

    async def origin(self, shard: int) -> bytes:
        """Return what the ids of new sessions bear: the tag of the shard's epoch, or what marks this process."""
        return self.store.instance or epoch_tag((await self._revocations.epoch(shard)).name)

    async def rights(self, ref: SessionRef, session: Session) -> Rights | None:
        """
        Ask the directory what the owner may do now; None where it can't be asked again.

        Raises:
            RevokedToken: If the account is gone or disabled; the session is ended.
            Unavailable: If the directory can't be asked.
        """
        try:
            return await rights_now(self._people, session.subject)
        except RevokedToken:
            await self.end(ref, session.subject, "account")
            raise

    async def end(self, ref: SessionRef, subject: str | None, reason: Reason) -> None:
        """End a session, whether it is known or not."""
        reply = await self.consult(
            ref.shard, lambda: self.store.end(ref, lives_ms=self.lives.absolute_ms)
        )  # fmt: skip
        if reply.outcome == "ended":
            self.announce(SessionEnded(subject=subject, session_id=ref.session_id, reason=reason))

    async def discard(self, ref: SessionRef) -> None:
        """End a session that nobody was told of, if the store can be asked."""
        with suppress(Unavailable):
            await self.consult(ref.shard, lambda: self.store.end(ref, lives_ms=self.lives.absolute_ms))

    async def transition(self, ref: SessionRef, command: Callable[[], Awaitable[SessionReply]]) -> SessionReply:
        """
        Give a command on one session; tell where the store is found behind.

        Raises:
            RevokedToken: If the session is over.
        """
        reply = await self.consult(ref.shard, command)
        if reply.is_rolled_back:
            self.announce(StoreRolledBack(shard=ref.shard, session_id=ref.session_id))
        if reply.outcome == "gone":
            raise session_ended()
        return reply


def session_ended() -> RevokedToken:
    """Return the error for a session that is over, or never was."""
    return RevokedToken("the session is over")


@dataclass(frozen=True, slots=True)
class ExtendedSession:
    """What the session is worth now, and until when that may be believed."""

    identity: Principal
    #: Milliseconds since the epoch, leeway included.
    ends_ms: int


class SessionExtension:
    """
    Look whether a session lives; nothing about it changes.

    Args:
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
        session_keys: Names sessions.
        lives: How long things live.
        leeway_ms: What is granted to clocks.
    """

    def __init__(
        self,
        store: SessionStore,
        revocations: Revocations,
        *,
        session_keys: SessionKeys,
        lives: Lifetimes,
        leeway_ms: int,
    ) -> None:
        self._store = store
        self._revocations = revocations
        self._session_keys = session_keys
        self._lives = lives
        self._leeway_ms = leeway_ms

    async def prolong(self, principal: Principal) -> ExtendedSession | None:
        """
        Say what the session behind *principal* would write into a token now, None where no session of ours is there.

        A connection never outlives the last credential of its session: where nobody renews, that is its end too.

        Raises:
            RevokedToken: If it is over.
            Unavailable: If the store cannot be asked.
        """
        try:
            ref = self._session_keys.of_principal(principal)
        except NotRenewable:
            return None
        reply = await self._revocations.consult(ref.shard, lambda: self._store.read(ref))
        session = reply.session
        if session is None:
            raise RevokedToken("the session is over")
        rights = Rights.from_text(session.rights)
        expires_at = token_end(session, reply.now_ms, self._lives)
        identity = replace(
            principal,
            level=level_at(session, reply.now_ms, self._lives),
            roles=frozenset(rights.roles),
            scopes=frozenset(rights.scopes),
            display_name=rights.display_name or principal.subject,
            auth_time=session.auth_ms // 1000,
            expires_at=expires_at,
        )
        return ExtendedSession(identity, min(expires_at * 1000 + self._leeway_ms, session.over_ms))
