"""
Put what a feed reads into a local view: a shard's state, its revocations, and the changes that follow.

::

    connected            the view's place is still in the shard's history        resume
                         it is not, or the shard was never loaded                load: state, pages, state again
    changes              each follows the one before it                          apply
                         one does not, or it has another epoch                   load
    the shard's head     of another epoch or line                                resume or load
                         later than the log's last entry                         load
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from safeconduct.stores.redis.feed import Feed, ShardState
from safeconduct.stores.redis.feed_replies import Change, ShardHead
from safeconduct.stores.redis.watermarks import Watermark, Watermarks
from safeconduct.stores.redis.write_back import WriteBack
from safeconduct.stores.view.entries import Entries
from safeconduct.stores.view.local_view import ENDLESS_S, LocalView, ShardView
from safeconduct.stores.view.packed_table import SPAN
from safeconduct.stores.view.retained import Retained, RetainedRevocations, revoked_keys
from safeconduct.stores.view.snapshot_table import Page

#: How often entries that have ended are looked for.
SWEPT_EVERY_SECONDS: Final = 600.0
#: So long other threads run between two stretches of work.
PAUSE_SECONDS: Final = 0.0005
_MARGIN_MS: Final = 60_000


class ViewUpdater:
    """
    Update the shards of one follower, from its thread.

    Args:
        view: What is kept current.
        watermarks: What the process knows of the data.
        write_back: Told of what the data has lost.
        shards: The follower's shards.
        horizon_ms: The largest lifetime of any token that may be accepted, leeway included.
        monotonic: A clock that never goes back, in seconds; the view's.
    """

    def __init__(
        self,
        view: LocalView,
        watermarks: Watermarks,
        write_back: WriteBack,
        *,
        shards: Sequence[int],
        horizon_ms: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._view = view
        self._watermarks = watermarks
        self._write_back = write_back
        self._shards = shards
        self._horizon_ms = horizon_ms
        self._monotonic = monotonic
        self._swept_at = monotonic()
        self.reset()

    def reset(self) -> None:
        """Begin anew in a new process, or a forked one."""
        self._lines: dict[int, bytes] = {}
        self._retained = RetainedRevocations()

    def resume_or_load(self, feed: Feed, shard: int) -> None:
        """
        Go on from what the view contains of *shard*, if that is part of the data's history; load the shard otherwise.

        Raises:
            Unavailable: If the server does not answer, or has just lost its data.
        """
        state, loaded = feed.state(shard), self._view.shards.get(shard)
        if loaded is None or state.epoch.name != loaded.epoch.name or state.position < loaded.position:
            self._load(feed, shard, state)
            return
        # The scripts have compared what this process knows with the data's history.
        self._lines[shard] = state.line
        # Nothing about the shard is believed before its log was read up to here.
        self._view.expect(shard, state.epoch, state.position)
        if state.epoch != loaded.epoch:
            loaded.epoch = state.epoch
            self._view.change()

    def apply(self, feed: Feed, shard: int, changes: Sequence[Change] | None) -> None:
        """
        Put changes into the view, None for those that cannot be read; load the shard if they do not follow the view's.

        Raises:
            Unavailable: If the shard is loaded, and the server does not answer or has just lost its data.
        """
        if changes is None or not self._append(shard, changes):
            self._load(feed, shard, feed.state(shard))

    def compare(self, feed: Feed, shard: int, head: ShardHead | None, *, is_whole: bool) -> None:
        """
        Compare how far a shard was, before its changes were read, with what the view contains.

        Args:
            feed: Reads from the server.
            shard: The shard.
            head: How far it was; None if it had no epoch.
            is_whole: Whether all changes up to there were read.

        Raises:
            Unavailable: If they differ, and the server does not answer or has just lost its data.
        """
        loaded = self._view.shards[shard]
        if (
            head is None
            or (head.epoch, head.line) != (loaded.epoch.name, self._lines[shard])
            or (head.started_ms, head.reason) != (loaded.epoch.started_ms, loaded.epoch.reason)
        ):
            self.resume_or_load(feed, shard)
        elif is_whole and head.position > loaded.position:
            # The log lacks its last change.
            self._load(feed, shard, feed.state(shard))
        else:
            # In this order, so that no token seems to be one that the data has not issued.  If the clock was ahead when
            # the data was read, the store would be asked about every token until it caught up.
            loaded.last_issued_ms = head.last_issued_ms
            loaded.loaded_ms = head.now_ms
            # Line and head of one instant: the line may change before the log's next entry.
            mark = Watermark(head.epoch, head.started_ms, head.line, b"%d-%d" % head.position)
            self._watermarks.keep(shard, mark)

    def tidy(self) -> None:
        """Pack what has become many, and leave out what has ended."""
        now = self._monotonic()
        is_due = now - self._swept_at >= SWEPT_EVERY_SECONDS
        if is_due:
            self._swept_at = now
        for loaded in map(self._view.shards.__getitem__, self._shards):
            # By the store's clock, as far as the log tells it.
            now_ms = loaded.position[0]
            bounds = ((loaded.marks, now_ms // 1000 - 60), (loaded.cuts, now_ms - self._horizon_ms - _MARGIN_MS))
            for entries, before in bounds:
                if is_due:
                    entries.sweep(before=before, pause=_pause)
                if entries.is_due:
                    entries.pack(before=before, pause=_pause)
            if is_due:
                loaded.forgotten_ms = max(loaded.forgotten_ms, now_ms - _MARGIN_MS)

    def _load(self, feed: Feed, shard: int, first: ShardState) -> None:
        while True:
            keys: set[bytes] = set()
            base = first.now_ms - SPAN // 2
            marks = Entries.of(_collecting(keys, feed.pages(shard, b"rev", b"tk", base=0)), base=0, pause=_pause)
            cuts = Entries.of(feed.pages(shard, b"cut", b"", base=base), base=base, pause=_pause)
            last = feed.state(shard)
            if last.history == first.history:
                break
            # Other data was read half-way.
            first = last
        self._lines[shard] = first.line
        loaded = ShardView(
            epoch=last.epoch, position=first.position, last_issued_ms=first.last_issued_ms, loaded_ms=first.now_ms,
            forgotten_ms=first.forgotten_ms, marks=marks, cuts=cuts,
        )  # fmt: skip
        self._note_loss(shard, loaded, keys)
        self._view.publish(shard, loaded)

    def _note_loss(self, shard: int, loaded: ShardView, keys: set[bytes]) -> None:
        """Compare what was read, *keys* among it, with what was known of the shard; add what is missing."""
        known = self._view.shards.get(shard)
        is_same = known is not None and known.epoch.name == loaded.epoch.name
        missing: list[Retained] = []
        if not is_same:
            now_s = loaded.loaded_ms // 1000
            missing = [each for each in self._retained.of(shard) if each.expires_s > now_s and _lacks(loaded, each)]
            for each in missing:
                _put(loaded, each)
        self._write_back.miss(shard, missing)
        self._retained.add_keys(shard, keys, replaces=is_same)

    def _append(self, shard: int, changes: Sequence[Change]) -> bool:
        """Put changes into the view; False if they do not follow what it contains."""
        loaded = self._view.shards[shard]
        for change in changes:
            if change.previous != loaded.position or change.epoch != loaded.epoch.name:
                return False
            revocation = Retained(change.key, change.before_ms, change.expires_s)
            _put(loaded, revocation)
            self._retained.add(shard, revocation)
            self._write_back.arrived(shard, change.key)
            loaded.position = change.position
        self._view.change()
        return True


def _put(loaded: ShardView, revocation: Retained) -> None:
    if revocation.before_ms is None:
        loaded.marks.put(revocation.key, int(min(revocation.expires_s, ENDLESS_S)))
    else:
        loaded.cuts.put(revocation.key, revocation.before_ms)


def _lacks(loaded: ShardView, revocation: Retained) -> bool:
    if revocation.before_ms is None:
        return (loaded.marks.get(revocation.key) or -1) < min(revocation.expires_s, ENDLESS_S)
    return (loaded.cuts.get(revocation.key) or -1) < revocation.before_ms


def _collecting(keys: set[bytes], pages: Iterable[Page]) -> Iterator[Page]:
    """Add the revoked keys among a snapshot's entries to *keys*."""
    for page in pages:
        keys.update(revoked_keys(page))
        yield page


def _pause() -> None:
    time.sleep(PAUSE_SECONDS)
