"""Whether a session stands and its owner may still sign in; and its end."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from safeconduct._core.directory import People
from safeconduct._core.members import epoch_tag
from safeconduct._core.revocation import Revocations
from safeconduct._core.session.life import Lifetimes
from safeconduct._core.session.reaches import Reaches
from safeconduct._core.session.record import Session
from safeconduct._core.session.rights import Rights, rights_now
from safeconduct._core.session_ports import Reach, SessionReply, SessionStore
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.events import Event, SessionEnded, StoreRolledBack

Reason = Literal["signed_out", "ended", "reused", "account", "failures", "too_many"]


class Standing:
    """
    Ask for sessions and end them.

    Args:
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
        reaches: Names sessions.
        people: The directory, asked again at every step; None or static: what a sign-in found holds.
        lives: How long things live.
        announce: Tells the listeners.
    """

    def __init__(
        self,
        store: SessionStore,
        revocations: Revocations,
        *,
        reaches: Reaches,
        people: People | None,
        lives: Lifetimes,
        announce: Callable[[Event], None],
    ) -> None:
        self.store = store
        self.reaches = reaches
        self.lives = lives
        self.announce = announce
        self.consult = revocations.consult
        self._revocations = revocations
        self._people = people

    async def read(self, reach: Reach) -> Session:
        """
        Return a session that stands.

        Raises:
            RevokedToken: If it is over.
        """
        session = (await self.consult(reach.shard, lambda: self.store.read(reach))).session
        if session is None:
            raise gone()
        return session

    async def origin(self, shard: int) -> bytes:
        """Return what the ids of new sessions bear: the tag of the shard's epoch, or what marks this process."""
        return self.store.instance or epoch_tag((await self._revocations.epoch(shard)).name)

    async def rights(self, reach: Reach, session: Session) -> Rights | None:
        """
        Ask the directory what the owner may do now; None where it can't be asked again.

        Raises:
            RevokedToken: If the account is gone or disabled; the session is ended.
            Unavailable: If the directory can't be asked.
        """
        try:
            return await rights_now(self._people, session.subject)
        except RevokedToken:
            await self.end(reach, session.subject, "account")
            raise

    async def end(self, reach: Reach, subject: str | None, reason: Reason) -> None:
        """End a session, whether it is known or not."""
        reply = await self.consult(
            reach.shard, lambda: self.store.end(reach, lives_ms=self.lives.absolute_ms)
        )  # fmt: skip
        if reply.outcome == "ended":
            self.announce(SessionEnded(subject=subject, session_id=reach.session_id, reason=reason))

    async def discard(self, reach: Reach) -> None:
        """End a session that nobody was told of, if the store can be asked."""
        with suppress(Unavailable):
            await self.consult(reach.shard, lambda: self.store.end(reach, lives_ms=self.lives.absolute_ms))

    async def transition(self, reach: Reach, command: Callable[[], Awaitable[SessionReply]]) -> SessionReply:
        """
        Give a command on one session; tell where the store is found behind.

        Raises:
            RevokedToken: If the session is over.
        """
        reply = await self.consult(reach.shard, command)
        if reply.is_rolled_back:
            self.announce(StoreRolledBack(shard=reach.shard, session_id=reach.session_id))
        if reply.outcome == "gone":
            raise gone()
        return reply


def gone() -> RevokedToken:
    """Return the error for a session that is over, or never was."""
    return RevokedToken("the session is over")
