"""How every script on a shard is called: with its four keys, the clock's shift, the horizon, and what is known."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from safeconduct._core.epochs import Epoch
from safeconduct.stores.redis.client import Call, ConnectionSource
from safeconduct.stores.redis.marks import Marks
from safeconduct.stores.redis.reply import Head, read_head
from safeconduct.stores.scripts import Script

_SHARD_KEYS: Final = (b"rev", b"cut", b"log", b"meta")
_DRAWN_BYTES: Final = 16

Argument = bytes | str | int


@dataclass(frozen=True, slots=True)
class Shown:
    """An own token as a witness: the tag of its epoch, and when it was issued, None where its record tells."""

    tag: bytes = b""
    issued_ms: int | None = None


NOTHING_SHOWN: Final = Shown()


class ShardCalls:
    """
    Call scripts on shards, for one world.

    Args:
        ways: Finds the wire of this world.
        marks: What the process knows of the data; shared between the worlds.
        key_prefix: What every key begins with.
        horizon_ms: The largest lifetime of any token that may be accepted.
        shift_ms: How far the store's clock is moved; 0 but in tests.
    """

    __slots__ = ("_epochs", "_horizon_ms", "_keys", "_marks", "_prefix", "_shift_ms", "_ways")

    def __init__(
        self, ways: ConnectionSource, marks: Marks, *, key_prefix: str, horizon_ms: int, shift_ms: Callable[[], int]
    ) -> None:
        self._ways = ways
        self._marks = marks
        self._prefix = key_prefix.encode()
        self._horizon_ms = horizon_ms
        self._shift_ms = shift_ms
        self._keys: dict[int, tuple[bytes, ...]] = {}
        self._epochs: dict[int, Epoch] = {}

    async def run(
        self,
        script: Script,
        shard: int,
        *arguments: Argument,
        keys: tuple[bytes, ...] = (),
        replicas: int = 0,
        shown: Shown = NOTHING_SHOWN,
        is_lasting: bool = False,
    ) -> Head:
        """
        Run *script* on *shard*.

        Args:
            script: What to run.
            shard: Where.
            arguments: The script's own.
            keys: Its own keys, behind the shard's four.
            replicas: For how many replicas to wait afterwards.
            shown: The own token that it is about.
            is_lasting: Whether to wait until the change is on disk.

        Raises:
            Unavailable: If there is no answer.
        """
        issued_ms: Argument = "" if shown.issued_ms is None else shown.issued_ms
        call = Call(
            script,
            self._shard_keys(shard) + keys,
            (self._shift_ms(), self._horizon_ms, *arguments),
            replicas,
            (*self._marks.words(shard), shown.tag, issued_ms, secrets.token_bytes(_DRAWN_BYTES)),
            is_lasting,
        )
        outcome = await self._ways.wire().call(call)
        head = replace(read_head(outcome.reply), replicas=outcome.replicas, is_durable=outcome.is_durable)
        if head.epoch is None or head.mark is None:
            return head
        self._marks.keep(shard, head.mark, is_own=is_lasting)
        return replace(head, epoch=self._same(shard, head.epoch))

    def key(self, shard: int, name: bytes) -> bytes:
        """Name a key on a shard's slot."""
        return self._prefix + b"{sc:%02d}:" % shard + name

    def _same(self, shard: int, epoch: Epoch) -> Epoch:
        # The same epoch stays the same object, and that is all that the use case looks at.
        known = self._epochs.get(shard)
        if known is not None and epoch == known and not epoch.witness:
            return known
        self._epochs[shard] = replace(epoch, witness="")
        return epoch

    def _shard_keys(self, shard: int) -> tuple[bytes, ...]:
        keys = self._keys.get(shard)
        if keys is None:
            keys = self._keys[shard] = tuple(self.key(shard, name) for name in _SHARD_KEYS)
        return keys
