"""Call a script on a shard: all of them take the same four keys first, and begin their replies in the same way."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from safeconduct._core.epochs import Epoch, EpochReason, Witness
from safeconduct.errors import Unavailable
from safeconduct.stores import scripts
from safeconduct.stores.redis.addresses import shard_key
from safeconduct.stores.redis.calls import Call, CallResult
from safeconduct.stores.redis.clients import ClientSource
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.watermarks import UNKNOWN, Watermark, Watermarks
from safeconduct.stores.scripts import Script
from safeconduct.stores.view.local_view import LocalView

#: About how many changes a shard's log keeps.
LOG_LENGTH: Final = 10_000
_SHARD_KEYS: Final = (b"rev", b"cut", b"log", b"meta")
_RANDOM_BYTES: Final = 16
#: Every other reason puts older tokens in doubt, as a loss does.
REASONS: Final[dict[bytes, EpochReason]] = {b"new": "new", b"adopted": "adopted"}
_WITNESSES: Final[dict[bytes, Witness]] = {name.encode(): name for name in get_args(Witness)}

Argument = bytes | str | int


@dataclass(frozen=True, slots=True)
class TokenWitness:
    """One of our own tokens, which may prove a loss of data: the tag of its epoch, and when it was issued, if known."""

    tag: bytes = b""
    issued_ms: int | None = None

    @property
    def sent_ms(self) -> Argument:
        """What a script is told of the instant."""
        return "" if self.issued_ms is None else self.issued_ms


NO_WITNESS: Final = TokenWitness()


@dataclass(frozen=True, slots=True)
class ShardReply:
    """The reply of a script on a shard."""

    #: None where the shard has no epoch; then nothing was written.
    epoch: Epoch | None
    is_empty: bool
    now_ms: int
    #: Two values of the script's own.
    first: Reply
    second: Reply
    #: Further values.
    rest: list[Any]
    #: The state of the shard's data, None where there is no epoch.
    watermark: Watermark | None = None
    #: How many replicas have the change.
    replicas: int = 0
    #: Whether the change is on disk.
    is_durable: bool = False


class ShardCalls:
    """
    Call scripts on shards, for one world.

    Args:
        clients: Finds the client of this world.
        watermarks: What the process knows of the data; shared between the worlds.
        view: Told of changes that it may not contain yet, and knows which servers not to believe; None if none is kept.
        key_prefix: What every key begins with.
        shards: Over how many shards the keys are spread.
        horizon_ms: The largest lifetime of any token that may be accepted.
        shift_ms: How far the store's clock is shifted; 0 except in tests.
    """

    __slots__ = (
        "_clients",
        "_epochs",
        "_horizon_ms",
        "_keys",
        "_prefix",
        "_shards",
        "_shift_ms",
        "_view",
        "_watermarks",
    )

    def __init__(
        self,
        clients: ClientSource,
        watermarks: Watermarks,
        view: LocalView | None,
        *,
        key_prefix: str,
        shards: int,
        horizon_ms: int,
        shift_ms: Callable[[], int],
    ) -> None:
        self._clients = clients
        self._watermarks = watermarks
        self._view = view
        self._prefix = key_prefix.encode()
        self._shards = shards
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
        witness: TokenWitness = NO_WITNESS,
        waits_for_disk: bool = False,
    ) -> ShardReply:
        """
        Run *script* on *shard*.

        Args:
            script: The script.
            shard: The shard.
            arguments: The script's own arguments.
            keys: Its own keys, after the shard's four.
            replicas: How many replicas to wait for afterwards.
            witness: The token of ours that the script is about.
            waits_for_disk: Whether to wait until the change is on disk.

        Raises:
            Unavailable: If there is no reply, or a malformed one.
        """
        self._refuse_cut_off(shard)
        seen, random = self._watermarks.known.get(shard, UNKNOWN), secrets.token_bytes(_RANDOM_BYTES)
        call = Call(
            script,
            (self._keys.get(shard) or self._shard_keys(shard)) + keys,
            (self._shift_ms(), self._horizon_ms, *arguments),
            replicas,
            (self._shards, seen.epoch, seen.line, seen.head, witness.tag, witness.sent_ms, random),
            waits_for_disk,
        )
        known = self._epochs.get(shard)
        reply = read_reply(await self._clients.client().call(call), known)
        if reply.epoch is not None and reply.watermark is not None:
            if reply.watermark != seen or self._watermarks.pending:
                self._watermarks.keep(shard, reply.watermark, is_own=waits_for_disk)
                if self._view is not None:
                    self._view.expect(shard, reply.epoch, reply.watermark.order)
            if reply.epoch is not known:
                self._epochs[shard] = replace(reply.epoch, witness="")
        return reply

    async def claim_shards(self) -> None:
        """
        Store the number of shards in the first shard, before data begin in another one.

        An empty shard alone does not show whether it is new, or whether the caller has the wrong number of shards.

        Raises:
            UntrustedStore: If the data are spread over another number.
            Unavailable: If the store cannot be asked.
        """
        call = Call(scripts.CLAIM_SHARDS, (self.shard_key(0, b"meta"),), (self._shards,))
        await self._clients.client().call(call)

    def shift_ms(self) -> int:
        """Return how far the store's clock is shifted; 0 except in tests."""
        return self._shift_ms()

    def shard_key(self, shard: int, name: bytes) -> bytes:
        """Return the key *name* of a shard: ``rev``, ``cut``, ``log`` or ``meta``, or one of those below."""
        return shard_key(self._prefix, shard, name)

    def session_key(self, shard: int, session_id: str) -> bytes:
        """Return the key of a session."""
        return self.shard_key(shard, b"ses:" + session_id.encode())

    def owner_key(self, shard: int, owner: bytes) -> bytes:
        """Return the key of the index of a subject's sessions, by the subject's revocation key."""
        return self.shard_key(shard, b"own:" + owner.hex().encode())

    def token_key(self, shard: int, digest: bytes) -> bytes:
        """Return the key of an opaque token."""
        return self.shard_key(shard, b"tok:" + digest.hex().encode())

    def use_key(self, shard: int, mark: bytes) -> bytes:
        """Return the key of the use of a token that counts once, by the token's revocation key."""
        return self.shard_key(shard, b"use:" + mark.hex().encode())

    def api_keys_key(self, shard: int, owner_part: str) -> bytes:
        """Return the key of an owner's API keys, by the part of their ids that stands for the owner."""
        # A longer name would take another 16 bytes of memory for each owner.
        return self.shard_key(shard, b"k:" + owner_part.encode())

    def _refuse_cut_off(self, shard: int) -> None:
        if self._view is not None and self._view.is_cut_off(shard):
            raise Unavailable("the primary has too few replicas to write, and another one may have replaced it")

    def _shard_keys(self, shard: int) -> tuple[bytes, ...]:
        keys = self._keys[shard] = tuple(self.shard_key(shard, name) for name in _SHARD_KEYS)
        return keys


def read_reply(result: CallResult, known: Epoch | None = None) -> ShardReply:
    """
    Read a reply; where its epoch equals *known*, the reply has that very object, which callers compare by identity.

    Raises:
        Unavailable: If no script of ours sends it.
    """
    epoch: Epoch | None = None
    watermark: Watermark | None = None
    match result.reply:
        case [
            [bytes(name), bytes(line), bytes(head), bytes(proof), *_],
            int(started_ms), bytes(reason), int(horizon_ms), is_empty, int(now_ms), first, second, *rest,
        ]:  # fmt: skip
            try:
                watermark = Watermark(name.decode(), started_ms, line, head)
            except UnicodeDecodeError as error:
                raise malformed_reply() from error
            witness = _WITNESSES.get(proof, "")
            epoch = Epoch(watermark.epoch, started_ms, REASONS.get(reason, "lost"), horizon_ms, witness)
            if epoch == known and not witness:
                epoch = known
        case [b"", _, _, _, is_empty, int(now_ms), first, second, *rest]:
            pass
        case _:
            raise malformed_reply()
    return ShardReply(
        epoch, is_empty == 1, now_ms, first, second, rest, watermark, result.replicas, is_durable=result.is_durable
    )


def integer(reply: Reply) -> int:
    """
    Read a number.

    Raises:
        Unavailable: If it is none.
    """
    if not isinstance(reply, int):
        raise malformed_reply()
    return reply


def malformed_reply() -> Unavailable:
    """Return the error for a reply that no script of ours sends."""
    return Unavailable("the store sent a malformed reply")
