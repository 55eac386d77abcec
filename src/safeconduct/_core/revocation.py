"""Whether a credential was ended, and how to end one; ``epoch_watch`` says what a store without its data is worth."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from safeconduct._core.epoch_watch import EpochWatch, refuse_unless_same
from safeconduct._core.epochs import Epochs
from safeconduct._core.revocation_keys import revocation_key, session_place, shard_of
from safeconduct._core.store import (
    Resolved,
    Revocation,
    RevocationKind,
    RevocationQuery,
    RevocationStatus,
    Store,
    View,
    Written,
)
from safeconduct.errors import NotFound, NotYetValidToken, RevokedToken, Unavailable
from safeconduct.events import Event, Revoked

_MARGIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class RevocationReceipt:
    """What became of a revocation."""

    #: The latest cut-off of all shards, by the store's clock; None for a mark.
    before_ms: int | None
    #: The shards that took it.
    shards: tuple[int, ...]
    #: How many replicas of the worst shard said in time that they have it.
    replicas: int = 0
    #: The shards that could not be asked: there the thing is not ended.  Revoking again is harmless.
    missed: tuple[int, ...] = ()
    #: Whether every shard that took it has it on disk, and not in its memory alone.
    durability: Literal["durable", "stored"] = "stored"

    @classmethod
    def of(cls, revocation: Revocation, written: Mapping[int, Written]) -> "RevocationReceipt":
        """Sum up what each shard that could be asked made of *revocation*."""
        cuts_ms = [one.before_ms for one in written.values() if one.before_ms is not None]
        return cls(
            before_ms=max(cuts_ms, default=None),
            shards=tuple(written),
            replicas=min(one.replicas for one in written.values()),
            missed=tuple(shard for shard in revocation.shards if shard not in written),
            durability="durable" if all(one.is_durable for one in written.values()) else "stored",
        )


class Revocations:
    """
    Ask for and order the end of tokens, sessions, subjects, clients, keys and everything.

    Args:
        store: The port of this world.
        shards: How many shards the store has.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: What is granted to clocks.
        absolute_lifetime_ms: After what time no session lives without a new sign-in.
        on_new_store: Whether tokens older than a store that was never seen count.
        announce: Tells the listeners.
        epochs: What the process has seen; shared between the worlds.
    """

    # Not a dataclass: ``check`` stands on the warm path.
    __slots__ = (
        "_absolute_lifetime_ms",
        "_announce",
        "_leeway_ms",
        "_seen",
        "_shards",
        "_store",
        "_watch",
        "consult",
        "epoch",
        "is_early",
        "view",
    )

    def __init__(
        self,
        store: Store,
        *,
        shards: int,
        horizon_ms: int,
        leeway_ms: int,
        absolute_lifetime_ms: int,
        on_new_store: Literal["accept", "refuse"],
        announce: Callable[[Event], None],
        epochs: Epochs | None = None,
    ) -> None:
        self._store = store
        self._shards = shards
        self._leeway_ms = leeway_ms
        self._absolute_lifetime_ms = absolute_lifetime_ms
        refuses_new = on_new_store == "refuse"
        self._announce = announce
        self._watch = EpochWatch(
            store,
            horizon_ms=horizon_ms,
            leeway_ms=leeway_ms,
            refuses_new=refuses_new,
            announce=announce,
            epochs=Epochs() if epochs is None else epochs,
        )
        self._seen = self._watch.seen
        self.consult = self._watch.consult
        self.epoch = self._watch.epoch
        self.is_early = self._watch.is_early
        #: What is known without asking; None where the store has to be asked each time.
        self.view: View | None = None if refuses_new else store.view

    async def check(self, question: RevocationQuery, *, now_ms: int, answer: RevocationStatus | None = None) -> None:
        """
        Return if the credential still counts; *answer* is the store's, where it was asked already.

        Raises:
            RevokedToken: If it was ended.
            NotYetValidToken: If it was issued in the future, by the store's clock.
            Unavailable: If nobody can say.
        """
        if answer is None:
            answer = await self._store.ask(question)
        # The store in memory always gives the same object, and that is all that the warm path looks at.
        epoch = self._seen.get(question.shard)
        if epoch is None or answer.epoch is not epoch:
            outcome = await self._watch.settle(question.shard, answer)
            if outcome == "begun":
                answer = await self._store.ask(question)
                outcome = await self._watch.settle(question.shard, answer)
            refuse_unless_same(outcome)
            epoch = self._seen[question.shard]
        if answer.is_revoked:
            raise RevokedToken("revoked")
        self._watch.refuse_doubtful(
            question.issued_ms, epoch, answer.now_ms, now_ms, has_session=question.instance is not None
        )
        if answer.now_ms is not None and self._watch.is_early(question, now_ms):
            raise NotYetValidToken("iat lies in the future")

    async def resolve(self, command: Callable[[], Awaitable[Resolved]], shard: int, *, now_ms: int) -> str:
        """
        Return the claims of an opaque token that counts.

        Raises:
            RevokedToken: If it was ended, or is not known any more.
            Unavailable: If nobody can say.
        """
        reply = await self.consult(shard, command)
        if reply.is_revoked:
            raise RevokedToken("revoked, or not known any more")
        self._watch.refuse_doubtful(reply.issued_ms, self._seen[shard], reply.now_ms, now_ms, has_session=True)
        return reply.claims

    async def ask_all(self, questions: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """
        Ask about many credentials in few commands; those that cannot be asked together are left out.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        return await self._store.ask_all(questions)

    async def stamp(self, question: RevocationQuery) -> int:
        """
        Find the ``iat_ms`` of a token that is about to be issued.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        return (await self.consult(question.shard, lambda: self._store.stamp(question))).iat_ms

    async def revoke_token(
        self, issuer: str, token_id: str, *, subject: str | None, expires_ms: int
    ) -> RevocationReceipt:
        """End one token, which ends by itself at *expires_ms*; on all shards if its *subject* is not known."""
        shards = self._all_shards() if subject is None else (shard_of(issuer, subject, self._shards),)
        return await self._revoke("token", issuer, token_id, shards=shards, expires_ms=self._entry_end_ms(expires_ms))

    async def revoke_session(self, issuer: str, session_id: str, *, ends_ms: int) -> RevocationReceipt:
        """
        End the tokens of one own session, which ends by itself at *ends_ms*.

        Raises:
            NotFound: If this is no session's id.
        """
        place = session_place(session_id)
        if place is None or place[0] >= self._shards:
            raise NotFound("no session's id")
        return await self._revoke(
            "session", issuer, session_id, shards=(place[0],), expires_ms=self._entry_end_ms(ends_ms)
        )

    async def revoke_subject(self, issuer: str, subject: str) -> RevocationReceipt:
        """End whatever was issued to one subject until now."""
        shard = shard_of(issuer, subject, self._shards)
        return await self._revoke("subject", issuer, subject, shards=(shard,), lives_ms=self._absolute_lifetime_ms)

    async def revoke_client(self, issuer: str, client_id: str) -> RevocationReceipt:
        """End whatever was issued to one client until now."""
        return await self._revoke(
            "client", issuer, client_id, shards=self._all_shards(), lives_ms=self._absolute_lifetime_ms
        )

    async def revoke_key(self, issuer: str, kid: str) -> RevocationReceipt:
        """End whatever one key signs, for ever."""
        return await self._revoke("key", issuer, kid, shards=self._all_shards())

    async def revoke_everything(self, issuer: str) -> RevocationReceipt:
        """End whatever one issuer issued until now."""
        return await self._revoke("everything", issuer, shards=self._all_shards(), lives_ms=self._absolute_lifetime_ms)

    def _all_shards(self) -> tuple[int, ...]:
        return tuple(range(self._shards))

    def _entry_end_ms(self, ends_ms: int) -> int:
        return ends_ms + self._leeway_ms + _MARGIN_MS

    async def _revoke(
        self,
        kind: RevocationKind,
        issuer: str,
        *parts: str,
        shards: tuple[int, ...],
        expires_ms: int | None = None,
        lives_ms: int | None = None,
    ) -> RevocationReceipt:
        revocation = Revocation(kind, revocation_key(kind, issuer, *parts), shards, expires_ms, lives_ms)
        written: dict[int, Written] = {}
        error: Unavailable | None = None
        for shard in shards:
            try:
                written[shard] = await self._write(shard, revocation)
            except Unavailable as unavailable:
                error = unavailable
        if error is not None and not written:
            raise error
        receipt = RevocationReceipt.of(revocation, written)
        self._announce(Revoked(kind=kind, shards=len(receipt.shards), replicas=receipt.replicas))
        return receipt

    async def _write(self, shard: int, revocation: Revocation) -> Written:
        written = await self._store.revoke(shard, revocation)
        await self._watch.settle(shard, written)
        if written.epoch is None:
            # Nothing was written.  A loss is told by now, and what is to be revoked is revoked nevertheless.
            written = await self._store.revoke(shard, revocation)
            refuse_unless_same(await self._watch.settle(shard, written))
        return written
