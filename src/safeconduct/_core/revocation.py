"""
Ask a store whether a credential was revoked, and judge by the epoch of its data what the reply is worth.

Where *seen* is the epoch that this process knew:

==============  ==================  ===============================================================================
seen            the store has       what follows
==============  ==================  ===============================================================================
none            none, empty         a ``new`` epoch begins, and the command is sent again
none            none, not empty     data was lost: a ``lost`` epoch begins, and this request is ``Unavailable``
none            one                 it is taken over
any             one with a witness  this very command proved a loss, and was decided after it; it is taken over
one             the same            the reply counts
one             a later, lost one   another process has noticed the loss; it is taken over
one             none, or another    data was lost: the epoch becomes ``lost``, and this request is ``Unavailable``
==============  ==================  ===============================================================================

In a ``lost`` epoch a token that is not younger than the epoch counts as revoked until the horizon has passed, because
the store no longer knows.  In a ``new`` one it does so with ``on_new_store = "refuse"``, and always if it belongs to a
session of our own, which must have begun elsewhere.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeVar

from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation_query import BoundedView, RevocationQuery, RevocationStatus, UntrustedStore, View
from safeconduct._core.store import OpaqueQuery, Resolved, Revocation, Store, Written
from safeconduct.config.fields import Outage
from safeconduct.errors import NotYetValidToken, RevokedToken, Unavailable
from safeconduct.events import ClockSkewed, Event, RevocationUnchecked, StoreLost

_ANNOUNCED_EVERY_MS = 60_000
#: So long may pass between reading two clocks without either being wrong.
READING_APART_MS: Final = 500

Outcome = Literal["same", "begun", "lost"]


class _Reply(Protocol):
    @property
    def epoch(self) -> Epoch | None: ...
    @property
    def is_empty(self) -> bool: ...


Replied = TypeVar("Replied", bound=_Reply)


class Revocations:
    """
    Send commands to a store, refuse what was revoked, and watch the store's epochs and its clock.

    Args:
        store: The store's port for this world.
        shards: How many shards the store has.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: The leeway granted to clocks.
        on_new_store: Whether tokens that are older than a new store count.
        announce: Tells the listeners.
        epochs: What the process has seen; shared between the worlds.
    """

    # Not a dataclass: ``check`` is on the warm path.
    __slots__ = (
        "_epochs",
        "_horizon_ms",
        "_refuses_new",
        "_seen",
        "_served_announced_ms",
        "_store",
        "announce",
        "bounded_view",
        "leeway_ms",
        "shards",
        "view",
    )

    def __init__(
        self,
        store: Store,
        *,
        shards: int,
        horizon_ms: int,
        leeway_ms: int,
        on_new_store: Literal["accept", "refuse"],
        announce: Callable[[Event], None],
        epochs: Epochs | None = None,
    ) -> None:
        self.shards = shards
        self.leeway_ms = leeway_ms
        self.announce = announce
        self._store = store
        self._horizon_ms = horizon_ms
        self._refuses_new = on_new_store == "refuse"
        self._epochs = Epochs() if epochs is None else epochs
        self._seen = self._epochs.seen
        self._served_announced_ms: int | None = None
        #: The answers that are known without asking the store; None if the store has to be asked each time.
        self.view: View | None = None if self._refuses_new else store.view
        #: What was known without asking it, at most so long ago as it says itself; None where nothing is kept.
        self.bounded_view: BoundedView | None = store.bounded_view

    async def check(self, query: RevocationQuery, *, now_ms: int, status: RevocationStatus | None = None) -> None:
        """
        Return if the credential still counts; *status* is the store's, if it was asked already.

        Raises:
            RevokedToken: If it was revoked.
            NotYetValidToken: If it was issued in the future, by the store's clock.
            Unavailable: If the store cannot be asked, or has lost its data.
        """
        if status is None:
            status = await self._store.ask(query)
        view = self.bounded_view
        # The store in memory always returns the same object, so that the warm path only compares identities.
        epoch = self._seen.get(query.shard)
        if epoch is None or status.epoch is not epoch:
            outcome = await self._settle(query.shard, status)
            if outcome == "begun":
                status = await self._store.ask(query)
                outcome = await self._settle(query.shard, status)
            _refuse_unless_same(outcome)
            epoch = self._seen[query.shard]
        if status.is_revoked or (view is not None and view.is_lost_mark(query, epoch)):
            raise RevokedToken("revoked")
        self.refuse_doubtful(
            query.shard, query.issued_ms, status.now_ms, now_ms, has_session=query.instance is not None
        )
        if status.now_ms is not None and self.is_early(query, now_ms):
            raise NotYetValidToken("iat lies in the future")

    async def check_bounded(self, query: RevocationQuery, *, now_ms: int, on_outage: Outage) -> None:
        """
        Return if the credential counts by the local view; ask the store where the view is too old or does not know.

        In an outage a credential whose session must exist is refused: without the store, an allowlist allows nothing.

        Raises:
            RevokedToken: If it was revoked.
            NotYetValidToken: If it was issued in the future, by the store's clock.
            Unavailable: If the store cannot be asked, and *on_outage* does not let the credential pass.
        """
        view = self.bounded_view
        if view is not None and view.holds(query):
            return
        sent_at = 0.0 if view is None else view.monotonic_seconds()
        try:
            status = await self._store.ask(query)
        except UntrustedStore:
            raise
        except Unavailable:
            if on_outage == "refuse" or view is None or query.record is not None or view.is_known_revoked(query):
                raise
            self._announce_served(view.age_seconds, now_ms)
            return
        await self.check(query, now_ms=now_ms, status=status)
        if view is not None:
            view.note_record(query.record, status.epoch, sent_at, is_api_key=query.api_key is not None)

    async def resolve(self, command: Callable[[], Awaitable[Resolved]], sought: OpaqueQuery, *, now_ms: int) -> str:
        """
        Return the claims of an opaque token that counts.

        Raises:
            RevokedToken: If it was revoked, or the store does not have it any more.
            Unavailable: If the store cannot be asked, or has lost its data.
        """
        view = self.bounded_view
        sent_at = 0.0 if view is None else view.monotonic_seconds()
        reply = await self.consult(sought.shard, command)
        if reply.is_revoked:
            raise RevokedToken("revoked, or not known any more")
        self.refuse_doubtful(sought.shard, reply.issued_ms, reply.now_ms, now_ms, has_session=True)
        if view is not None:
            view.note_record((sought.shard, sought.reference), reply.epoch, sent_at)
        return reply.claims

    async def ask_all(self, queries: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """
        Ask about many credentials in few commands; those that cannot be asked together are left out.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        return await self._store.ask_all(queries)

    async def issue_time(self, query: RevocationQuery) -> int:
        """
        Return the ``iat_ms`` for a token that is about to be issued.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        return (await self.consult(query.shard, lambda: self._store.issue_time(query))).iat_ms

    async def write(self, shard: int, revocation: Revocation) -> Written:
        """
        Write a revocation to one shard, also where its data was lost.

        Raises:
            Unavailable: If the store cannot be asked.
        """
        written = await self._store.revoke(shard, revocation)
        await self._settle(shard, written)
        if written.epoch is None:
            # Nothing was written.  The loss is announced by now, and the revocation is written all the same.
            written = await self._store.revoke(shard, revocation)
            _refuse_unless_same(await self._settle(shard, written))
        return written

    async def epoch(self, shard: int) -> Epoch:
        """Return the epoch of a shard, and ask the store only if this process knows none."""
        if shard not in self._seen:
            await self.issue_time(RevocationQuery(shard, (), (), 0, 0))
        return self._seen[shard]

    async def consult(self, shard: int, command: Callable[[], Awaitable[Replied]]) -> Replied:
        """Send a command to one shard, and again if it began an epoch; ``Unavailable`` if data was lost."""
        reply = await command()
        if reply.epoch is not None and reply.epoch is self._seen.get(shard):
            return reply
        outcome = await self._settle(shard, reply)
        if outcome == "begun":
            reply = await command()
            outcome = await self._settle(shard, reply)
        _refuse_unless_same(outcome)
        return reply

    def refuse_doubtful(
        self, shard: int, issued_ms: int, store_ms: int | None, own_ms: int, *, has_session: bool
    ) -> None:
        """Refuse what was issued at *issued_ms* if it is older than the store's data, and may have been revoked."""
        epoch = self._seen[shard]
        if store_ms is not None:
            self._epochs.skew_ms = own_ms - store_ms
            self.report_skew(own_ms, store_ms)
            own_ms = store_ms
        if issued_ms > epoch.started_ms or epoch.reason == "adopted":
            return
        if epoch.reason == "new" and not self._refuses_new and not has_session:
            return
        if own_ms < epoch.started_ms + max(self._horizon_ms, epoch.horizon_ms):
            raise RevokedToken("older than what the store knows")

    def is_early(self, query: RevocationQuery, own_ms: int) -> bool:
        """Return whether a token was issued in the future by the store's clock, as far as that is known."""
        # A password that was verified has no marks, and its instant is our own clock's.
        return bool(query.marks) and query.issued_ms > own_ms - self._epochs.skew_ms + self.leeway_ms

    async def _settle(self, shard: int, reply: _Reply) -> Outcome:
        """Note the epoch of *reply*, and return what it means for the reply; see the table above."""
        seen, epoch = self._seen.get(shard), reply.epoch
        if epoch is not None and epoch == seen:
            # The same object from now on, because the warm path compares identities.
            self._seen[shard] = epoch
            return "same"
        if epoch is not None and (epoch.witness or (seen is not None and _is_later_loss(epoch, seen))):
            # The script, or another process before it, has acted on the loss: what it decided holds.
            self._seen[shard] = epoch
            self.announce(StoreLost(shard=shard, witness=epoch.witness or "epoch"))
            return "same"
        if epoch is not None and (seen is None or epoch.name == seen.name):
            # Another process may have turned the same epoch into a lost one.
            self._seen[shard] = epoch
            return "same"
        if epoch is None and seen is None and reply.is_empty:
            self._seen[shard] = await self._store.begin_epoch(shard, reason="new", seen=None)
            return "begun"
        self._seen[shard] = await self._store.begin_epoch(shard, reason="lost", seen=seen)
        if seen is not None and self._seen[shard].name == seen.name:
            # The reply was late, and came from before what this process knows by now.
            return "begun"
        self.announce(StoreLost(shard=shard, witness="empty" if epoch is None else "epoch"))
        return "lost"

    def _announce_served(self, age_seconds: float, now_ms: int) -> None:
        announced_ms = self._served_announced_ms
        if announced_ms is None or abs(now_ms - announced_ms) >= _ANNOUNCED_EVERY_MS:
            self._served_announced_ms = now_ms
            self.announce(RevocationUnchecked(view_age_seconds=age_seconds))

    def report_skew(self, own_ms: int, store_ms: int) -> None:
        """Announce once a minute that the two clocks are too far apart."""
        skew_ms, announced_ms = own_ms - store_ms, self._epochs.skew_announced_ms
        if abs(skew_ms) <= max(self.leeway_ms // 2, READING_APART_MS):
            return
        if announced_ms is None or abs(own_ms - announced_ms) >= _ANNOUNCED_EVERY_MS:
            self._epochs.skew_announced_ms = own_ms
            self.announce(ClockSkewed(skew_ms=skew_ms))


def _is_later_loss(epoch: Epoch, seen: Epoch) -> bool:
    return epoch.name != seen.name and epoch.reason == "lost" and epoch.started_ms > seen.started_ms


def _refuse_unless_same(outcome: Outcome) -> None:
    if outcome != "same":
        raise Unavailable("the store lost its data")
