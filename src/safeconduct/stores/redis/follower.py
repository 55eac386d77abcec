"""
Keep a local view current, from a thread of its own and over a connection of its own.

It connects, resumes or loads each shard, and waits for changes, again and again.  A round ends with the first change,
and at the latest after a quarter of the greatest age.  How far the shards are is read in each round that follows one
without changes, and otherwise as often as if there were none; only what such a round has read is confirmed.  Where the
server does not answer, the follower connects anew, and the view grows old meanwhile.

A primary that was cut off from its replicas answers, although another one has been promoted.  Where that can happen, a
shard is only as fresh as the last write that its server has taken: its *beat*, which the first follower renews that
finds it old.  A server that must not write without replicas (``min-replicas-to-write``) refuses that.

Before the first answer, and whenever the view is too old, requests ask the store themselves.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from safeconduct._core.event_dispatcher import report_fault, write_log
from safeconduct.errors import Unavailable
from safeconduct.events import Event
from safeconduct.stores.redis.feed import LOG_ENTRIES, Feed, WriteRefused
from safeconduct.stores.redis.feed_replies import ShardHead
from safeconduct.stores.redis.snapshot import REPLY_SECONDS
from safeconduct.stores.redis.view_updater import ViewUpdater
from safeconduct.stores.redis.watermarks import Watermarks
from safeconduct.stores.redis.write_back import WriteBack
from safeconduct.stores.view.local_view import LocalView
from safeconduct.stores.view.view_age import ViewAge

#: Changes that come faster than this are taken in together, because each time every credential is looked up anew.
BATCH_SECONDS: Final = 0.002
#: A server that is up again is followed within this time.
RETRY_SECONDS: Final = 0.25
#: How many times within the greatest age a shard shows that it takes writes.
_BEATS: Final = 3
_NEVER: Final = float("-inf")
_JOINED_SECONDS: Final = 0.02
_EVER_MS: Final = 1 << 52
#: A thread that does nothing for so long longer than a server may take does not run.
RUNS_WITHIN_SECONDS: Final = 1.0
_IDLE_THREAD: Final = (
    "the thread that follows the store has not run for %.0f seconds, and requests ask the store: enable threads in the "
    "web server (uWSGI: --enable-threads)"
)
_logger = logging.getLogger("safeconduct.stores")
#: A connection that went silent is noticed within this time and that of a reply.
LONGEST_BLOCK_SECONDS: Final = 5.0


class Follower:
    """
    Follow shards of one server.

    Several followers may keep one view current, each for shards of its own.

    Args:
        view: What is kept current.
        open_feed: Makes a connection's reader.
        watermarks: What the process knows of the data.
        shards: The shards to follow.
        writes_beat: Whether the server may be a primary that another one has replaced.
        horizon_ms: The largest lifetime of any token that may be accepted, leeway included.
        announce: Tells the listeners.
        monotonic: A clock that never goes back, in seconds; the view's.
    """

    def __init__(
        self,
        view: LocalView,
        open_feed: Callable[[], Feed],
        watermarks: Watermarks,
        *,
        shards: Sequence[int],
        horizon_ms: int,
        writes_beat: bool,
        announce: Callable[[Event], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.view = view
        self._open_feed = open_feed
        self._shards = tuple(shards)
        self._staleness_ms = int(view.staleness_seconds * 1000)
        self._writes_beat = writes_beat
        self._block_seconds = min(view.staleness_seconds / 4, LONGEST_BLOCK_SECONDS)
        self._announce = announce
        self._monotonic = monotonic
        self._age = ViewAge(
            shards=len(self._shards), staleness_seconds=view.staleness_seconds, announce=announce, monotonic=monotonic
        )
        self._write_back = WriteBack(view, announce=announce, monotonic=monotonic)
        self._updater = ViewUpdater(
            view, watermarks, self._write_back, shards=self._shards, horizon_ms=horizon_ms, monotonic=monotonic
        )
        self._longest_step_seconds = self._block_seconds + REPLY_SECONDS + RUNS_WITHIN_SECONDS
        self._feed: Feed | None = None
        #: When the last round was sent that read how far all shards are; never if the next one does.
        self._confirmed_at = _NEVER
        #: Whether a round of this connection was confirmed; until then none waits.
        self._is_confirmed = False
        self.reset()

    def reset(self) -> Feed | None:
        """
        Begin anew in a new process, or a forked one, and return the parent's connection, which must not be used.

        The view is reset by those that own it.
        """
        feed, self._feed = self._feed, None
        self._updater.reset()
        self._write_back.reset()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        #: When the thread last did anything.
        self._stepped_at = self._monotonic()
        self._is_reported = False
        self._age.begin()
        return feed

    @property
    def is_started(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    def start(self) -> None:
        """Start the thread, once; without one, or while it does not run, the store is asked about every request."""
        if self._thread is not None:
            self._report_idle_thread()
            return
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._stepped_at = self._monotonic()
                self._age.begin()
                thread = threading.Thread(target=self._run, name="safeconduct-view", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    self._announce_fault(error)
                else:
                    self._thread = thread

    def _report_idle_thread(self) -> None:
        """Write it to the log, once, if the thread does not run."""
        seconds = self._monotonic() - self._stepped_at
        if seconds < self._longest_step_seconds or self._is_reported or self._ended.is_set():
            return
        self._is_reported = True
        write_log(_logger, logging.ERROR, _IDLE_THREAD, seconds)

    def end(self) -> None:
        """Stop; does not wait for the thread, in which this may be called."""
        self._ended.set()
        self.disconnect()

    def wait(self, ends_at: float) -> None:
        """Wait until the thread has ended, or until *ends_at* by the real monotonic clock."""
        thread = self._thread
        if thread is None:
            return
        from safeconduct.stores.redis.connection_sync import interrupt  # noqa: PLC0415 - imported where it is used

        while thread.is_alive() and time.monotonic() < ends_at:
            # Again, because it may have connected since.
            interrupt(thread)
            thread.join(_JOINED_SECONDS)

    def connect(self) -> None:
        """
        Open a connection, and resume or load each shard.

        Raises:
            Unavailable: If the server does not answer, or has just lost its data.
        """
        feed = self._feed = self._open_feed()
        began_at = self._monotonic()
        for shard in self._shards:
            self._stepped_at = self._monotonic()
            self._updater.resume_or_load(feed, shard)
        self._confirmed_at = _NEVER
        self._is_confirmed = not self._writes_beat
        if self._is_confirmed:
            self._confirm_view(began_at)
        self._write_back.write(feed)

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
        asked = self._shards if sent_at - self._confirmed_at >= self._block_seconds else ()
        block_ms = max(1, int(self._block_seconds * 1000)) if self._is_confirmed else 1
        heads, changes = feed.follow(positions, asked=asked, block_ms=block_ms)
        for shard, some in changes.items():
            self._updater.apply(feed, shard, some)
        is_whole = all(some is None or len(some) < LOG_ENTRIES for some in changes.values())
        for shard, head in heads.items():
            self._updater.compare(feed, shard, head, is_whole=is_whole)
        if heads and is_whole:
            self._confirm(feed, heads.values(), sent_at)
        if changes:
            self._updater.tidy()
        else:
            self._confirmed_at = _NEVER
        self._write_back.write(feed)
        self._age.look()

    def _confirm(self, feed: Feed, heads: Iterable[ShardHead | None], sent_at: float) -> None:
        """Confirm what a round has read that was sent at *sent_at*, as far as the server takes writes."""
        self._confirmed_at, self._is_confirmed = sent_at, True
        if self._writes_beat:
            age_ms = max(_EVER_MS if head is None else head.beat_age_ms for head in heads)
            sent_at = min(sent_at, self._written_at(feed, age_ms, sent_at))
        self._confirm_view(sent_at)

    def _confirm_view(self, sent_at: float) -> None:
        self.view.confirm(self._shards, sent_at)
        self._age.confirmed(sent_at)

    def _written_at(self, feed: Feed, age_ms: int, sent_at: float) -> float:
        """Return when all shards have shown that they take writes; at *sent_at* they had done so *age_ms* before."""
        is_cut_off = False
        if age_ms * _BEATS >= self._staleness_ms:
            beat_at = self._monotonic()
            try:
                age_ms, sent_at = feed.beat(self._shards, older_than_ms=self._staleness_ms // _BEATS), beat_at
            except WriteRefused:
                is_cut_off = age_ms >= self._staleness_ms
            except Unavailable:
                # The client has announced why.  A full memory or disk says nothing about the replicas.
                pass
        self.view.cut_off(self._shards, is_so=is_cut_off)
        return sent_at - age_ms / 1000

    def disconnect(self) -> None:
        """Drop the connection; the view stays, and grows old."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def _announce_fault(self, error: Exception) -> None:
        report_fault(self._announce, error, where="view")

    def _run(self) -> None:
        while not self._ended.is_set():
            self._stepped_at = self._monotonic()
            try:
                self.connect()
                while not self._ended.is_set():
                    self.follow()
                    self._stepped_at = self._monotonic()
                    self._ended.wait(BATCH_SECONDS)
            except Unavailable:
                # The client has announced why.
                self._ended.wait(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - the thread must not end, and a view that nobody renews grows old
                self._announce_fault(error)
                self._ended.wait(RETRY_SECONDS)
            finally:
                self.disconnect()
            self._age.look()
