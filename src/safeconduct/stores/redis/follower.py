"""
Keep a local view current, from a thread of its own and over a connection of its own.

::

    connect ──► each shard: is the view's place still in its history?   resume
                            no, or never loaded                          load: state, pages, state again
            ──► follow: wait for changes, at most a quarter of the greatest age
                            an entry that does not follow the last       load that shard anew
                            another epoch or line                        ask for its state, resume or load
                            no answer                                    connect anew; the view grows old meanwhile

Before the first answer, and whenever the view is too old, requests ask the store themselves.
"""

import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from safeconduct.errors import Unavailable
from safeconduct.stores.redis.feed import LOG_ENTRIES, Change, Feed, ShardHead, ShardState
from safeconduct.stores.redis.watermarks import Watermark, Watermarks
from safeconduct.stores.view.entries import Entries
from safeconduct.stores.view.local_view import LocalView, ShardView
from safeconduct.stores.view.packed_table import SPAN

#: Changes that come faster than this are taken in together, because each time every credential is looked up anew.
BATCH_SECONDS: Final = 0.004
#: A server that is up again is followed within this time.
RETRY_SECONDS: Final = 0.25
#: A connection that went silent is noticed within this time and that of a reply.
LONGEST_BLOCK_SECONDS: Final = 5.0
#: Of so many shards the state is read in each round.
HEADS_A_ROUND: Final = 64
#: How often entries that have ended are looked for.
SWEPT_EVERY_SECONDS: Final = 600.0
#: So long other threads run between two stretches of work.
PAUSE_SECONDS: Final = 0.0005
_MARGIN_MS: Final = 60_000
_ENDLESS_S: Final = SPAN - 1


class Follower:
    """
    Follow shards of one server.

    Several followers may keep one view current, each for shards of its own.

    Args:
        view: What is kept current.
        open_feed: Makes a connection's reader.
        watermarks: What the process knows of the data.
        shards: The shards to follow.
        staleness_seconds: The greatest age at which the view is believed.
        horizon_ms: The largest lifetime of any token that may be accepted, leeway included.
        fault: Told of an exception that must not have been raised.
        monotonic: A clock that never goes back, in seconds; the view's.
    """

    def __init__(
        self,
        view: LocalView,
        open_feed: Callable[[], Feed],
        watermarks: Watermarks,
        *,
        shards: Sequence[int],
        staleness_seconds: float,
        horizon_ms: int,
        fault: Callable[[Exception], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.view = view
        self._open_feed = open_feed
        self._watermarks = watermarks
        self._shards = tuple(shards)
        self._block_ms = max(1, int(min(staleness_seconds / 4, LONGEST_BLOCK_SECONDS) * 1000))
        self._horizon_ms = horizon_ms
        self._fault = fault
        self._monotonic = monotonic
        self._next_asked = 0
        self._swept_at = monotonic()
        self._feed: Feed | None = None
        self.reset()

    def reset(self) -> Feed | None:
        """
        Begin anew in a new process, or a forked one, and return the parent's connection, which must not be used.

        The view is reset by those that own it.
        """
        feed, self._feed = self._feed, None
        self._lines: dict[int, bytes] = {}
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        return feed

    @property
    def is_started(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    def start(self) -> None:
        """Start the thread, once; without one the store is asked about every request."""
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                thread = threading.Thread(target=self._run, name="safeconduct-view", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    self._fault(error)
                else:
                    self._thread = thread

    def end(self) -> None:
        """Stop; does not wait for the thread."""
        self._ended.set()
        self.disconnect()

    def connect(self) -> None:
        """
        Open a connection, and resume or load each shard.

        Raises:
            Unavailable: If the server does not answer, or has just lost its data.
        """
        feed = self._feed = self._open_feed()
        began_at = self._monotonic()
        for shard in self._shards:
            self._resume_or_load(feed, shard)
        self.view.confirm(self._shards, began_at)

    def follow(self) -> None:
        """
        Wait for changes, at most a quarter of the greatest age, and put them into the view.

        Raises:
            Unavailable: If the server does not answer, or has just lost its data.
        """
        feed = self._feed
        if feed is None:
            raise Unavailable("not connected")
        positions = {shard: self.view.shards[shard].position for shard in self._shards}
        sent_at = self._monotonic()
        heads, changes = feed.follow(positions, asked=self._asked(), block_ms=self._block_ms)
        for shard, some in changes.items():
            if some is None or not self._apply(shard, some):
                self._load(feed, shard, feed.state(shard))
        is_whole = all(some is None or len(some) < LOG_ENTRIES for some in changes.values())
        for shard, head in heads.items():
            self._compare(feed, shard, head, is_whole=is_whole)
        if is_whole:
            self.view.confirm(self._shards, sent_at)
        if changes:
            self._tidy()

    def _compare(self, feed: Feed, shard: int, head: ShardHead | None, *, is_whole: bool) -> None:
        """Compare how far a shard was, before its changes were read, with what the view contains."""
        loaded = self.view.shards[shard]
        if (
            head is None
            or (head.epoch, head.line) != (loaded.epoch.name, self._lines[shard])
            or (head.started_ms, head.reason) != (loaded.epoch.started_ms, loaded.epoch.reason)
        ):
            self._resume_or_load(feed, shard)
        elif is_whole and head.position > loaded.position:
            # The log lacks its last change.
            self._load(feed, shard, feed.state(shard))
        else:
            # Line and head of one instant: the line may change before the log's next entry.
            mark = Watermark(head.epoch, head.started_ms, head.line, b"%d-%d" % head.position)
            self._watermarks.keep(shard, mark)

    def disconnect(self) -> None:
        """Drop the connection; the view stays, and grows old."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.connect()
                while not self._ended.is_set():
                    self.follow()
                    self._ended.wait(BATCH_SECONDS)
            except Unavailable:
                # The client has announced why.
                self._ended.wait(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - the thread must not end, and a view that nobody renews grows old
                self._fault(error)
                self._ended.wait(RETRY_SECONDS)
            finally:
                self.disconnect()

    def _asked(self) -> Sequence[int]:
        first = self._next_asked
        self._next_asked = (first + HEADS_A_ROUND) % len(self._shards) if len(self._shards) > HEADS_A_ROUND else 0
        return list(islice(self._shards, first, first + HEADS_A_ROUND))

    def _resume_or_load(self, feed: Feed, shard: int) -> None:
        state, loaded = feed.state(shard), self.view.shards.get(shard)
        if loaded is None or state.epoch.name != loaded.epoch.name or state.position < loaded.position:
            self._load(feed, shard, state)
            return
        # The scripts have compared what this process knows with the data's history.
        self._lines[shard] = state.line
        # Nothing about the shard is believed before its log was read up to here.
        self.view.expect(shard, state.epoch, state.position)
        if state.epoch != loaded.epoch:
            loaded.epoch = state.epoch
            self.view.change()

    def _load(self, feed: Feed, shard: int, first: ShardState) -> None:
        while True:
            marks = Entries.of(feed.pages(shard, b"rev", "tk"), base=0, pause=_pause)
            cuts = Entries.of(feed.pages(shard, b"cut", ""), base=first.now_ms - SPAN // 2, pause=_pause)
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
        self.view.publish(shard, loaded)

    def _apply(self, shard: int, changes: Sequence[Change]) -> bool:
        """Put changes into the view; False if they do not follow what it contains."""
        loaded = self.view.shards[shard]
        for change in changes:
            if change.previous != loaded.position or change.epoch != loaded.epoch.name:
                return False
            if change.before_ms is None:
                loaded.marks.put(change.key, int(min(change.expires_s, _ENDLESS_S)))
            else:
                loaded.cuts.put(change.key, change.before_ms)
            loaded.position = change.position
        self.view.change()
        return True

    def _tidy(self) -> None:
        now = self._monotonic()
        is_due = now - self._swept_at >= SWEPT_EVERY_SECONDS
        if is_due:
            self._swept_at = now
        for loaded in map(self.view.shards.__getitem__, self._shards):
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


def _pause() -> None:
    time.sleep(PAUSE_SECONDS)
