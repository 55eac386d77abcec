"""
What this process knows of the revocations in a store, and how old that knowledge is.

Followers write it (``stores.redis.follower``), one for all shards or several for some each; the requests of both worlds
read it without a lock.  A credential counts for certain while its shard is fresh, and nothing in it speaks against the
credential; otherwise the store is asked.  The view is never taken as proof that a credential was ended: the store
confirms it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_query import RecordKey, RevocationQuery
from safeconduct.stores.view.entries import Entries
from safeconduct.stores.view.packed_table import SPAN
from safeconduct.stores.view.proofs import API_KEY_SECONDS, RecordProof, RecordProofs

Verdict = Literal["counts", "ended", "unknown"]
Position = tuple[int, int]
"""The id of an entry in a shard's log: milliseconds and a number."""
LOG_START: Final[Position] = (0, 0)
ENDLESS_S: Final = SPAN - 1
"""The end of a mark that has none."""
_NEVER: Final = float("-inf")
_NONE: Final[frozenset[bytes]] = frozenset()


@dataclass(slots=True, kw_only=True)
class ShardView:
    """
    The revocations of one shard.

    Attributes:
        epoch: The life of the data that was read.
        position: The last change that is contained.
        last_issued_ms: The latest instant at which the data, when it was last looked at, had issued a token.
        loaded_ms: The store's clock by then.
        forgotten_ms: Entries of credentials that ended by then may have been forgotten.
        marks: Revoked tokens and keys, and until when, in seconds.
        cuts: Cut-offs of sessions, subjects, clients and everything, in milliseconds.
    """

    epoch: Epoch
    position: Position
    last_issued_ms: int
    loaded_ms: int
    forgotten_ms: int
    marks: Entries = field(repr=False)
    cuts: Entries = field(repr=False)

    def verdict(self, query: RevocationQuery) -> Verdict:
        """Say what is known of a credential."""
        for key in query.marks:
            if self.marks.get(key) is not None:
                return "ended"
        issued_ms = query.issued_ms
        for key in query.cuts:
            before_ms = self.cuts.get(key)
            if before_ms is not None and issued_ms <= before_ms:
                return "ended"
        if query.ends_ms <= self.forgotten_ms:
            return "ended"
        if query.instance is None and query.api_key is None:
            return "counts"
        # An API key, or a token of one of our sessions, that is older than the data, or was issued by a later state of
        # the data than the one that was read, proves a loss.  The store is shown this witness.
        is_witness = issued_ms <= self.epoch.started_ms or self.last_issued_ms < issued_ms <= self.loaded_ms
        return "unknown" if is_witness and self.epoch.reason != "adopted" else "counts"

    def covers(self, query: RevocationQuery, *, refuses_new: bool) -> bool:
        """Say whether the data begins before the credential was issued, or what is older counts all the same."""
        epoch = self.epoch
        if query.issued_ms > epoch.started_ms or epoch.reason == "adopted":
            return True
        return epoch.reason == "new" and not refuses_new and query.instance is None and query.api_key is None


class Keeper(Protocol):
    """Keeps a view current."""

    def start(self) -> None:
        """Begin, unless that was done."""
        ...

    def end(self) -> None:
        """Stop for good."""
        ...


class LocalView:
    """
    The revocations of a store's shards.

    Args:
        shards: How many shards the store has.
        staleness_seconds: The greatest age at which a shard is believed.
        refuses_new: Whether tokens older than a store that was never seen before are refused.
        monotonic: A clock that never goes back, in seconds.
    """

    __slots__ = (
        "_api_keys",
        "_awaited",
        "_confirmed_at",
        "_count",
        "_cut_off",
        "_lock",
        "_missing",
        "_monotonic",
        "_oldest",
        "_records",
        "_refuses_new",
        "_shards",
        "_version",
        "keeper",
        "staleness_seconds",
    )

    #: A record counts for a time since the store had it.
    forgets_records = True

    def __init__(
        self,
        *,
        shards: int,
        staleness_seconds: float,
        refuses_new: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = shards
        self.staleness_seconds = staleness_seconds
        self._refuses_new = refuses_new
        self._monotonic = monotonic
        #: What keeps the view current.
        self.keeper: Keeper | None = None
        self._records = RecordProofs(seconds=staleness_seconds)
        #: Whatever ends an API key is in the log; the store is asked once a minute, to note that the key is used.
        self._api_keys = RecordProofs(seconds=API_KEY_SECONDS)
        self.reset()

    def reset(self) -> None:
        """Know nothing: in a new process, or a forked one."""
        #: Held by those that write, never by a request that reads.
        self._lock = threading.Lock()
        self._shards: dict[int, ShardView] = {}
        #: Epoch, its start and the last change that a reply told of, by shard; the follower may not have it yet.
        self._awaited: dict[int, tuple[str, int, Position]] = {}
        #: Marks that the store has lost, by shard.
        self._missing: dict[int, frozenset[bytes]] = {}
        self._cut_off: frozenset[int] = frozenset()
        self._version = object()
        #: When the last command was sent that the store has answered, by shard; and the earliest of these instants.
        self._confirmed_at = dict.fromkeys(range(self._count), _NEVER)
        self._oldest = _NEVER
        self._records.clear()
        self._api_keys.clear()

    def begin(self) -> None:
        """Begin to keep the view current, unless that was done."""
        if self.keeper is not None:
            self.keeper.start()

    def end(self) -> None:
        """Keep the view current no more, so that the store is asked."""
        if self.keeper is not None:
            self.keeper.end()

    @property
    def version(self) -> object:
        """Another object whenever ``holds`` may answer otherwise."""
        return self._version if self._monotonic() < self._oldest + self.staleness_seconds else object()

    @property
    def age_seconds(self) -> float:
        """How old the oldest shard is; infinite before all were loaded."""
        return self._monotonic() - self._oldest

    @property
    def shards(self) -> Mapping[int, ShardView]:
        """The loaded shards."""
        return self._shards

    def holds(self, query: RevocationQuery) -> bool:
        """Say whether the credential counts for certain; where that is not so, ``ask`` decides."""
        now, version = self._monotonic(), self._version
        if now >= self._confirmed_at.get(query.shard, _NEVER) + self.staleness_seconds:
            return False
        proof = self._proof(query, now)
        if proof is not None and proof.was_looked_up(query, version):
            return True
        if self.verdict(query) != "counts":
            return False
        if proof is not None:
            proof.note_look_up(query, version)
        return True

    def is_known_revoked(self, query: RevocationQuery) -> bool:
        """Say whether something that this process knows, however old it is, speaks against the credential."""
        shard = self._shards.get(query.shard)
        if shard is None:
            return False
        is_covered = shard.covers(query, refuses_new=self._refuses_new) and not self._is_behind(query.shard, shard)
        return shard.verdict(query) == "ended" or not is_covered

    def is_lost_mark(self, query: RevocationQuery, epoch: Epoch) -> bool:
        """
        Say whether the credential was signed by a revoked key whose mark the store, which is in *epoch*, has lost.

        An epoch that begins with a loss refuses what is older, and the holder of a key chooses any ``iat``.
        """
        loaded = self._shards.get(query.shard)
        if loaded is None:
            return False
        if epoch.name != loaded.epoch.name:
            # The follower has not seen yet what was lost.
            return any(loaded.marks.get(key) == ENDLESS_S for key in query.marks)
        return not self._missing.get(query.shard, _NONE).isdisjoint(query.marks)

    def verdict(self, query: RevocationQuery) -> Verdict:
        """Say what is known of a credential, however old that knowledge is."""
        shard = self._shards.get(query.shard)
        if shard is None:
            return "unknown"
        if query.record is not None:
            proof = self._proof(query, self._monotonic())
            if proof is None or proof.epoch_name != shard.epoch.name:
                return "unknown"
        verdict = shard.verdict(query)
        if verdict != "counts":
            return verdict
        is_certain = shard.covers(query, refuses_new=self._refuses_new) and not self._is_behind(query.shard, shard)
        return "counts" if is_certain else "unknown"

    def _proof(self, query: RevocationQuery, now: float) -> RecordProof | None:
        record, records = query.record, self._records if query.api_key is None else self._api_keys
        return None if record is None else records.find(record, now)

    def _is_behind(self, shard: int, loaded: ShardView) -> bool:
        awaited = self._awaited.get(shard)
        if awaited is None:
            return False
        name, started_ms, position = awaited
        if name != loaded.epoch.name:
            return started_ms >= loaded.epoch.started_ms
        return position > loaded.position

    def confirm(self, shards: Iterable[int], sent_at: float) -> None:
        """Note that *shards* were current when a command was sent at *sent_at*, by the monotonic clock."""
        with self._lock:
            self._confirmed_at.update(dict.fromkeys(shards, sent_at))
            self._oldest = min(self._confirmed_at.values())

    def expect(self, shard: int, epoch: Epoch, position: Position) -> None:
        """Believe nothing about *shard* before the change at *position*, which a reply told of, is contained."""
        known = self._shards.get(shard)
        if known is not None and epoch.name == known.epoch.name and position <= known.position:
            return
        with self._lock:
            awaited = self._awaited.get(shard)
            if awaited is None or (epoch.started_ms, position) > awaited[1:]:
                self._awaited[shard] = (epoch.name, epoch.started_ms, position)
                self.change()

    def miss(self, shard: int, marks: frozenset[bytes]) -> None:
        """Note the *marks* that the store has lost, and that are to be written to it again."""
        self._missing[shard] = marks

    def cut_off(self, shards: Iterable[int], *, is_so: bool) -> None:
        """Note whether the primary of *shards* has had too few replicas to write for longer than the greatest age."""
        with self._lock:
            self._cut_off = self._cut_off.union(shards) if is_so else self._cut_off.difference(shards)

    def is_cut_off(self, shard: int) -> bool:
        """Say whether what the store answers about *shard* may be outdated, because another primary has replaced it."""
        return shard in self._cut_off

    def monotonic_seconds(self) -> float:
        """Return the time by the clock that measures the age of the view."""
        return self._monotonic()

    def note_record(
        self, record: RecordKey | None, epoch: Epoch | None, sent_at: float, *, is_api_key: bool = False
    ) -> None:
        """Remember that the data of *epoch* had a required record, by a command that was sent at *sent_at*."""
        if record is not None and epoch is not None:
            (self._api_keys if is_api_key else self._records).add(record, RecordProof(epoch, sent_at))

    def publish(self, shard: int, loaded: ShardView) -> None:
        """Replace what is known of *shard*."""
        self._shards[shard] = loaded
        self.change()

    def change(self) -> None:
        """Let every credential be looked up anew."""
        self._version = object()
