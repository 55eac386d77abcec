"""
Whether a credential was ended, and how to end one.

What a store's epoch tells about it, where *seen* is the epoch that this process knew:

==============  ==================  ===============================================================================
seen            the store has       what follows
==============  ==================  ===============================================================================
none            none, empty         a ``new`` epoch begins, and the question is asked again
none            none, not empty     data was lost: a ``lost`` epoch begins, this once ``Unavailable``
none            one                 it is taken over
one             the same            the answer counts
one             none, or another    data was lost: what is there becomes ``lost``, this once ``Unavailable``
==============  ==================  ===============================================================================

In a ``lost`` epoch, and with ``on_new_store = "refuse"`` in a ``new`` one too, a token that is not younger than the
epoch counts as revoked until the horizon has passed, because the store no longer knows.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol, TypeVar

from safeconduct._core.members import member, session_place, shard_of
from safeconduct._core.ports import (
    Answer,
    AsksTogether,
    Epoch,
    Question,
    Receipt,
    Revocation,
    RevocationKind,
    Store,
    View,
    Written,
)
from safeconduct._core.views import Blind
from safeconduct.errors import NotFound, RevokedToken, Unavailable
from safeconduct.events import ClockSkewed, Event, Revoked, StoreLost

_MARGIN_MS = 60_000
_TOLD_EVERY_MS = 60_000
_READING_APART_MS = 500

_Outcome = Literal["same", "begun", "lost"]


class Epochs:
    """What this process has seen of a store, over both worlds and all loops."""

    __slots__ = ("seen", "skew_told_ms")

    def __init__(self) -> None:
        self.seen: dict[int, Epoch] = {}
        self.skew_told_ms: int | None = None


class _Reply(Protocol):
    @property
    def epoch(self) -> Epoch | None: ...
    @property
    def is_empty(self) -> bool: ...


Replied = TypeVar("Replied", bound=_Reply)


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
        "_epochs",
        "_horizon_ms",
        "_leeway_ms",
        "_refuses_new",
        "_seen",
        "_shards",
        "_store",
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
        self._horizon_ms = horizon_ms
        self._leeway_ms = leeway_ms
        self._absolute_lifetime_ms = absolute_lifetime_ms
        self._refuses_new = on_new_store == "refuse"
        self._announce = announce
        self._epochs = Epochs() if epochs is None else epochs
        self._seen = self._epochs.seen
        #: What is known without asking; where that is nothing, ``check`` decides.
        self.view: View = store if isinstance(store, View) and not self._refuses_new else Blind()

    async def check(self, question: Question, *, now_ms: int, answer: Answer | None = None) -> None:
        """
        Return if the credential still counts; *answer* is the store's, where it was asked already.

        Raises:
            RevokedToken: If it was ended.
            Unavailable: If nobody can say.
        """
        if answer is None:
            answer = await self._store.ask(question)
        # The store in memory always gives the same object, and that is all that the warm path looks at.
        epoch = self._seen.get(question.shard)
        if epoch is None or answer.epoch is not epoch:
            outcome = await self._settle(question.shard, answer)
            if outcome == "begun":
                answer = await self._store.ask(question)
                outcome = await self._settle(question.shard, answer)
            _refuse_unless_same(outcome)
            epoch = self._seen[question.shard]
        if answer.is_revoked:
            raise RevokedToken("revoked")
        if answer.now_ms is not None:
            self._watch_clock(now_ms, answer.now_ms)
            now_ms = answer.now_ms
        if question.issued_ms <= epoch.started_ms and self._is_in_doubt(epoch, now_ms):
            raise RevokedToken("older than what the store knows")

    async def ask_all(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        """
        Ask about many credentials together; nothing is told where the store can only be asked about one.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        if not isinstance(self._store, AsksTogether):
            return {}
        return dict(zip(questions, await self._store.ask_all(questions), strict=True))

    async def stamp(self, question: Question) -> int:
        """
        Find the ``iat_ms`` of a token that is about to be issued.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        return (await self.consult(question.shard, lambda: self._store.stamp(question))).iat_ms

    async def consult(self, shard: int, command: Callable[[], Awaitable[Replied]]) -> Replied:
        """Give a command to one shard, and again if an epoch began by it; ``Unavailable`` if data was lost."""
        reply = await command()
        outcome = await self._settle(shard, reply)
        if outcome == "begun":
            reply = await command()
            outcome = await self._settle(shard, reply)
        _refuse_unless_same(outcome)
        return reply

    async def revoke_token(self, issuer: str, token_id: str, *, subject: str | None, expires_ms: int) -> Receipt:
        """End one token, which ends by itself at *expires_ms*; on all shards if its *subject* is not known."""
        shards = self._all_shards() if subject is None else (shard_of(issuer, subject, self._shards),)
        return await self._revoke("token", issuer, token_id, shards=shards, expires_ms=self._entry_end_ms(expires_ms))

    async def revoke_session(self, issuer: str, session_id: str, *, ends_ms: int) -> Receipt:
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

    async def revoke_subject(self, issuer: str, subject: str) -> Receipt:
        """End whatever was issued to one subject until now."""
        shard = shard_of(issuer, subject, self._shards)
        return await self._revoke("subject", issuer, subject, shards=(shard,), lives_ms=self._absolute_lifetime_ms)

    async def revoke_client(self, issuer: str, client_id: str) -> Receipt:
        """End whatever was issued to one client until now."""
        return await self._revoke(
            "client", issuer, client_id, shards=self._all_shards(), lives_ms=self._absolute_lifetime_ms
        )

    async def revoke_key(self, issuer: str, kid: str) -> Receipt:
        """End whatever one key signs, for ever."""
        return await self._revoke("key", issuer, kid, shards=self._all_shards())

    async def revoke_everything(self, issuer: str) -> Receipt:
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
    ) -> Receipt:
        revocation = Revocation(kind, member(kind, issuer, *parts), shards, expires_ms, lives_ms)
        written: dict[int, Written] = {}
        error: Unavailable | None = None
        for shard in shards:
            try:
                written[shard] = await self._write(shard, revocation)
            except Unavailable as unavailable:
                error = unavailable
        if error is not None and not written:
            raise error
        receipt = _receipt(revocation, written)
        self._announce(Revoked(kind=kind, shards=len(receipt.shards), replicas=receipt.replicas))
        return receipt

    async def _write(self, shard: int, revocation: Revocation) -> Written:
        written = await self._store.revoke(shard, revocation)
        await self._settle(shard, written)
        if written.epoch is None:
            # Nothing was written.  A loss is told by now, and what is to be revoked is revoked nevertheless.
            written = await self._store.revoke(shard, revocation)
            _refuse_unless_same(await self._settle(shard, written))
        return written

    async def _settle(self, shard: int, reply: _Reply) -> _Outcome:
        seen, epoch = self._seen.get(shard), reply.epoch
        if epoch is not None and (seen is None or epoch.name == seen.name):
            # The same epoch may have been turned into a lost one by another process.
            self._seen[shard] = epoch
            return "same"
        if epoch is None and seen is None and reply.is_empty:
            self._seen[shard] = await self._store.begin_epoch(shard, reason="new", seen=None)
            return "begun"
        self._seen[shard] = await self._store.begin_epoch(shard, reason="lost", seen=seen)
        self._announce(StoreLost(shard=shard))
        return "lost"

    def _is_in_doubt(self, epoch: Epoch, now_ms: int) -> bool:
        if epoch.reason == "new" and not self._refuses_new:
            return False
        return now_ms < epoch.started_ms + max(self._horizon_ms, epoch.horizon_ms)

    def _watch_clock(self, own_ms: int, store_ms: int) -> None:
        skew_ms, told_ms = own_ms - store_ms, self._epochs.skew_told_ms
        # Half a second may pass between the two clocks' readings without either being wrong.
        if abs(skew_ms) <= max(self._leeway_ms // 2, _READING_APART_MS):
            return
        if told_ms is None or abs(own_ms - told_ms) >= _TOLD_EVERY_MS:
            self._epochs.skew_told_ms = own_ms
            self._announce(ClockSkewed(skew_ms=skew_ms))


def _refuse_unless_same(outcome: _Outcome) -> None:
    if outcome != "same":
        raise Unavailable("the store lost its data")


def _receipt(revocation: Revocation, written: dict[int, Written]) -> Receipt:
    cuts_ms = [one.before_ms for one in written.values() if one.before_ms is not None]
    return Receipt(
        before_ms=max(cuts_ms, default=None),
        shards=tuple(written),
        replicas=min(one.replicas for one in written.values()),
        missed=tuple(shard for shard in revocation.shards if shard not in written),
    )
