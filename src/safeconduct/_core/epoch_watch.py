"""
What a store's replies tell of its data, and which credentials that puts in doubt.

Where *seen* is the epoch that this process knew:

==============  ==================  ===============================================================================
seen            the store has       what follows
==============  ==================  ===============================================================================
none            none, empty         a ``new`` epoch begins, and the question is asked again
none            none, not empty     data was lost: a ``lost`` epoch begins, this once ``Unavailable``
none            one                 it is taken over
any             one with a witness  this very command proved a loss, and was decided after it; it is taken over
one             the same            the answer counts
one             a later, lost one   another process has seen the loss; it is taken over
one             none, or another    data was lost: what is there becomes ``lost``, this once ``Unavailable``
==============  ==================  ===============================================================================

In a ``lost`` epoch a token that is not younger than the epoch counts as revoked until the horizon has passed, because
the store no longer knows.  So it does in a ``new`` one with ``on_new_store = "refuse"``, and there always if it is of a
session of our own, which began elsewhere.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeVar

from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.store import RevocationQuery, Store
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.events import ClockSkewed, Event, StoreLost

_TOLD_EVERY_MS = 60_000
_READING_APART_MS = 500

Outcome = Literal["same", "begun", "lost"]


class _Reply(Protocol):
    @property
    def epoch(self) -> Epoch | None: ...
    @property
    def is_empty(self) -> bool: ...


Replied = TypeVar("Replied", bound=_Reply)


class EpochWatch:
    """
    Watch a store's epochs and its clock.

    Args:
        store: The port of this world.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: What is granted to clocks.
        refuses_new: Whether tokens older than a store that was never seen are refused.
        announce: Tells the listeners.
        epochs: What the process has seen; shared between the worlds.
    """

    __slots__ = ("_announce", "_epochs", "_horizon_ms", "_leeway_ms", "_refuses_new", "_store", "seen")

    def __init__(
        self,
        store: Store,
        *,
        horizon_ms: int,
        leeway_ms: int,
        refuses_new: bool,
        announce: Callable[[Event], None],
        epochs: Epochs,
    ) -> None:
        self._store = store
        self._horizon_ms = horizon_ms
        self._leeway_ms = leeway_ms
        self._refuses_new = refuses_new
        self._announce = announce
        self._epochs = epochs
        self.seen = epochs.seen

    async def epoch(self, shard: int) -> Epoch:
        """Return the epoch that this process knows of a shard, and ask for it where it knows none."""
        if shard not in self.seen:
            await self.consult(shard, lambda: self._store.stamp(RevocationQuery(shard, (), (), 0, 0)))
        return self.seen[shard]

    async def consult(self, shard: int, command: Callable[[], Awaitable[Replied]]) -> Replied:
        """Give a command to one shard, and again if an epoch began by it; ``Unavailable`` if data was lost."""
        reply = await command()
        outcome = await self.settle(shard, reply)
        if outcome == "begun":
            reply = await command()
            outcome = await self.settle(shard, reply)
        refuse_unless_same(outcome)
        return reply

    async def settle(self, shard: int, reply: _Reply) -> Outcome:
        """Take in which epoch *reply* names, and say what that means for it."""
        seen, epoch = self.seen.get(shard), reply.epoch
        if epoch is not None and epoch == seen:
            # The same object from now on, which is all that the warm path looks at.
            self.seen[shard] = epoch
            return "same"
        if epoch is not None and (epoch.witness or (seen is not None and _is_later_loss(epoch, seen))):
            # The script has acted on it, or another process has before: what it decided holds.
            self.seen[shard] = epoch
            self._announce(StoreLost(shard=shard, witness=epoch.witness or "epoch"))
            return "same"
        if epoch is not None and (seen is None or epoch.name == seen.name):
            # The same epoch may have been turned into a lost one by another process.
            self.seen[shard] = epoch
            return "same"
        if epoch is None and seen is None and reply.is_empty:
            self.seen[shard] = await self._store.begin_epoch(shard, reason="new", seen=None)
            return "begun"
        self.seen[shard] = await self._store.begin_epoch(shard, reason="lost", seen=seen)
        if seen is not None and self.seen[shard].name == seen.name:
            # The reply was late, and came from before what this process knows by now.
            return "begun"
        self._announce(StoreLost(shard=shard, witness="empty" if epoch is None else "epoch"))
        return "lost"

    def refuse_doubtful(
        self, issued_ms: int, epoch: Epoch, store_ms: int | None, own_ms: int, *, has_session: bool
    ) -> None:
        """
        Return if the store's data covers what was issued at *issued_ms*.

        Raises:
            RevokedToken: If it is older than the data, and may have been revoked.
        """
        if store_ms is not None:
            self.watch_clock(own_ms, store_ms)
            own_ms = store_ms
        if issued_ms <= epoch.started_ms and self._is_in_doubt(epoch, own_ms, has_session=has_session):
            raise RevokedToken("older than what the store knows")

    def is_early(self, question: RevocationQuery, own_ms: int) -> bool:
        """Say whether a token was issued in the future, as far as the store's clock is known, which stamped it."""
        # A password that was proven has no marks, and bears our own clock's instant.
        return bool(question.marks) and question.issued_ms > own_ms - self._epochs.skew_ms + self._leeway_ms

    def _is_in_doubt(self, epoch: Epoch, now_ms: int, *, has_session: bool) -> bool:
        if epoch.reason == "adopted" or (epoch.reason == "new" and not self._refuses_new and not has_session):
            return False
        return now_ms < epoch.started_ms + max(self._horizon_ms, epoch.horizon_ms)

    def watch_clock(self, own_ms: int, store_ms: int) -> None:
        """Note how far the two clocks are apart, and tell where that is too far."""
        skew_ms, told_ms = own_ms - store_ms, self._epochs.skew_told_ms
        self._epochs.skew_ms = skew_ms
        # Half a second may pass between the two clocks' readings without either being wrong.
        if abs(skew_ms) <= max(self._leeway_ms // 2, _READING_APART_MS):
            return
        if told_ms is None or abs(own_ms - told_ms) >= _TOLD_EVERY_MS:
            self._epochs.skew_told_ms = own_ms
            self._announce(ClockSkewed(skew_ms=skew_ms))


def _is_later_loss(epoch: Epoch, seen: Epoch) -> bool:
    return epoch.name != seen.name and epoch.reason == "lost" and epoch.started_ms > seen.started_ms


def refuse_unless_same(outcome: Outcome) -> None:
    """Return if a reply counts; raises ``Unavailable`` if not."""
    if outcome != "same":
        raise Unavailable("the store lost its data")
