"""
Remember which sessions, opaque tokens and API keys the store had, so that it is not asked about them at every request.

A session ends by a cut-off in the shard's log, which the view looks up anyway, and so does an API key, or by a mark.
Only what the log does not tell ends with the time: a record that was deleted by hand, and an opaque token whose session
has another one by now.
"""

from typing import Final

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_query import RecordKey, RevocationQuery

#: How many proofs a process keeps at most.
MOST_PROOFS: Final = 200_000

API_KEY_SECONDS: Final = 60.0
"""How long the store is not asked about an API key; it notes the use of a key no more often."""


class RecordProof:
    """The store's answer that there was a record in the data of an epoch, to a command sent at a certain time."""

    __slots__ = ("_looked_up", "epoch_name", "sent_at")

    def __init__(self, epoch: Epoch, sent_at: float) -> None:
        self.epoch_name = epoch.name
        self.sent_at = sent_at
        self._looked_up: tuple[RevocationQuery, object] | None = None

    def was_looked_up(self, query: RevocationQuery, version: object) -> bool:
        """Say whether at *version* of the view nothing spoke against the credential that *query* is about."""
        looked_up = self._looked_up
        return looked_up is not None and looked_up[0] is query and looked_up[1] is version

    def note_look_up(self, query: RevocationQuery, version: object) -> None:
        """Note that at *version* of the view nothing spoke against the credential that *query* is about."""
        self._looked_up = (query, version)


class RecordProofs:
    """
    Remember for which records the store's answer was yes.  Threads may use it at once, without a lock.

    Args:
        seconds: How long a proof counts, from the sending of the command that gave it.
        most: How many are kept.
    """

    __slots__ = ("_half", "_older", "_seconds", "_turned_at", "_younger")

    def __init__(self, *, seconds: float, most: int = MOST_PROOFS) -> None:
        self._seconds = seconds
        self._half = max(1, most // 2)
        self.clear()

    def clear(self) -> None:
        """Forget all of them."""
        # A proof stays for as long as it counts, because a generation is dropped only when the next one is as old.
        self._younger: dict[RecordKey, RecordProof] = {}
        self._older: dict[RecordKey, RecordProof] = {}
        self._turned_at = float("-inf")

    def __len__(self) -> int:
        """Return how many are kept, including those that do not count any more."""
        return len(self._younger) + len(self._older)

    def add(self, key: RecordKey, proof: RecordProof) -> None:
        """Remember a proof, which replaces an earlier one of the same record."""
        if proof.sent_at >= self._turned_at + self._seconds or len(self._younger) >= self._half:
            self._older, self._younger, self._turned_at = self._younger, {}, proof.sent_at
        self._younger[key] = proof

    def find(self, key: RecordKey, now: float) -> RecordProof | None:
        """Return the proof of a record, unless it is too old."""
        # The younger one first: what was proven again counts for longer.
        proof = self._younger.get(key) or self._older.get(key)
        return proof if proof is not None and now < proof.sent_at + self._seconds else None
